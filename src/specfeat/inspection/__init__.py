"""Looks at things before anything is extracted: a config and its effects, the installation, the machine.

Nothing here needs TensorFlow, except `speed`, which runs the network. The modules of `specfeat doctor` need
nothing but Python's standard library.
"""
