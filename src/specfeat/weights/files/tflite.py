"""TFLite: the constants that its convolutions and dense layers read, dequantised where they are quantised.

The file is read as a flat buffer and never given to an interpreter. Field and operator numbers are those of
TensorFlow's schema.fbs (version 3): a real value is scale x (stored - zero_point), for the whole tensor or
for each index of `quantized_dimension`.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import MAX_AXES, FileArray, FileContents, Shape
from specfeat.weights.files.flatbuffer import FlatbufferTable
from specfeat.weights.files.memory_map import map_file

_TYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 7: "<i2", 9: "i1", 10: "<f8"}
_DEQUANTIZE = 6
_LAYERS = {3: "conv2d", 4: "depthwiseconv2d", 9: "dense"}  # operators, and what their layers are called here
_ROLES = {1: "kernel", 2: "bias"}  # by the number of the input


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    shape: Shape
    dtype: str | None
    data: memoryview
    scale: NDArray[Any]
    zero: NDArray[Any]
    axis: int

    @property
    def is_weights(self) -> bool:
        """Whole numbers without a scale and single numbers are shapes and thresholds."""
        fits = self.dtype is not None and (self.dtype[1] == "f" or len(self.scale) > 0)
        return len(self.data) > 0 and fits and math.prod(self.shape) > 1


@contextmanager
def read_tflite(path: Path) -> Iterator[FileContents]:
    """Open a .tflite file."""
    model = FlatbufferTable.root(map_file(path))
    buffers = [buffer.bytes(0) for buffer in model.tables(4)]
    codes = [max(code.number(0, "b"), code.number(3, "i")) for code in model.tables(1)]
    graphs = list(model.tables(2))
    if len(graphs) != 1:
        raise WeightsError(f"has {len(graphs)} graphs; wanted one")
    tensors = [_tensor(table, buffers) for table in graphs[0].tables(0)]
    arrays = tuple(_arrays(tensors, list(_operators(graphs[0], codes))))
    quantised = any(array.note for array in arrays)
    yield FileContents(format="TFLite, dequantised" if quantised else "TFLite", arrays=arrays)


def _tensor(table: FlatbufferTable, buffers: list[memoryview]) -> _Tensor:
    shape = tuple(int(n) for n in table.numbers(0, "<i4"))
    number = table.number(2, "I")
    if number >= len(buffers) or len(shape) > MAX_AXES or not all(n >= 0 for n in shape):
        raise WeightsError(f"{table.text(3)!r} has no place or no shape")
    quantisation = table.table(4)
    nothing = np.empty(0, np.float32)
    return _Tensor(
        table.text(3),
        shape,
        _TYPES.get(table.number(1, "b")),
        buffers[number],
        quantisation.numbers(2, "<f4") if quantisation else nothing,
        quantisation.numbers(3, "<i8") if quantisation else nothing,
        quantisation.number(6, "i") if quantisation else 0,
    )


def _operators(graph: FlatbufferTable, codes: list[int]) -> Iterator[tuple[int, list[int], list[int]]]:
    for operator in graph.tables(3):
        number = operator.number(0, "I")
        if number >= len(codes):
            raise WeightsError("has an operator that it does not list")
        inputs, outputs = operator.numbers(1, "<i4"), operator.numbers(2, "<i4")
        yield codes[number], [int(i) for i in inputs], [int(i) for i in outputs]


def _arrays(tensors: list[_Tensor], operators: list[tuple[int, list[int], list[int]]]) -> Iterator[FileArray]:
    """Name the weights after the layers in the order in which they run: conv2d_1, dense_1, ..."""
    unpacked = {outputs[0]: inputs[0] for code, inputs, outputs in operators if code == _DEQUANTIZE}
    used: set[int] = set()
    counts = dict.fromkeys(_LAYERS, 0)
    for code, inputs, _ in operators:
        if code not in _LAYERS:
            continue
        counts[code] += 1
        layer = f"{_LAYERS[code]}_{counts[code]}"
        for i, role in _ROLES.items():
            number = inputs[i] if i < len(inputs) else -1
            number = unpacked.get(number, number)
            if 0 <= number < len(tensors) and len(tensors[number].data):
                used.add(number)  # maybe for the second time: equal constants are kept once
                yield _array(tensors[number], number, layer, role)
            elif role == "bias" and 0 <= inputs[1] < len(tensors):
                yield _no_bias(layer, tensors[inputs[1]].shape[-1 if code == 4 else 0])
    for number, tensor in enumerate(tensors):
        if number not in used and tensor.is_weights:
            yield _array(tensor, number, tensor.name, "")


def _array(tensor: _Tensor, number: int, layer: str, role: str) -> FileArray:
    if tensor.dtype is None:
        raise WeightsError(f"{tensor.name!r} is of a type that is not read here; wanted floats or 8 bits")
    if math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize != len(tensor.data):
        raise WeightsError(
            f"{tensor.name!r} has {len(tensor.data):,} bytes, which is not what its shape needs"
        )
    read = partial(_read, tensor)
    per = "per channel" if len(tensor.scale) > 1 else "per tensor"
    zeros = role == "bias" and math.prod(tensor.shape) <= 2**20 and not read().any()
    return FileArray(
        name=f"{layer}/{role}" if role else f"{number}:{tensor.name}",
        shape=tensor.shape,
        dtype=str(np.dtype(tensor.dtype)),
        layer=layer,
        role=role,
        layout="tflite",
        note=f"dequantised {per}" if len(tensor.scale) and tensor.dtype[1] != "f" else "",
        neutral=zeros,  # the converter gives a bias of zeros to a layer without one
        read=read,
    )


def _no_bias(layer: str, channels: int) -> FileArray:
    """A bias of zeros, which the converter leaves out of a dense layer."""
    return FileArray(
        name=f"{layer}/bias",
        shape=(channels,),
        dtype="float32",
        layer=layer,
        role="bias",
        layout="tflite",
        neutral=True,
        read=partial(np.zeros, channels, np.float32),
    )


def _read(tensor: _Tensor) -> NDArray[Any]:
    values = np.frombuffer(tensor.data, tensor.dtype).reshape(tensor.shape)
    if not len(tensor.scale) or values.dtype.kind == "f":
        return values.copy()
    scale, zero = tensor.scale.astype(np.float64), tensor.zero.astype(np.float64)
    if len(zero) not in (0, len(scale)):
        raise WeightsError(f"{tensor.name!r} has {len(zero)} zero points for {len(scale)} scales")
    zero = zero if len(zero) else np.zeros(1)
    if len(scale) > 1:
        if not 0 <= tensor.axis < values.ndim or len(scale) != values.shape[tensor.axis]:
            raise WeightsError(
                f"{tensor.name!r} has {len(scale)} scales, which is not its number of channels"
            )
        across = [-1 if i == tensor.axis else 1 for i in range(values.ndim)]
        scale, zero = scale.reshape(across), np.broadcast_to(zero, len(scale)).reshape(across)
    real: NDArray[Any] = ((values.astype(np.float64) - zero) * scale).astype(np.float32)
    return real
