"""Sets the arrays of a network from a weights file: every array once and in its shape, or an error.

    files/         reads the file formats: from a path to the arrays of the file
    matching/      decides which array goes into which slot of the network, and arranges its axes
    load           reads and matches a file, and sets the arrays of the network
    save           writes the arrays of a network to a file
    inspection     describes a file and finds the networks that it fits, for `specfeat weights show`
    sound_check    checks whether the weights were trained on the config's spectrogram

docs/weights.md says what users can rely on, and what each reader refuses.
"""

from specfeat.weights.load import load_weights

__all__ = ["load_weights"]
