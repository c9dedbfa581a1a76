"""Finds for each array that the network needs the array of the file."""
