"""Readers of weights files: each lists the arrays of one format and runs nothing from the file."""
