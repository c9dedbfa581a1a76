"""Plots of sounds and of finished outputs, as pictures (with matplotlib) and as characters for a terminal.

Each plot is a class with the methods of `base.Plot`. Only `canvas` imports matplotlib.
"""
