"""Rows to disk: the array, the index that says where each row came from, and the record of how."""
