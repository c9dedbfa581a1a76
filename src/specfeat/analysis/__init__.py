"""Computes with the rows of finished outputs, and writes tables of events."""
