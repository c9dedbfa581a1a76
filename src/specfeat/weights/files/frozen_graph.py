"""A frozen graph (GraphDef): the constants that its convolutions, dense layers and norms read.

The graph is not run, and no library of TensorFlow's is asked. Field numbers are those of TensorFlow's
graph.proto, node_def.proto, attr_value.proto, tensor.proto and types.proto.
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
from specfeat.weights.files.array_names import split_array_name
from specfeat.weights.files.arrays import FileArray, FileContents, Shape
from specfeat.weights.files.memory_map import map_file
from specfeat.weights.files.protobuf import (
    get_last_value,
    get_message,
    get_text,
    iterate_fields,
    iterate_integers,
)

MAX_NODES = 200_000
_FLOATS = {
    1: ("<f4", 5),
    2: ("<f8", 6),
    19: ("<f2", None),
}  # DataType: NumPy's, and the field of single values
_THROUGH = {"Identity", "ReadVariableOp", "Reshape", "Squeeze", "Cast"}  # hand on what they read first

# What an operation's inputs are to its layer.
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
# The same of the operations that tf.nn.batch_normalization is made of, by their names.
_NORM_ROLES = {
    "batchnorm/add": {0: "moving_variance"},
    "batchnorm/mul": {1: "gamma"},
    "batchnorm/mul_2": {0: "moving_mean"},
    "batchnorm/sub": {0: "beta"},
}


@dataclass(slots=True)
class _Node:
    name: str = ""
    kind: str = ""
    inputs: list[str] = field(default_factory=list)
    value: memoryview | None = None  # a constant's TensorProto
    transposed: bool = False


@contextmanager
def read_graph(path: Path) -> Iterator[FileContents]:
    """Open a frozen graph, as `.pb` files hold it."""
    nodes = {node.name: node for node in _nodes(map_file(path))}
    used = _uses(nodes)
    arrays = [_array(node, used.get(node.name)) for node in nodes.values() if node.kind == "Const"]
    found = tuple(array for array in arrays if array is not None)
    if not found:
        raise WeightsError("is a graph without constants; wanted a frozen one, or a SavedModel's folder")
    yield FileContents(format="TensorFlow frozen graph", arrays=found)


def _nodes(data: memoryview) -> Iterator[_Node]:
    count = 0
    for number, value in iterate_fields(data):
        if number != 1:  # versions, and functions
            continue
        count += 1
        if count > MAX_NODES:
            raise WeightsError(f"has more than {MAX_NODES:,} nodes; wanted fewer")
        yield _node(get_message(value))


def _node(message: memoryview) -> _Node:
    node = _Node()
    for key, value in iterate_fields(message):
        if key == 1:
            node.name = get_text(value)
        elif key == 2:
            node.kind = get_text(value)
        elif key == 3:
            node.inputs.append(get_text(value).partition(":")[0].lstrip("^"))
        elif key == 5:
            _attribute(node, get_message(value))
    return node


def _attribute(node: _Node, entry: memoryview) -> None:
    name, value = get_text(get_last_value(entry, 1)), get_message(get_last_value(entry, 2))
    if name == "value" and node.kind in ("Const", ""):
        node.value = get_message(get_last_value(value, 8))
    elif name == "transpose_b":
        node.transposed = bool(get_last_value(value, 5))


def _uses(nodes: dict[str, _Node]) -> dict[str, tuple[str, str]]:
    """Find the layer and the role of each constant that an operation of `_ROLES` reads."""
    found: dict[str, tuple[str, str]] = {}
    for node in nodes.values():
        scope, _, operation = node.name.rpartition("/")
        roles = _ROLES.get(node.kind, {})
        if scope.endswith("batchnorm"):
            roles = _NORM_ROLES.get(f"batchnorm/{operation}", {})
            scope = scope.rpartition("/")[0]
        for i, role in roles.items():
            source = _constant(nodes, node.inputs[i]) if i < len(node.inputs) else None
            if source is None:
                continue
            use = (scope or node.name, role)
            if node.transposed:
                raise WeightsError(f"multiplies by {source.name} transposed; wanted Keras' own order")
            if found.get(source.name, use) != use:
                raise WeightsError(f"has the constant {source.name} in several layers; wanted each in one")
            found[source.name] = use
    return found


def _constant(nodes: dict[str, _Node], name: str) -> _Node | None:
    """Follow an input back to the constant that it hands on."""
    source = nodes.get(name)
    for _ in range(8):
        if source is None or source.kind not in _THROUGH or not source.inputs:
            break
        source = nodes.get(source.inputs[0])
    return source if source is not None and source.kind == "Const" else None


def _array(node: _Node, use: tuple[str, str] | None) -> FileArray | None:
    """Make an array of a constant; whole numbers and single ones are sizes and thresholds, no weights."""
    tensor = get_message(node.value)
    kind, shape = get_last_value(tensor, 1), _shape(get_message(get_last_value(tensor, 2)))
    if kind not in _FLOATS or (use is None and math.prod(shape) <= 1):
        return None
    parts = split_array_name(node.name, len(shape))
    layer, role = use or (parts[:2] if parts else (node.name, ""))
    return FileArray(
        name=node.name,
        shape=shape,
        dtype=str(np.dtype(_FLOATS[kind][0])),
        layer=layer,
        role=role,
        layout="unclear" if use is None and parts is not None and parts[2] else "keras",
        read=partial(_read, tensor, int(kind), shape),
        neutral=role == "gamma" and parts is None and _all_ones(tensor, int(kind), shape),
    )


def _all_ones(tensor: memoryview, kind: int, shape: Shape) -> bool:
    """Keras gives the operation a scale of ones where the batch norm has none."""
    return math.prod(shape) <= 2**20 and bool((_read(tensor, kind, shape) == 1).all())


def _shape(message: memoryview) -> Shape:
    sizes = [
        get_last_value(get_message(value), 1) or 0 for number, value in iterate_fields(message) if number == 2
    ]
    if not all(isinstance(size, int) and size < 2**48 for size in sizes):
        raise WeightsError("has a constant of no fixed shape")
    return tuple(int(size) for size in sizes if isinstance(size, int))


def _read(tensor: memoryview, kind: int, shape: Shape) -> NDArray[Any]:
    dtype, single = np.dtype(_FLOATS[kind][0]), _FLOATS[kind][1]
    size = math.prod(shape)
    content = get_message(get_last_value(tensor, 4))
    if not content and kind == 19:  # half_val: an integer a number, its bits
        bits = [
            number for key, value in iterate_fields(tensor) if key == 13 for number in iterate_integers(value)
        ]
        return _spread(np.array(bits, np.uint16).view(np.float16), size).reshape(shape)
    if not content:
        pieces = [bytes(get_message(value)) for key, value in iterate_fields(tensor) if key == single]
        return _spread(np.frombuffer(b"".join(pieces), dtype), size).reshape(shape)
    if len(content) != size * dtype.itemsize:
        raise WeightsError(f"has a constant of {len(content):,} bytes for {size:,} numbers")
    return np.frombuffer(content, dtype).reshape(shape).copy()


def _spread(values: NDArray[Any], size: int) -> NDArray[Any]:
    """TensorFlow leaves out the end of a constant that repeats its last value."""
    if not 0 < len(values) <= size:
        raise WeightsError(f"has a constant of {len(values):,} values for {size:,} numbers")
    return np.concatenate([values, np.full(size - len(values), values[-1], values.dtype)])
