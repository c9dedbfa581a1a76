"""What every reader returns: the arrays of a file by name and shape, with their values still on the disk."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

Shape = tuple[int, ...]

MAX_AXES = 8  # of one array; no layer of Keras has an array with more than six

# The order of a kernel's axes:
#   keras    height, width, in, out (Keras and TensorFlow)
#   torch    out, in, height, width (PyTorch)
#   tflite   out, height, width, in (TFLite)
#   unclear  keras or torch: the file does not say which, so the shape has to
AxisLayout = Literal["keras", "torch", "tflite", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileArray:
    """One array of a weights file.

    Attributes:
        name: the array's name in the file.
        shape: the shape in the file.
        dtype: NumPy's name of the type in the file, e.g. "float32"; of a quantised array, e.g. "int8".
        layer: the name of the layer that the array belongs to; empty until `array_names` has found it.
        role: what the array is to its layer, in Keras' word ("kernel"); or the array's number in the order
            in which Keras lists the layer's arrays ("0"); or empty, if the name does not say.
        keras_path: the layer's path in a Keras 3 file, e.g. "layers/conv2d_1"; empty for other formats.
        layout: the order of a kernel's axes.
        unordered_in: what does not tell the order of the arrays in it, for messages: "a safetensors file".
            Their order is then known only as far as numbers in their names tell it. Empty if the file keeps
            the array's place.
        note: what the reader did to the values, for the user, e.g. "dequantised per channel".
        is_neutral: whether the array has no effect (a bias of zeros that a converter added), so that it may
            stay unused.
        read: returns the values, in `shape`: floats of any width, dequantised if the file is quantised.
    """

    name: str
    shape: Shape
    dtype: str
    layer: str = ""
    role: str = ""
    keras_path: str = ""
    layout: AxisLayout = "keras"
    unordered_in: str = ""
    note: str = ""
    is_neutral: bool = False
    read: Callable[[], NDArray[Any]] = field(repr=False)

    @property
    def size(self) -> int:
        """The number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContents:
    """The contents of an open weights file.

    Attributes:
        format: the format's name for people, e.g. "Keras 3 weights (HDF5)".
        arrays: the arrays, in the file's order if it keeps one; else sorted by name, with numbers in names
            compared as numbers.
        sound_settings: the sample rate and the spectrogram settings that `specfeat weights convert` wrote
            into the file, as JSON; None for files of other programs.
    """

    format: str
    arrays: tuple[FileArray, ...]
    sound_settings: str | None = None
