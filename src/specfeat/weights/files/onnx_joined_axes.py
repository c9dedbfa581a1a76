"""Finds the order in which an ONNX graph joins the axes that a layer reads.

To join axes is to make one axis of several, e.g. of frames, bins and channels before a dense layer. ONNX's
convolutions have the channels first. A program that has them last, such as Keras, moves them before it joins
axes, and its exporter writes a `Transpose` for that. So the way back from the layer is followed: first to the
`Reshape` or `Flatten` that joins, then to the node that made the channels, and on the second part each
`Transpose` counts.
"""

from collections.abc import Sequence

from specfeat.weights.files.arrays import MAX_AXES, JoinedAxes
from specfeat.weights.files.onnx_constant import find_constant
from specfeat.weights.files.onnx_graph import OnnxGraph, OnnxNode

_MAX_NODES = 60  # that are followed for one layer
_CHANNELS = 1  # the axis of the channels in ONNX; axis 0 is the batch
_JOINS = ("Reshape", "Flatten")
# Operations that move no axis. Of several inputs that are computed, all must be in the same order.
_ELEMENTWISE = frozenset(
    {
        *("Abs", "Add", "Cast", "Celu", "Clip", "DequantizeLinear", "Div", "Dropout", "Elu", "Erf", "Exp"),
        *("Gelu", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log", "Max", "Min", "Mish", "Mul"),
        *("Neg", "PRelu", "Pow", "QuantizeLinear", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Sqrt"),
        *("Sub", "Sum", "Swish", "Tanh", "ThresholdedRelu"),
    }
)
# Operations behind a join that keep the order of the joined axis; their other inputs are weights or axes.
_SINGLE_INPUT = ("BatchNormalization", "LayerNormalization", "Softmax", "Squeeze", "Unsqueeze")
# Operations after which axis 1 is that of the channels.
_CHANNELS_FIRST = frozenset(
    {
        *("AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "GlobalAveragePool", "GlobalMaxPool"),
        *("InstanceNormalization", "LpPool", "LRN", "MaxPool"),
    }
)
# The same, if they remove or average only axes behind the channels.
_REDUCING = ("Squeeze", "ReduceMean", "ReduceMax", "ReduceSum")


class JoinedAxesFinder:
    """Finds the order of joined axes for the layers of one graph."""

    def __init__(self, graph: OnnxGraph) -> None:
        self._graph = graph
        self._computed_inputs: dict[str, list[str]] = {}  # of a node, by the name of its output
        self._nodes_left = 0

    def find_order(self, name: str) -> JoinedAxes:
        """Return the order in which the axes of a value were joined.

        Args:
            name: the name of the value, which a layer with weights reads.

        Returns:
            The order; "unknown" if nothing is joined, or if the way back cannot be followed.
        """
        self._nodes_left = _MAX_NODES
        return self._find_join(name)

    def _find_join(self, name: str) -> JoinedAxes:
        """Follow a value to the node that joins axes, and on to the channels."""
        node = self._step_back(name)
        if node is None:
            return "unknown"
        if node.operation in _JOINS:
            rank, size = self._count_axes(node), self._get_last_size(node)
            return self._find_channels(node.get_input(0), (), rank, size)
        if node.operation in _SINGLE_INPUT:
            return self._find_join(node.get_input(0))
        if node.operation == "Transpose":
            order = node.attributes.get("perm")
            keeps_last = isinstance(order, list) and order[-1] == len(order) - 1
            return self._find_join(node.get_input(0)) if keeps_last else "unknown"
        if node.operation not in _ELEMENTWISE:
            return "unknown"
        return _find_common_order([self._find_join(value) for value in self._list_computed(node)])

    def _find_channels(
        self, name: str, order: Sequence[int], joined_rank: int | None, joined_size: int | None
    ) -> JoinedAxes:
        """Follow a value whose axes are joined to the node that made its channels.

        Args:
            name: the name of the value.
            order: the axes of this value in the order in which they are joined; empty for their own order.
            joined_rank: the number of axes after they were joined, if it is known.
            joined_size: the size of the joined axis, if it is known.
        """
        node = self._step_back(name)
        if node is None:
            return "unknown"
        if node.operation in _CHANNELS_FIRST or (node.operation in _REDUCING and self._keeps_channels(node)):
            return _describe_order(order, joined_rank)
        if node.operation == "Transpose":
            axes = node.attributes.get("perm")
            if not isinstance(axes, list) or (order and len(axes) != len(order)):
                return "unknown"
            return self._find_channels(
                node.get_input(0), [axes[i] for i in order] or axes, joined_rank, joined_size
            )
        if node.operation in _JOINS and not order:  # joined in two steps
            keeps_last = joined_size is not None and joined_size == self._get_last_size(node)
            rank = self._count_axes(node) if keeps_last else None
            return self._find_channels(node.get_input(0), (), rank, joined_size)
        if node.operation not in (*_ELEMENTWISE, "Concat", "Pad"):
            return "unknown"
        return _find_common_order(
            [
                self._find_channels(value, order, joined_rank, joined_size)
                for value in self._list_computed(node)
            ]
        )

    def _step_back(self, name: str) -> OnnxNode | None:
        """Return the node that computes a value; None for an input of the graph or if the way is too long."""
        self._nodes_left -= 1
        return self._graph.producers.get(name) if self._nodes_left >= 0 else None

    def _list_computed(self, node: OnnxNode) -> list[str]:
        """Return the inputs of a node that are not constants."""
        if node.output not in self._computed_inputs:
            names = [name for name in node.inputs if name and find_constant(self._graph, name) is None]
            self._computed_inputs[node.output] = names
        return self._computed_inputs[node.output]

    def _count_axes(self, node: OnnxNode) -> int | None:
        """Return the number of axes of what a `Reshape` or a `Flatten` returns, if it is constant."""
        if node.operation == "Flatten":
            return 2 if node.get_integer("axis", 1) == 1 else None
        shape = self._graph.constants.get(node.get_input(1))
        return shape.size if shape is not None else None

    def _get_last_size(self, node: OnnxNode) -> int | None:
        """Return the size of the last axis of what a `Reshape` returns, if it is constant."""
        shape = self._graph.constants.get(node.get_input(1)) if node.operation == "Reshape" else None
        if shape is None or not 0 < shape.size <= MAX_AXES:
            return None
        size = int(shape.read_values().reshape(-1)[-1])
        return size if size > 0 else None

    def _keeps_channels(self, node: OnnxNode) -> bool:
        """Return whether the axes that a node removes are known, and all stand behind the channels."""
        axes = node.attributes.get("axes")
        constant = self._graph.constants.get(node.get_input(1))
        if axes is None and constant is not None and constant.size <= 2:
            axes = [int(axis) for axis in constant.read_values().reshape(-1)]
        return isinstance(axes, list) and all(axis > _CHANNELS for axis in axes)


def _describe_order(order: Sequence[int], joined_rank: int | None) -> JoinedAxes:
    """Return where the channels stand among the axes that are joined.

    Args:
        order: the axes in the order in which they are joined, with the batch; empty for ONNX's own order.
        joined_rank: the number of axes afterwards, if it is known: the batch, axes that stay as they are, and
            one for all axes behind these.
    """
    if not order:
        return "channels_first"
    if order[0] != 0 or sorted(order) != list(range(len(order))):
        return "unknown"
    axes = list(order[1:])
    # Where the joined axes begin: behind those that stay. If that is not known, all places must agree.
    starts = range(len(axes) - 1) if joined_rank is None else [max(joined_rank - 2, 0)]
    return _find_common_order(
        [_describe_group(axes[start:]) for start in starts if _CHANNELS in axes[start:]]
    )


def _describe_group(axes: Sequence[int]) -> JoinedAxes:
    spatial = [axis for axis in axes if axis != _CHANNELS]
    if spatial != sorted(spatial):
        return "unknown"
    if axes[0] == _CHANNELS:
        return "channels_first"
    return "channels_last" if axes[-1] == _CHANNELS else "unknown"


def _find_common_order(orders: Sequence[JoinedAxes]) -> JoinedAxes:
    """Return the order that all the given orders are equal to; "unknown" if they differ."""
    return orders[0] if orders and all(order == orders[0] for order in orders) else "unknown"
