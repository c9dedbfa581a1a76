"""Reads a frozen graph (GraphDef): the constants that its convolutions, dense layers and norms use.

The graph is not run, and TensorFlow is not loaded. The field numbers are those of TensorFlow's graph.proto,
node_def.proto, attr_value.proto, tensor.proto, tensor_shape.proto and types.proto.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import split_array_name, split_layer_and_role
from specfeat.weights.files.arrays import FileArray, FileContents, Shape
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.memory_map import map_file
from specfeat.weights.files.protobuf import (
    get_last_value,
    get_message,
    get_text,
    iterate_fields,
    iterate_integers,
)

MAX_NODES = 200_000
_MAX_SIZE = 2**48  # of one axis; -1, an unknown size, is stored as 2**64 - 1
_MAX_NEUTRAL_SIZE = 2**20  # up to which a constant is read to see whether it has an effect
_HALF = 19
# The field of a TensorProto with the values one by one, for the types of types.proto.
_VALUE_FIELDS = {1: 5, 2: 6, _HALF: 13}
_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 2: np.dtype("<f8"), _HALF: np.dtype("<f2")}
# Operations whose result is their first input, possibly in another shape or type.
_PASS_THROUGH = {"Identity", "ReadVariableOp", "Reshape", "Squeeze", "Cast"}
_MAX_PASS_THROUGH = 8  # in a row; also ends a circle

# For each operation, the inputs that are weights, and their roles.
_ROLES: dict[str, dict[int, str]] = {
    "Conv2D": {1: "kernel"},
    "DepthwiseConv2dNative": {1: "kernel"},
    "MatMul": {1: "kernel"},
    "BiasAdd": {1: "bias"},
    **{
        f"FusedBatchNorm{version}": {1: "gamma", 2: "beta", 3: "moving_mean", 4: "moving_variance"}
        for version in ("", "V2", "V3")
    },
}
# The same for the operations that `tf.nn.batch_normalization` consists of. They are ordinary sums and
# products, so only their names tell what they are.
_NORM_ROLES = {
    "add": {0: "moving_variance"},
    "mul": {1: "gamma"},
    "mul_2": {0: "moving_mean"},
    "sub": {0: "beta"},
}


@dataclass(slots=True)
class _Node:
    """One node of the graph.

    Attributes:
        name: the node's name.
        operation: the name of its operation, e.g. "Const".
        inputs: the names of the nodes that it reads.
        value: the TensorProto of a constant.
        is_transposed: whether a matrix product transposes its second factor.
    """

    name: str = ""
    operation: str = ""
    inputs: list[str] = field(default_factory=list)
    value: memoryview | None = None
    is_transposed: bool = False


@contextmanager
def read_graph(path: Path) -> Iterator[FileContents]:
    """Open a frozen graph in a `.pb` file."""
    nodes = {node.name: node for node in _iterate_nodes(map_file(path))}
    uses = _find_uses(nodes)
    constants = [node for node in nodes.values() if node.operation == "Const"]
    arrays = [_describe_array(node, uses.get(node.name)) for node in constants]
    weights = tuple(array for array in arrays if array is not None)
    if not weights:
        raise WeightsError(
            "is a graph without constants; wanted a frozen graph, or the folder of a SavedModel"
        )
    yield FileContents(format="TensorFlow frozen graph", arrays=weights)


def _iterate_nodes(data: memoryview) -> Iterator[_Node]:
    count = 0
    for number, value in iterate_fields(data):
        if number != 1:  # versions, or the library of functions
            continue
        count += 1
        if count > MAX_NODES:
            raise WeightsError(f"has more than {MAX_NODES:,} nodes; wanted fewer")
        yield _read_node(get_message(value))


def _read_node(message: memoryview) -> _Node:
    node = _Node()
    for number, value in iterate_fields(message):
        if number == 1:
            node.name = get_text(value)
        elif number == 2:
            node.operation = get_text(value)
        elif number == 3:  # "name:1" is the second output of a node, "^name" a node to run before
            node.inputs.append(get_text(value).partition(":")[0].lstrip("^"))
        elif number == 5:
            _read_attribute(node, get_message(value))
    return node


def _read_attribute(node: _Node, entry: memoryview) -> None:
    name, value = get_text(get_last_value(entry, 1)), get_message(get_last_value(entry, 2))
    if name == "value" and node.operation in ("Const", ""):  # the operation may stand behind the attributes
        node.value = get_message(get_last_value(value, 8))
    elif name == "transpose_b":
        node.is_transposed = bool(get_last_value(value, 5))


def _find_uses(nodes: dict[str, _Node]) -> dict[str, tuple[str, str]]:
    """Return the layer and the role of each constant that an operation reads as a weight, by the node's name.

    The layer is the scope of the operation, which is how Keras and TF-Slim name the operations of a layer.
    """
    uses: dict[str, tuple[str, str]] = {}
    for node in nodes.values():
        scope, _, operation_name = node.name.rpartition("/")
        roles = _ROLES.get(node.operation, {})
        if scope.endswith("batchnorm"):
            roles = _NORM_ROLES.get(operation_name, {})
            scope = scope.rpartition("/")[0]
        for index, role in roles.items():
            constant = _find_constant(nodes, node.inputs[index]) if index < len(node.inputs) else None
            if constant is None:
                continue
            use = (scope or node.name, role)
            if node.is_transposed:
                raise WeightsError(
                    f"multiplies by {constant.name} transposed; wanted the order of axes that Keras has"
                )
            if uses.setdefault(constant.name, use) != use:
                raise WeightsError(f"has the constant {constant.name} in several layers; wanted one layer")
    return uses


def _find_constant(nodes: dict[str, _Node], name: str) -> _Node | None:
    """Follow an input back to the constant that is passed through to it; None if it is computed."""
    node = nodes.get(name)
    for _ in range(_MAX_PASS_THROUGH):
        if node is None or node.operation not in _PASS_THROUGH or not node.inputs:
            break
        node = nodes.get(node.inputs[0])
    return node if node is not None and node.operation == "Const" else None


def _describe_array(node: _Node, use: tuple[str, str] | None) -> FileArray | None:
    """Describe a constant; None for integers and unused single numbers, which are sizes and thresholds."""
    tensor = get_message(node.value)
    kind, shape = get_last_value(tensor, 1), _read_shape(get_message(get_last_value(tensor, 2)))
    if kind not in _DTYPES or (use is None and math.prod(shape) <= 1):
        return None
    parts = split_array_name(node.name, len(shape))
    layer, role = use or split_layer_and_role(node.name, len(shape))
    # An operation of TensorFlow has its kernel in Keras' order. A constant that no operation reads, but that
    # is called by PyTorch's word, may be in either order.
    is_unclear = use is None and parts is not None and parts.is_torch
    read = partial(_read_values, tensor, int(kind), shape)
    return FileArray(
        name=node.name,
        shape=shape,
        dtype=str(_DTYPES[int(kind)]),
        layer=layer,
        role=role,
        layout="unclear" if is_unclear else "keras",
        read=read,
        # Keras gives FusedBatchNorm a nameless scale of ones where the norm has no gamma.
        is_neutral=(
            role == "gamma"
            and parts is None
            and math.prod(shape) <= _MAX_NEUTRAL_SIZE
            and bool((read() == 1).all())
        ),
    )


def _read_shape(message: memoryview) -> Shape:
    sizes = [get_last_value(get_message(axis), 1) or 0 for key, axis in iterate_fields(message) if key == 2]
    if not all(isinstance(size, int) and size < _MAX_SIZE for size in sizes):
        raise WeightsError("has a constant without a fixed shape")
    return tuple(int(size) for size in sizes if isinstance(size, int))


def _read_values(tensor: memoryview, kind: int, shape: Shape) -> NDArray[Any]:
    dtype, size = _DTYPES[kind], math.prod(shape)
    content = get_message(get_last_value(tensor, 4))
    if content:
        if len(content) != size * dtype.itemsize:
            raise WeightsError(f"has a constant of {len(content):,} bytes for {size:,} numbers")
        return np.frombuffer(content, dtype).reshape(shape).copy()
    fields = [value for number, value in iterate_fields(tensor) if number == _VALUE_FIELDS[kind]]
    if kind == _HALF:  # each number is an integer, whose lower 16 bits are the bits of the half
        bits = [number for value in fields for number in iterate_integers(value)]
        values = np.array(bits, np.uint16).view(np.float16)
    else:
        values = np.frombuffer(b"".join(bytes(get_message(value)) for value in fields), dtype)
    return _repeat_last(values, size).reshape(shape)


def _repeat_last(values: NDArray[Any], size: int) -> NDArray[Any]:
    """Restore the end of a constant, which TensorFlow leaves out where it only repeats the last value."""
    if not 0 < len(values) <= size:
        raise WeightsError(f"has a constant of {len(values):,} values for {size:,} numbers")
    return np.concatenate([values, np.full(size - len(values), values[-1], values.dtype)])


FROZEN_GRAPH = FileFormat(
    name="graph",
    family="TensorFlow",
    read=read_graph,
    # A GraphDef begins with the tag of its first node, which is a line feed: too common to be a signature.
    matches_name=lambda path, head: head[:1] == b"\n" and path.suffix in (".pb", ".graphdef"),
)
