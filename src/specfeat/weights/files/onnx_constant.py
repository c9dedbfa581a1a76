"""Finds the constant that an operation of an ONNX graph reads, also through the operations on its way.

Exporters put operations between a constant and the layer: `Identity` where two layers have equal values,
`Transpose` before a matrix product, `Unsqueeze` for the slopes of a PReLU, and `DequantizeLinear` in
quantised files. The real value of a quantised number is scale x (stored - zero_point), with one scale for the
whole array or one for each index along one axis.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import Shape
from specfeat.weights.files.onnx_graph import OnnxGraph, OnnxNode
from specfeat.weights.files.onnx_tensor import OnnxTensor

# Operations whose result has the values of their first input, perhaps in another type, or another shape.
_CASTS = ("Cast", "CastLike")
_RESHAPES = ("Expand", "Reshape", "Unsqueeze", "Squeeze", "Flatten")
_MAX_OPERATIONS = 8  # on the way from a constant to the layer


@dataclass(frozen=True, slots=True)
class Scales:
    """How the whole numbers of a quantised array become floats.

    Attributes:
        scale: the scale, one number, or one number for each index along `axis`.
        zero_point: the numbers that stand for 0, as many as there are scales; None if that is 0.
        axis: the axis along which the scales go.
    """

    scale: OnnxTensor
    zero_point: OnnxTensor | None
    axis: int


@dataclass(frozen=True, slots=True)
class OnnxConstant:
    """A constant as an operation reads it.

    Attributes:
        name: the name of the constant, or that of the `Identity` through which the operation reads it.
        tensor: the constant.
        is_transposed: whether the operation reads its two axes in the other order.
        is_reshaped: whether the operation reads it in another shape.
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
        return "dequantised per tensor" if self.scales.scale.size == 1 else "dequantised per channel"

    def read_values(self) -> NDArray[Any]:
        """Return the values in `shape`, dequantised if they are quantised.

        Raises:
            WeightsError: the numbers of scales, zero points and channels do not agree.
        """
        values = self.tensor.read_values()
        if self.scales is None:
            return values
        scale = _arrange_along_axis(self.scales.scale, self.scales.axis, self)
        zero_point = (
            0.0
            if self.scales.zero_point is None
            else _arrange_along_axis(self.scales.zero_point, self.scales.axis, self)
        )
        real: NDArray[Any] = ((values.astype(np.float64) - zero_point) * scale).astype(np.float32)
        return real


def _arrange_along_axis(tensor: OnnxTensor, axis: int, constant: OnnxConstant) -> NDArray[Any]:
    """Return scales or zero points as floats, in a shape that lies along the axis of the constant."""
    shape = constant.shape
    if tensor.size != 1:
        axis += len(shape) if axis < 0 else 0
        if len(tensor.shape) != 1 or not 0 <= axis < len(shape) or tensor.size != shape[axis]:
            raise WeightsError(f"has {tensor.size:,} scales for {constant.name}, but not as many channels")
    values: NDArray[Any] = tensor.read_values().astype(np.float64).reshape(-1)
    return values if tensor.size == 1 else values.reshape([-1 if i == axis else 1 for i in range(len(shape))])


def find_constant(graph: OnnxGraph, name: str) -> OnnxConstant | None:
    """Follow an input of an operation back to its constant; None if it is computed from other values.

    Args:
        graph: the graph.
        name: the name of the input.

    Raises:
        WeightsError: the constant is quantised in blocks.
    """
    steps: list[OnnxNode] = []
    while name not in graph.constants:
        node = graph.producers.get(name)
        if node is None or not node.inputs or len(steps) == _MAX_OPERATIONS:
            return None
        steps.append(node)
        name = node.inputs[0]
    constant = OnnxConstant(name, graph.constants[name])
    for node in reversed(steps):  # from the constant on
        changed = _apply_operation(graph, constant, node)
        if changed is None:
            return None
        constant = changed
    return constant


def _apply_operation(graph: OnnxGraph, constant: OnnxConstant, node: OnnxNode) -> OnnxConstant | None:
    """Return what an operation makes of a constant; None if it computes other values."""
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
