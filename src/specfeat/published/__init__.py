"""Weights that their authors publish: a table, and how a file of it comes into the user's cache."""
