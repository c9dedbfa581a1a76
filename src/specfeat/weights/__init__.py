"""Loads weights files into the network: every array once, in its place and shape, or an error.

    files/         readers of file formats: a path -> the arrays of the file
    matching/      which array goes into which slot of the network, and with which axes
    load           the two together: sets the network's arrays from a file
    save           writes the network's arrays to a file
    inspection     what a file holds and which networks it fits, for `specfeat weights show`
    sound_check    whether the file's weights were trained on the config's spectrogram

docs/weights.md says what users can rely on, and what each reader refuses.
"""

from specfeat.weights.load import load_weights

__all__ = ["load_weights"]
