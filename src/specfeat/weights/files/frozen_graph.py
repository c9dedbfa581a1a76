"""Reads the weights of convolutions, dense layers and normalisations from a frozen graph (GraphDef).

The graph is not run, and TensorFlow is not loaded. The field numbers are those of TensorFlow's graph.proto,
node_def.proto, attr_value.proto, tensor.proto, tensor_shape.proto and types.proto.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import split_array_name, split_layer_and_role
from specfeat.weights.files.arrays import MAX_AXES, FileArray, FileContents, Shape
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.graph_constant import CONSTANT_DTYPES, GraphConstant
from specfeat.weights.files.graph_nodes import GraphNode, read_nodes
from specfeat.weights.files.limits import ArrayCounter
from specfeat.weights.files.memory_map import map_file
from specfeat.weights.files.protobuf import (
    FieldCounter,
    get_last_value,
    get_message,
    iterate_fields,
)

_MAX_SIZE = 2**48  # size of one axis; an unknown size, -1, is stored as 2**64 - 1
# Operations whose result is their first input, sometimes with another shape or type.
_PASS_THROUGH = {"Identity", "ReadVariableOp", "Reshape", "Squeeze", "ExpandDims", "Cast"}
_MAX_PASS_THROUGH = 8  # such operations one after another; the limit also ends a circle of them

# For each operation, the inputs that are weights, and their roles.
_ROLES: dict[str, dict[int, str]] = {
    "Conv2D": {1: "kernel"},
    "Conv2DBackpropInput": {1: "kernel"},  # a transposed convolution
    "DepthwiseConv2dNative": {1: "kernel"},
    "MatMul": {1: "kernel"},
    "BiasAdd": {1: "bias"},
    **{
        f"FusedBatchNorm{version}": {1: "gamma", 2: "beta", 3: "moving_mean", 4: "moving_variance"}
        for version in ("", "V2", "V3")
    },
}
# The same for the operations that `tf.nn.batch_normalization` consists of. They are ordinary sums and
# products, so they can only be recognised by their names.
_NORM_ROLES = {
    "add": {0: "moving_variance"},
    "mul": {1: "gamma"},
    "mul_2": {0: "moving_mean"},
    "sub": {0: "beta"},
}


@contextmanager
def read_graph(path: Path) -> Iterator[FileContents]:
    """Open a frozen graph in a `.pb` file."""
    fields, arrays = FieldCounter(), ArrayCounter()
    nodes = read_nodes(map_file(path), fields)
    uses = _find_uses(nodes)
    unused = (name for name, node in nodes.items() if node.operation == "Const" and name not in uses)
    constants = [nodes[name] for name in (*uses, *unused)]
    weights = []
    for node in constants:
        array = _describe_array(node, uses.get(node.name), fields)
        if array is not None:
            arrays.add(array.name)
            weights.append(array)
    if not weights:
        raise WeightsError(
            "is a graph without constants; wanted a frozen graph, or the folder of a SavedModel"
        )
    yield FileContents(format="TensorFlow frozen graph", arrays=tuple(weights))


def _find_uses(nodes: dict[str, GraphNode]) -> dict[str, tuple[str, str]]:
    """Return layer and role of each constant that an operation uses as a weight, by the constant's name.

    The layer is the scope of the operation, because Keras and TF-Slim put the operations of a layer in the
    scope of the layer.
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


def _find_constant(nodes: dict[str, GraphNode], name: str) -> GraphNode | None:
    """Return the constant that an input gets through `_PASS_THROUGH`; None if the input is computed."""
    node = nodes.get(name)
    for _ in range(_MAX_PASS_THROUGH):
        if node is None or node.operation not in _PASS_THROUGH or not node.inputs:
            break
        node = nodes.get(node.inputs[0])
    return node if node is not None and node.operation == "Const" else None


def _describe_array(node: GraphNode, use: tuple[str, str] | None, fields: FieldCounter) -> FileArray | None:
    """Describe a constant; None for integers and unused single numbers, which are no weights."""
    message = get_message(node.value)
    kind = get_last_value(message, 1, fields)
    shape = _read_shape(get_message(get_last_value(message, 2, fields)), fields)
    if kind not in CONSTANT_DTYPES or (use is None and math.prod(shape) <= 1):
        return None
    constant = GraphConstant(message, int(kind), shape)
    parts = split_array_name(node.name, len(shape))
    layer, role = use or split_layer_and_role(node.name, len(shape))
    # The kernels of TensorFlow's operations have Keras' order of axes. If no operation reads a constant, and
    # its name has a word of PyTorch, its order may be that of Keras or that of PyTorch.
    is_unclear = use is None and parts is not None and parts.is_torch
    return FileArray(
        name=node.name,
        shape=shape,
        dtype=str(CONSTANT_DTYPES[int(kind)]),
        layer=layer,
        role=role,
        layout="unclear" if is_unclear else "keras",
        read=constant.read_values,
        # If a batch normalisation has no gamma, Keras gives FusedBatchNorm a constant of ones without a name.
        is_neutral=role == "gamma" and parts is None and constant.has_only_ones(),
    )


def _read_shape(message: memoryview, fields: FieldCounter) -> Shape:
    sizes = [
        get_last_value(get_message(axis), 1, fields) or 0
        for number, axis in iterate_fields(message, fields)
        if number == 2
    ]
    if len(sizes) > MAX_AXES:
        raise WeightsError(f"has a constant of {len(sizes):,} axes; wanted {MAX_AXES} or fewer")
    if not all(isinstance(size, int) and size < _MAX_SIZE for size in sizes):
        raise WeightsError("has a constant without a fixed shape")
    return tuple(int(size) for size in sizes if isinstance(size, int))


FROZEN_GRAPH = FileFormat(
    name="graph",
    family="TensorFlow",
    read=read_graph,
    # A GraphDef begins with the tag of its first node, which is a line feed. Many other files begin with a
    # line feed, so the extension must match as well.
    matches_name=lambda path, head: head[:1] == b"\n" and path.suffix in (".pb", ".graphdef"),
)
