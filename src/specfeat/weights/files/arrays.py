"""What every reader gives: the arrays of a file by name and shape, their values still on the disk."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

Shape = tuple[int, ...]

MAX_AXES = 8  # of an array; no layer has more than six

# How the axes of a kernel stand: as Keras and TensorFlow have them (height, width, in, out), as
# PyTorch (out, in, height, width), as TFLite (out, height, width, in), or in the first or the second way.
AxisLayout = Literal["keras", "torch", "tflite", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileArray:
    """One array of a file.

    Attributes:
        name: as the file has it.
        shape: as the file has it.
        dtype: of its values, by NumPy's name; for a quantised array that of the file.
        layer: the name of the layer it belongs to.
        role: what it is to the layer, by Keras' name ("kernel"), or its number in Keras' order ("0").
        place: the layer's place in a Keras 3 file, e.g. "layers/conv2d_1".
        layout: of a kernel's axes.
        note: what the reader did to it, for the user.
        neutral: it changes nothing (a bias of zeros that a converter added), so it may be left over.
        read: gives the values, floats of any width or dequantised, shape `shape`.
    """

    name: str
    shape: Shape
    dtype: str
    layer: str
    role: str
    place: str = ""
    layout: AxisLayout = "keras"
    note: str = ""
    neutral: bool = False
    read: Callable[[], NDArray[Any]] = field(repr=False)

    @property
    def size(self) -> int:
        """How many numbers."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContents:
    """What a file holds.

    Attributes:
        format: for people, e.g. "Keras 3 weights (HDF5)".
        arrays: in the file's order where it keeps one, else by name, numbers as numbers.
        stamp: what `specfeat weights convert` wrote of the sound, as JSON.
    """

    format: str
    arrays: tuple[FileArray, ...]
    stamp: str | None = None
