"""Describes a config and its effects before anything is extracted: sizes, layers, weights, files.

Nothing here needs TensorFlow, except `speed`, which runs the network.
"""
