"""Reads the nodes of a frozen graph (GraphDef), and sorts them so that each node comes after its inputs.

The field numbers are those of TensorFlow's graph.proto, node_def.proto and attr_value.proto.
"""

from dataclasses import dataclass, field

from specfeat.errors import WeightsError
from specfeat.weights.files.protobuf import (
    FieldCounter,
    get_last_value,
    get_message,
    get_text,
    iterate_fields,
)

MAX_NODES = 50_000  # large networks have 10,000
# Of the names in the inputs of all nodes together. A graph of 50,000 nodes with three inputs each, and names
# of 100 bytes, has 15 MB.
MAX_INPUT_BYTES = 2**25


@dataclass(slots=True)
class GraphNode:
    """One node of the graph.

    Attributes:
        name: the name of the node.
        operation: the name of the node's operation, e.g. "Const".
        inputs: the names of the nodes that the node reads, in the order of the operation's arguments.
        value: the TensorProto of the value, if the node is a constant; otherwise None.
        is_transposed: whether the node is a matrix product that transposes its second factor.
    """

    name: str = ""
    operation: str = ""
    inputs: list[str] = field(default_factory=list)
    value: memoryview | None = None
    is_transposed: bool = False


class _NameCounter:
    """Counts the bytes of the names in the inputs of all nodes; a small node can have thousands of inputs."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, name: str) -> None:
        """Count the bytes of one more name.

        Raises:
            WeightsError: there are too many bytes.
        """
        self._bytes += len(name.encode(errors="replace"))
        if self._bytes > MAX_INPUT_BYTES:
            raise WeightsError(
                f"has more than {MAX_INPUT_BYTES:,} bytes of names in the inputs of its nodes; wanted fewer"
            )


def read_nodes(data: memoryview, fields: FieldCounter) -> dict[str, GraphNode]:
    """Return the nodes of a graph by name, in an order in which they can run.

    Args:
        data: the bytes of the GraphDef.
        fields: the counter of the file.

    Raises:
        ValueError: a field leads out of its message.
        WeightsError: the graph has too many nodes or fields.
    """
    names = _NameCounter()
    nodes: dict[str, GraphNode] = {}
    count = 0
    for number, value in iterate_fields(data, fields):
        if number != 1:  # fields with versions, or with the library of functions
            continue
        count += 1
        if count > MAX_NODES:
            raise WeightsError(f"has more than {MAX_NODES:,} nodes; wanted fewer")
        node = _read_node(get_message(value), fields, names)
        nodes[node.name] = node
    return _sort_by_inputs(nodes)


def _sort_by_inputs(nodes: dict[str, GraphNode]) -> dict[str, GraphNode]:
    """Return the nodes in an order in which they can run: each node comes after its inputs.

    If the nodes of the file have such an order, it is kept. The weights are matched in this order, but a
    graph can list its nodes in any order.
    """
    # Depth-first search without recursion, because a hostile graph can be a chain of many nodes. Each item of
    # `pending` is a name, and whether the inputs of this node have been handled.
    ordered: dict[str, GraphNode] = {}
    for first in nodes:
        pending = [(first, False)]
        started: set[str] = set()
        while pending:
            name, has_inputs = pending.pop()
            if name in ordered or name not in nodes:
                continue
            if has_inputs or name in started:  # in a circle, the node comes before one of its inputs
                ordered[name] = nodes[name]
                continue
            started.add(name)
            pending.append((name, True))
            pending += [(name, False) for name in reversed(nodes[name].inputs)]
    return ordered


def _read_node(message: memoryview, fields: FieldCounter, names: _NameCounter) -> GraphNode:
    node = GraphNode()
    for number, value in iterate_fields(message, fields):
        if number == 1:
            node.name = get_text(value)
        elif number == 2:
            node.operation = get_text(value)
        elif number == 3:
            # "name:1" means the second output of a node, and "^name" a node that must run before.
            name = get_text(value).partition(":")[0].lstrip("^")
            names.add(name)
            node.inputs.append(name)
        elif number == 5:
            _read_attribute(node, get_message(value), fields)
    return node


def _read_attribute(node: GraphNode, entry: memoryview, fields: FieldCounter) -> None:
    name, value = get_text(get_last_value(entry, 1, fields)), get_message(get_last_value(entry, 2, fields))
    if name == "value" and node.operation in ("Const", ""):  # "": the operation may follow later
        node.value = get_message(get_last_value(value, 8, fields))
    elif name == "transpose_b":
        node.is_transposed = bool(get_last_value(value, 5, fields))
