"""The result of every reader: the arrays of a file by name and shape, with their values still on the disk."""

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
#   onnx     out, in, height, width (ONNX)
#   matmul   in, out (ONNX's MatMul, and Gemm without transB)
#   unclear  keras or torch; the file does not say which, so the shape decides
AxisLayout = Literal["keras", "torch", "tflite", "onnx", "matmul", "unclear"]

# The order in which the program of the file joined axes into the one that an array's values belong to:
#   channels_first  the channels before the frames and bins
#   channels_last   the channels behind them, as in Keras
#   unknown         the graph of the file does not show it
#   ""              the file has no graph that is read; the config tells the order (`flatten`)
JoinedAxes = Literal["channels_first", "channels_last", "unknown", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileArray:
    """One array of a weights file.

    Attributes:
        name: the array's name in the file.
        shape: the shape in the file.
        dtype: NumPy's name of the type in the file: e.g. "float32", or "int8" for a quantised array.
        layer: the name of the layer that the array belongs to; empty until `array_names` has found it.
        role: Keras' name of the array in its layer ("kernel"); or the array's number in the order in which
            Keras lists the layer's arrays ("0"); empty if the name of the array says neither.
        keras_path: the layer's path in a Keras 3 file, e.g. "layers/conv2d_1"; empty for other formats.
        layout: the order of a kernel's axes.
        joined_axes: the order in which the program joined the axes that the layer reads.
        unordered_in: the file, or the part of it, that does not keep the order of its layers, as messages
            name
            it: "a safetensors file". The order is then known only from numbers in names. Empty if the file
            keeps the order.
        note: how the reader has changed the values, as a text for the user, e.g. "dequantised per channel".
        is_neutral: whether the array has no effect, so that it may stay unused, e.g. a bias of zeros that a
            converter has added.
        read: a function that returns the values in `shape`: floats of any width, dequantised if the file is
            quantised.
    """

    name: str
    shape: Shape
    dtype: str
    layer: str = ""
    role: str = ""
    keras_path: str = ""
    layout: AxisLayout = "keras"
    joined_axes: JoinedAxes = ""
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
        arrays: the arrays in the order of the file. If the file keeps no order, they are sorted by name, and
            numbers in names are compared as numbers.
        sound_settings: the sample rate and the spectrogram settings that `specfeat weights convert` wrote
            into the file, as JSON; None for files of other programs.
    """

    format: str
    arrays: tuple[FileArray, ...]
    sound_settings: str | None = None
