"""Weights that their authors publish: the `table` of them, and how a file comes into the user's cache."""
