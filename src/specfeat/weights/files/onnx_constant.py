"""Finds the constant that a node of an ONNX graph reads, also through the nodes on its way.

Exporters put nodes between a constant and the layer: `Identity` where two layers have equal values,
`Transpose` before a matrix product, `Unsqueeze` for the slopes of a PReLU, and `DequantizeLinear` in
quantised files.
"""

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import Shape
from specfeat.weights.files.onnx_graph import OnnxGraph, OnnxNode
from specfeat.weights.files.onnx_tensor import OnnxTensor
from specfeat.weights.files.quantisation import dequantise, describe_dequantisation

# Operations whose result has the values of their first input, perhaps in another type, or another shape.
_CASTS = ("Cast", "CastLike")
_RESHAPES = ("Expand", "Reshape", "Unsqueeze", "Squeeze", "Flatten")
_MAX_NODES = 8  # on the way from a constant to the layer


@dataclass(frozen=True, slots=True)
class Scales:
    """How the whole numbers of a quantised array become floats.

    Attributes:
        scale: the scale, one number, or one number for each index along `axis`.
        zero_point: the stored numbers that stand for 0.0, as many as there are scales; None if these are 0.
        axis: the axis along which the scales go.
    """

    scale: OnnxTensor
    zero_point: OnnxTensor | None
    axis: int


@dataclass(frozen=True, slots=True)
class OnnxConstant:
    """A constant as a node reads it.

    Attributes:
        name: the name of the constant, or that of the result of the `Identity` through which it is read.
        tensor: the constant.
        is_transposed: whether the node reads its two axes in the other order.
        is_reshaped: whether the node reads it in another shape.
        scales: how it is dequantised; None if it is not quantised.
    """

    name: str
    tensor: OnnxTensor
    is_transposed: bool = False
    is_reshaped: bool = False
    scales: Scales | None = None

    @property
    def shape(self) -> Shape:
        """The shape in the file."""
        return self.tensor.shape

    @property
    def note(self) -> str:
        """What is done to the values, for the user; empty if nothing is."""
        if self.scales is None:
            return ""
        return describe_dequantisation(self.scales.scale.size)

    def read_values(self) -> NDArray[Any]:
        """Return the values in `shape`, dequantised if they are quantised.

        Raises:
            WeightsError: the numbers of scales, zero points and channels do not agree.
        """
        values = self.tensor.read_values()
        if self.scales is None:
            return values
        axis = self.scales.axis + (len(self.shape) if self.scales.axis < 0 else 0)
        scales = self._read_scales(self.scales.scale, axis)
        zero_point = self.scales.zero_point
        zero_points = None if zero_point is None else self._read_scales(zero_point, axis)
        return dequantise(values, scales, zero_points, axis)

    def _read_scales(self, tensor: OnnxTensor, axis: int) -> NDArray[Any]:
        """Return scales or zero points, with one axis."""
        is_per_channel = axis >= 0 and tensor.shape == self.shape[axis : axis + 1]
        if tensor.size != 1 and not is_per_channel:
            raise WeightsError(f"has {tensor.size:,} scales for {self.name}, but not as many channels")
        return tensor.read_values().reshape(-1)


def find_constant(graph: OnnxGraph, name: str) -> OnnxConstant | None:
    """Follow an input of a node back to its constant; None if it is computed from other values.

    Args:
        graph: the graph.
        name: the name of the input.

    Raises:
        WeightsError: the constant is quantised in blocks.
    """
    steps: list[OnnxNode] = []
    while name not in graph.constants:
        node = graph.producers.get(name)
        if node is None or not node.inputs or len(steps) == _MAX_NODES:
            return None
        steps.append(node)
        name = node.inputs[0]
    constant = OnnxConstant(name, graph.constants[name])
    for node in reversed(steps):  # from the constant on
        changed = _apply_node(graph, constant, node)
        if changed is None:
            return None
        constant = changed
    return constant


def _apply_node(graph: OnnxGraph, constant: OnnxConstant, node: OnnxNode) -> OnnxConstant | None:
    """Return what a node makes of a constant; None if it computes other values."""
    if node.operation == "Identity":
        is_plain = constant == OnnxConstant(constant.name, constant.tensor)
        return replace(constant, name=node.output) if is_plain else constant
    if node.operation in _CASTS:
        return constant
    if node.operation in _RESHAPES:
        return replace(constant, is_reshaped=True)
    if node.operation == "Transpose":
        swaps_two = len(constant.shape) == 2 and node.attributes.get("perm", [1, 0]) == [1, 0]
        is_transposed = not constant.is_transposed
        return (
            replace(constant, is_transposed=is_transposed) if swaps_two and not constant.is_reshaped else None
        )
    is_as_stored = not (constant.is_transposed or constant.is_reshaped or constant.scales)
    if node.operation == "DequantizeLinear" and is_as_stored:
        scales = _read_scales(graph, node)
        return None if scales is None else replace(constant, scales=scales)
    return None


def _read_scales(graph: OnnxGraph, node: OnnxNode) -> Scales | None:
    if node.get_integer("block_size", 0):
        raise WeightsError(
            f"has {node.inputs[0]} quantised in blocks; wanted one scale or one for each channel"
        )
    scale = graph.constants.get(node.get_input(1))
    zero_point = graph.constants.get(node.get_input(2))
    if scale is None or (zero_point is None and node.get_input(2)):
        return None
    return Scales(scale, zero_point, node.get_integer("axis", 1))
