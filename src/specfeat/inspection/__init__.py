"""Describes configs, audio files, the installation and the machine, without extracting anything.

Nothing here needs TensorFlow, except `speed`, which runs the network. The modules of `specfeat doctor` need
nothing but Python's standard library.
"""
