"""Reads TFLite files: the constants that their convolutions and dense layers use, dequantised if quantised.

The file is read as a flat buffer and is never given to an interpreter. The numbers of fields, types and
operators are those of TensorFlow's schema.fbs (version 3). The real value of a quantised number is scale x
(stored - zero_point), with one scale for the whole tensor or one for each index along one axis.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import MAX_AXES, FileArray, FileContents, Shape
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.flatbuffer import FlatbufferTable
from specfeat.weights.files.limits import ArrayCounter
from specfeat.weights.files.memory_map import map_file

_DTYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 7: "<i2", 9: "i1", 10: "<f8"}
_MAX_NEUTRAL_SIZE = 2**20  # up to which a bias is read to see whether it has an effect
_MAX_NEUTRAL_SIZES = 2**23  # of all biases that are read; several may share one buffer of the file
# Of BuiltinOperator.
_CONV_2D, _DEPTHWISE_CONV_2D, _DEQUANTIZE, _FULLY_CONNECTED, _TRANSPOSE_CONV = 3, 4, 6, 9, 67
_LAYER_NAMES = {
    _CONV_2D: "conv2d",
    _DEPTHWISE_CONV_2D: "depthwiseconv2d",
    _FULLY_CONNECTED: "dense",
    _TRANSPOSE_CONV: "conv2dtranspose",
}
_ROLES = {1: "kernel", 2: "bias"}  # of an operator's inputs
_TRANSPOSED_ROLES = {1: "kernel", 3: "bias"}  # of a transposed convolution, whose input 2 is the picture


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the graph.

    Attributes:
        table: the tensor's table in the file.
        shape: the shape of the tensor.
        dtype: NumPy's code of its type; None for a type that is not read here.
        data: the bytes of the tensor; empty if the graph computes it.
        scales: the scales of quantised numbers: none, one, or one for each index along `axis`.
        zero_points: the numbers that stand for 0: none, one, or as many as there are scales.
        axis: the axis along which the scales go.
    """

    table: FlatbufferTable
    shape: Shape
    dtype: str | None
    data: memoryview
    scales: NDArray[Any]
    zero_points: NDArray[Any]
    axis: int

    @property
    def name(self) -> str:
        """The tensor's name. It is not kept: all tensors of a hostile file may refer to one long name."""
        return self.table.read_text(3)

    @property
    def has_weights(self) -> bool:
        """Whether it may be weights; integers without a scale and single numbers are sizes and thresholds."""
        is_real = self.dtype is not None and (self.dtype[1] == "f" or len(self.scales) > 0)
        return len(self.data) > 0 and is_real and math.prod(self.shape) > 1

    def read_values(self) -> NDArray[Any]:
        """Return the values, dequantised if they are quantised.

        Raises:
            WeightsError: the numbers of scales, zero points and channels do not agree.
        """
        values = np.frombuffer(self.data, self.dtype).reshape(self.shape)
        if not len(self.scales) or values.dtype.kind == "f":
            return values.copy()
        if len(self.zero_points) not in (0, len(self.scales)):
            raise WeightsError(
                f"{self.name!r} has {len(self.zero_points)} zero points for {len(self.scales)} scales"
            )
        is_per_channel = len(self.scales) > 1
        if is_per_channel and not (
            0 <= self.axis < values.ndim and len(self.scales) == values.shape[self.axis]
        ):
            raise WeightsError(f"{self.name!r} has {len(self.scales)} scales, but not as many channels")
        scales, zero_points = self.scales.astype(np.float64), self.zero_points.astype(np.float64)
        if not len(zero_points):
            zero_points = np.zeros(len(scales))
        if is_per_channel:
            along_axis = [-1 if i == self.axis else 1 for i in range(values.ndim)]
            scales, zero_points = scales.reshape(along_axis), zero_points.reshape(along_axis)
        real: NDArray[Any] = ((values.astype(np.float64) - zero_points) * scales).astype(np.float32)
        return real


@dataclass(frozen=True, slots=True)
class _Operator:
    """One operator of the graph: its code, and the numbers of the first tensors that it reads and writes."""

    code: int
    inputs: list[int]
    outputs: list[int]


@contextmanager
def read_tflite(path: Path) -> Iterator[FileContents]:
    """Open a .tflite file."""
    model = FlatbufferTable.read_root(map_file(path))
    buffers = [buffer.read_bytes(0) for buffer in model.iterate_tables(4)]
    # Newer files have the code in field 3, older ones in field 0; the other one is then 0 or a placeholder.
    codes = [max(code.read_number(0, "b"), code.read_number(3, "i")) for code in model.iterate_tables(1)]
    graphs = list(model.iterate_tables(2))
    if len(graphs) != 1:
        raise WeightsError(f"has {len(graphs)} graphs; wanted one")
    tensors = [_read_tensor(table, buffers) for table in graphs[0].iterate_tables(0)]
    operators = list(_iterate_operators(graphs[0], codes))
    arrays = tuple(_find_neutral_biases(_count_arrays(_iterate_arrays(tensors, operators))))
    is_quantised = any(array.note for array in arrays)
    yield FileContents(format="TFLite, dequantised" if is_quantised else "TFLite", arrays=arrays)


