"""Reads the weights of convolutions and dense layers from TFLite files, and dequantises quantised weights.

The file is read as a flat buffer and is never given to an interpreter. The numbers of fields and operators
are those of TensorFlow's schema.fbs (version 3). `tflite_tensor` reads the values of the tensors.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.flatbuffer import FlatbufferTable
from specfeat.weights.files.limits import count_arrays
from specfeat.weights.files.memory_map import map_file
from specfeat.weights.files.neutral_arrays import mark_neutral_arrays
from specfeat.weights.files.quantisation import describe_dequantisation
from specfeat.weights.files.tflite_tensor import Tensor, read_tensor

_NEUTRAL_NUMBERS = {"bias": 0}  # the converter adds a bias of zeros to layers without a bias
# The numbers of operators in the enum BuiltinOperator.
_CONV_2D, _DEPTHWISE_CONV_2D, _DEQUANTIZE, _FULLY_CONNECTED, _TRANSPOSE_CONV = 3, 4, 6, 9, 67
_LAYER_NAMES = {
    _CONV_2D: "conv2d",
    _DEPTHWISE_CONV_2D: "depthwiseconv2d",
    _FULLY_CONNECTED: "dense",
    _TRANSPOSE_CONV: "conv2dtranspose",
}
# The roles of an operator's inputs. In a transposed convolution, input 2 is the tensor that is convolved.
_ROLES = {1: "kernel", 2: "bias"}
_TRANSPOSED_ROLES = {1: "kernel", 3: "bias"}


@dataclass(frozen=True, slots=True)
class _Operator:
    """One operator of the graph.

    Attributes:
        code: the number of the operator in the enum BuiltinOperator.
        inputs: the numbers of the first tensors that the operator reads; -1 for an input that is left out.
        outputs: the number of the first tensor that the operator writes.
    """

    code: int
    inputs: list[int]
    outputs: list[int]


@contextmanager
def read_tflite(path: Path) -> Iterator[FileContents]:
    """Open a .tflite file."""
    model = FlatbufferTable.read_root(map_file(path))
    buffers = [buffer.read_bytes(0) for buffer in model.iterate_tables(4)]
    # Newer files have the code in field 3, older files in field 0. The other field is 0 or a small
    # placeholder.
    codes = [max(code.read_number(0, "b"), code.read_number(3, "i")) for code in model.iterate_tables(1)]
    graphs = list(model.iterate_tables(2))
    if len(graphs) != 1:
        raise WeightsError(f"has {len(graphs)} graphs; wanted one")
    tensors = [read_tensor(table, buffers) for table in graphs[0].iterate_tables(0)]
    operators = list(_iterate_operators(graphs[0], codes))
    arrays = tuple(mark_neutral_arrays(count_arrays(_iterate_arrays(tensors, operators)), _NEUTRAL_NUMBERS))
    is_quantised = any(array.note for array in arrays)
    yield FileContents(format="TFLite, dequantised" if is_quantised else "TFLite", arrays=arrays)


def _iterate_operators(graph: FlatbufferTable, codes: list[int]) -> Iterator[_Operator]:
    for operator in graph.iterate_tables(3):
        number = operator.read_number(0, "I")
        if number >= len(codes):
            raise WeightsError("has an operator that it does not list")
        inputs, outputs = operator.read_numbers(1, "<i4"), operator.read_numbers(2, "<i4")
        # Only the first inputs are kept. No operator with weights has more than four inputs, and in a hostile
        # file all operators can refer to one list of millions.
        yield _Operator(codes[number], [int(i) for i in inputs[:4]], [int(i) for i in outputs[:1]])


def _iterate_arrays(tensors: list[Tensor], operators: list[_Operator]) -> Iterator[FileArray]:
    """Yield the weights of the operators in the order in which the operators run, then all other weights.

    The names of tensors are not used, because the converter merges the scopes of several layers. The arrays
    get names from the operators: conv2d_1/kernel, conv2d_1/bias, dense_1/kernel, ...
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
                used.add(number)  # a tensor can have several uses, because equal constants are stored once
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
    return FileArray(
        name=f"{layer}/{role}" if role else f"{number}:{tensor.name}",
        shape=tensor.shape,
        dtype=str(dtype),
        layer=layer,
        role=role,
        layout="tflite",
        note=describe_dequantisation(len(tensor.scales)) if is_quantised else "",
        read=partial(Tensor.read_values, tensor),
    )


def _make_zero_bias(layer: str, channels: int) -> FileArray:
    """Return a bias of zeros for an operator without a bias, because the converter leaves out such biases."""
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
