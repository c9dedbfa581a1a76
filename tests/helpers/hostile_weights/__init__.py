"""Weights files that lie about sizes, lead to other files, unpack without end or contain code.

CVE numbers stand where a file does what that report describes of Keras.
"""

from helpers.hostile_weights import (
    archives,
    checkpoints,
    flatbuffer,
    hdf5,
    no_weights,
    onnx,
    safetensors,
    tensorflow,
)
from helpers.hostile_weights.registry import HOSTILE_FILES

__all__ = [
    "HOSTILE_FILES",
    "archives",
    "checkpoints",
    "flatbuffer",
    "hdf5",
    "no_weights",
    "onnx",
    "safetensors",
    "tensorflow",
]
