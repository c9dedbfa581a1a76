"""Reads the graph of an ONNX file: its nodes and its constants. Nothing is run.

The field numbers are those of onnx.proto. The `onnx` library does not replace this module, for the reasons in
`protobuf`: it builds every node and copies every array before their number can be limited, and it follows
paths to other files. The graphs within nodes (`If`, `Loop`) are not read.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import MAX_AXES
from specfeat.weights.files.onnx_tensor import OnnxTensor, get_number, make_float_tensor, read_tensor
from specfeat.weights.files.protobuf import (
    FieldCounter,
    Value,
    get_last_value,
    get_message,
    get_text,
    iterate_fields,
    iterate_integers,
)

MAX_NODES = 50_000  # large networks have 10,000
MAX_INPUTS = 300_000  # of all nodes; most nodes have one to three
MAX_CONSTANTS = 50_000  # with the sizes and axes that Reshape and the like read
_GRAPH, _NODE, _INITIALIZER, _SPARSE_INITIALIZER = 7, 1, 5, 15  # fields of a ModelProto and a GraphProto
# The attributes that say how a node uses its weights, or how it moves axes.
_ATTRIBUTES = ("transA", "transB", "alpha", "beta", "perm", "axis", "axes", "block_size")
_STANDARD_DOMAINS = ("", "ai.onnx")

Attribute = int | float | list[int]


@dataclass(slots=True)
class OnnxNode:
    """One node of the graph.

    Attributes:
        name: the node's name; may be empty.
        operation: the name of its operation, e.g. "Conv"; with its domain, if it is none of ONNX's own.
        inputs: the names of the values that it reads; an empty name is an input that is left out.
        output: the name of the first value that it computes.
        attributes: the attributes of the node that this module uses, by name.
        value: the constant that the node returns, if the node is a `Constant`.
    """

    name: str = ""
    operation: str = ""
    inputs: list[str] = field(default_factory=list)
    output: str = ""
    attributes: dict[str, Attribute] = field(default_factory=dict)
    value: OnnxTensor | None = None

    def get_integer(self, attribute: str, default: int) -> int:
        """Return an attribute that is an integer."""
        value = self.attributes.get(attribute, default)
        return value if isinstance(value, int) else default

    def get_input(self, index: int) -> str:
        """Return the name of an input; empty if it is left out."""
        return self.inputs[index] if index < len(self.inputs) else ""


@dataclass(frozen=True)
class OnnxGraph:
    """The graph of an ONNX file.

    Attributes:
        nodes: the nodes, in an order in which they can run.
        constants: the initialisers and the values of `Constant` nodes, by name.
    """

    nodes: list[OnnxNode]
    constants: dict[str, OnnxTensor]

    @cached_property
    def producers(self) -> dict[str, OnnxNode]:
        """The node that computes each value, by the value's name."""
        return {node.output: node for node in self.nodes}

    @cached_property
    def readers(self) -> dict[str, list[OnnxNode]]:
        """The nodes that read each value, by the value's name."""
        readers: dict[str, list[OnnxNode]] = {}
        for node in self.nodes:
            for name in node.inputs:
                readers.setdefault(name, []).append(node)
        return readers


def read_graph(data: memoryview) -> OnnxGraph:
    """Read the graph of an ONNX file.

    Args:
        data: the file.

    Raises:
        ValueError: the file is damaged.
        WeightsError: it is no ONNX file, or has more nodes, inputs or constants than are read, sparse
            arrays, or two values of one name.
    """
    fields = FieldCounter()
    message = get_message(get_last_value(data, _GRAPH, fields))
    if not message:
        raise WeightsError("has no graph; wanted a model in ONNX's format")
    nodes: list[OnnxNode] = []
    constants: dict[str, OnnxTensor] = {}
    for number, value in iterate_fields(message, fields):
        if number == _NODE:
            nodes.append(_read_node(get_message(value), fields))
        elif number == _INITIALIZER:
            _add_constant(constants, read_tensor(get_message(value), fields))
        elif number == _SPARSE_INITIALIZER:
            raise _make_sparse_error()
        if len(nodes) > MAX_NODES:
            raise WeightsError(f"has more than {MAX_NODES:,} nodes; wanted fewer")
    for tensor in [replace(node.value, name=node.output) for node in nodes if node.value is not None]:
        _add_constant(constants, tensor)
    _check_input_count(nodes)
    _check_order(nodes)
    return OnnxGraph(nodes, constants)


