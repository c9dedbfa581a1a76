"""Inputs other than files and folders, e.g. archives; `registry` has the list of their kinds."""