def _read_tensor(table: FlatbufferTable, buffers: list[memoryview]) -> Tensor:
    sizes: NDArray[Any] = table.read_numbers(0, "<i4")
    buffer_number = table.read_number(2, "I")
    # All tensors may refer to one list of a million sizes, so its length is checked before it is read.
    if buffer_number >= len(buffers) or len(sizes) > MAX_AXES or (sizes < 0).any():
        raise WeightsError(f"{table.read_text(3)[:60]!r} has no data or no valid shape")
    quantisation = table.read_table(4)
    nothing = np.empty(0, np.float32)
    return Tensor(
        table=table,
        shape=tuple(int(size) for size in sizes),
        dtype=_DTYPES.get(table.read_number(1, "b")),
        data=buffers[buffer_number],
        scales=quantisation.read_numbers(2, "<f4") if quantisation else nothing,
        zero_points=quantisation.read_numbers(3, "<i8") if quantisation else nothing,
        axis=quantisation.read_number(6, "i") if quantisation else 0,
    )


def _iterate_operators(graph: FlatbufferTable, codes: list[int]) -> Iterator[_Operator]:
    for operator in graph.iterate_tables(3):
        number = operator.read_number(0, "I")
        if number >= len(codes):
            raise WeightsError("has an operator that it does not list")
        inputs, outputs = operator.read_numbers(1, "<i4"), operator.read_numbers(2, "<i4")
        # No operator that has weights has more inputs. All operators may refer to one list of millions.
        yield _Operator(codes[number], [int(i) for i in inputs[:4]], [int(i) for i in outputs[:1]])


def _iterate_arrays(tensors: list[Tensor], operators: list[_Operator]) -> Iterator[FileArray]:
    """Yield the weights of the operators in the order in which these run, then all other weights.

    TFLite names tensors by scopes that the converter has merged, so the arrays are named after the operators:
    conv2d_1/kernel, conv2d_1/bias, dense_1/kernel, ...
    """
    dequantised = {op.outputs[0]: op.inputs[0] for op in operators if op.code == _DEQUANTIZE}
    used: set[int] = set()
    counts = dict.fromkeys(_LAYER_NAMES, 0)
    for operator in operators:
        if operator.code not in _LAYER_NAMES:
            continue
        inputs = operator.inputs
        counts[operator.code] += 1
        layer = f"{_LAYER_NAMES[operator.code]}_{counts[operator.code]}"
        for index, role in (_TRANSPOSED_ROLES if operator.code == _TRANSPOSE_CONV else _ROLES).items():
            number = inputs[index] if index < len(inputs) else -1  # -1 is an input that is left out
            number = dequantised.get(number, number)
            if 0 <= number < len(tensors) and len(tensors[number].data):
                used.add(number)  # perhaps again: the converter stores equal constants once
                yield _describe_array(tensors[number], number, layer, role)
            elif role == "bias" and 0 <= inputs[1] < len(tensors):
                channel_axis = -1 if operator.code == _DEPTHWISE_CONV_2D else 0
                yield _make_zero_bias(layer, tensors[inputs[1]].shape[channel_axis])
    for number, tensor in enumerate(tensors):
        if number not in used and tensor.has_weights:
            yield _describe_array(tensor, number, tensor.name, "")


def _describe_array(tensor: Tensor, number: int, layer: str, role: str) -> FileArray:
    if tensor.dtype is None:
        raise WeightsError(f"{tensor.name!r} is of a type that is not read here; wanted floats or 8 bits")
    dtype, size = np.dtype(tensor.dtype), math.prod(tensor.shape)
    if size * dtype.itemsize != len(tensor.data):
        raise WeightsError(
            f"{tensor.name!r} has {len(tensor.data):,} bytes, which is not what its shape needs"
        )
    is_quantised = len(tensor.scales) > 0 and dtype.kind != "f"
    scope = "per channel" if len(tensor.scales) > 1 else "per tensor"
    return FileArray(
        name=f"{layer}/{role}" if role else f"{number}:{tensor.name}",
        shape=tensor.shape,
        dtype=str(dtype),
        layer=layer,
        role=role,
        layout="tflite",
        note=f"dequantised {scope}" if is_quantised else "",
        read=partial(Tensor.read_values, tensor),
    )


def _count_arrays(arrays: Iterator[FileArray]) -> Iterator[FileArray]:
    counter = ArrayCounter()
    for array in arrays:
        counter.add(array.name)
        yield array


def _find_neutral_biases(arrays: Iterator[FileArray]) -> Iterator[FileArray]:
    """Mark the biases of zeros, which the converter gives to layers without a bias."""
    remaining = _MAX_NEUTRAL_SIZES
    for array in arrays:
        if array.role == "bias" and not array.is_neutral and array.size <= min(_MAX_NEUTRAL_SIZE, remaining):
            remaining -= array.size
            yield replace(array, is_neutral=not array.read().any())
        else:
            yield array


def _make_zero_bias(layer: str, channels: int) -> FileArray:
    """Return a bias of zeros for a layer without one: the converter leaves out a bias that is zero."""
    return FileArray(
        name=f"{layer}/bias",
        shape=(channels,),
        dtype="float32",
        layer=layer,
        role="bias",
        layout="tflite",
        is_neutral=True,
        read=partial(np.zeros, channels, np.float32),
    )


TFLITE = FileFormat(
    name="tflite",
    family="TFLite",
    read=read_tflite,
    matches_bytes=lambda head, tail: head[4:8] == b"TFL3",
)