def _make_sparse_error() -> WeightsError:
    return WeightsError("has sparse arrays, which are not read; wanted all values of each array")


def _add_constant(constants: dict[str, OnnxTensor], tensor: OnnxTensor) -> None:
    if tensor.name in constants:
        raise WeightsError(f"has two constants of the name {tensor.name!r}; wanted one")
    if len(constants) == MAX_CONSTANTS:
        raise WeightsError(f"has more than {MAX_CONSTANTS:,} constants; wanted fewer")
    constants[tensor.name] = tensor


def _check_input_count(nodes: Iterable[OnnxNode]) -> None:
    """Check that the nodes do not have so many inputs that the tables of them take gigabytes."""
    if sum(len(node.inputs) for node in nodes) > MAX_INPUTS:
        raise WeightsError(f"has more than {MAX_INPUTS:,} inputs of nodes; wanted fewer")


def _check_order(nodes: Iterable[OnnxNode]) -> None:
    """Check that each node stands behind those that compute its inputs, as ONNX demands.

    `match: order` relies on it.
    """
    places: dict[str, int] = {}
    for place, node in enumerate(nodes):
        if node.output and places.setdefault(node.output, place) != place:
            raise WeightsError(f"has two nodes that compute {node.output!r}; wanted one")
    for place, node in enumerate(nodes):
        for name in node.inputs:
            if places.get(name, -1) >= place:
                raise WeightsError(f"has a node that reads {name!r} before it is computed; wanted it after")


def _read_node(message: memoryview, fields: FieldCounter) -> OnnxNode:
    inputs: list[str] = []
    attributes: list[memoryview] = []
    last: dict[int, Value] = {}
    output = ""
    for number, value in iterate_fields(message, fields):
        if number == 1:
            inputs.append(get_text(value))
        elif number == 2:
            output = output or get_text(value)
        elif number == 5:
            attributes.append(get_message(value))
        else:
            last[number] = value
    operation, domain = get_text(last.get(4)), get_text(last.get(7))
    if domain not in _STANDARD_DOMAINS:
        operation = f"{domain}.{operation}"
    node = OnnxNode(name=get_text(last.get(3)), operation=operation, inputs=inputs, output=output)
    for attribute in attributes:
        _read_attribute(node, attribute, fields)
    return node


def _read_attribute(node: OnnxNode, message: memoryview, fields: FieldCounter) -> None:
    name = get_text(get_last_value(message, 1, fields))
    if node.operation == "Constant":
        node.value = _read_constant_value(name, message, fields) or node.value
    elif name in _ATTRIBUTES:
        value = _read_attribute_value(message, fields)
        if value is not None:
            node.attributes[name] = value


def _read_constant_value(name: str, message: memoryview, fields: FieldCounter) -> OnnxTensor | None:
    """Return the value of a `Constant`, from the one attribute that it has; None for texts and integers."""
    if name == "sparse_value":
        raise _make_sparse_error()
    if name == "value":
        return read_tensor(get_message(get_last_value(message, 5, fields)), fields)
    if name in ("value_float", "value_floats"):
        content = bytearray()
        for number, value in iterate_fields(message, fields):
            if number in (2, 7):
                content += get_message(value)
        return make_float_tensor(bytes(content))
    return None


def _read_attribute_value(message: memoryview, fields: FieldCounter) -> Attribute | None:
    """Return an attribute that is an integer, a float or a list of integers."""
    integers: list[int] = []
    single: Value | None = None
    for number, value in iterate_fields(message, fields):
        if number == 2:
            return float(struct.unpack("<f", get_message(value))[0])
        if number == 3:
            single = value
        elif number == 8:
            integers += map(_to_signed, islice(iterate_integers(value), MAX_AXES + 1 - len(integers)))
    return integers or (None if single is None else _to_signed(get_number(single)))


def _to_signed(number: int) -> int:
    """Return the integer that a number on the wire stands for: a negative one is stored as 2**64 less it."""
    return number - 2**64 if number >= 2**63 else number
