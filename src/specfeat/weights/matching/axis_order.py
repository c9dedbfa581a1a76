"""Finds the order of the numbers along each axis, as far as it differs between Keras and PyTorch.

PyTorch keeps channels before frames and bins, Keras after them. For a convolution this is a matter of its
kernel's axes alone. But where axes are joined into one (by Flatten or Reshape), the two programs put the
numbers along the joined axis in different orders, and so are the rows of the kernel that reads them.

So each axis is followed from the layer that creates it through the layers that move, join and split it. An
axis is described by its parts: the axes that it was joined from, in order.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

from specfeat.architecture.axes import to_axis_index
from specfeat.architecture.graph import INPUT_NAME, Layer
from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.kinds.base import AxisChange
from specfeat.config.model import FlattenOrder
from specfeat.weights.files.arrays import Shape

# The order of the numbers along the axis that a layer reads:
#   None       the same in both programs
#   a shape    (frames, bins, channels): these axes were joined, in this order in Keras, channels first in
# PyTorch
#   "unknown"  axes were joined in a way for which PyTorch's order cannot be known
AxisOrder = Shape | Literal["unknown"] | None


@dataclass(frozen=True, slots=True)
class AxisPart:
    """An axis as some layer created it, e.g. the bins of a convolution's output.

    Attributes:
        creator: the number of the layer that created it.
        index: the axis' index in that layer's output.
        shape: the shape of that output; its last axis is the channels.
    """

    creator: int
    index: int
    shape: Shape

    @property
    def size(self) -> int:
        """The length of the axis."""
        return self.shape[self.index]


_UNKNOWN = AxisPart(-1, 0, (2,))  # stands in an axis of which nothing is known any more
Axis = tuple[AxisPart, ...]  # without parts of size 1, which have no effect on the order
Axes = tuple[Axis, ...]


def compute_axis_orders(
    layers: Sequence[Layer], shapes: Mapping[str, Shape], flatten: FlattenOrder = "channels_first"
) -> dict[str, AxisOrder]:
    """Return for each layer the order of the numbers along the axis that its arrays belong to.

    Args:
        layers: the layers of the network, in order.
        shapes: the output shape of each layer and of the input, by name, without the batch.
        flatten: how the PyTorch program joined axes; "channels_last" for a program that moved its channels
            last before it flattened, as Keras has them.

    Returns:
        The order by the layers' names, of the axis that a kernel reads or a norm normalises.
    """
    creators = count()
    axes: dict[str, Axes] = {INPUT_NAME: _create_axes(shapes[INPUT_NAME], creators)}
    orders: dict[str, AxisOrder] = {}
    for layer in layers:
        input_axes = [axes[name] for name in layer.inputs]
        orders[layer.name] = _find_order(layer, input_axes[0], flatten)
        axes[layer.name] = _compute_output_axes(layer, input_axes, shapes, creators)
    return orders


def _create_axes(shape: Shape, creators: Iterator[int]) -> Axes:
    """Return new axes of one part each."""
    creator = next(creators)
    return tuple((AxisPart(creator, i, shape),) if size > 1 else () for i, size in enumerate(shape))


def _find_order(layer: Layer, input_axes: Axes, flatten: FlattenOrder) -> AxisOrder:
    option = layer.options.get("axis", -1)  # of a norm; no other layer with arrays has such an argument
    indices = option if isinstance(option, tuple | list) else (option,)
    orders = [_compute_order(input_axes[to_axis_index(i, input_axes)], flatten) for i in indices]
    return orders[0] if len(orders) == 1 or not any(orders) else "unknown"


def _compute_order(axis: Axis, flatten: FlattenOrder) -> AxisOrder:
    if _UNKNOWN in axis:
        return "unknown"
    if len(axis) < 2:
        return None
    indices = [part.index for part in axis]
    shape = axis[0].shape
    channel_index = len(shape) - 1
    spatial_indices = [i for i in indices if i != channel_index]
    if len({part.creator for part in axis}) > 1 or spatial_indices != sorted(spatial_indices):
        return "unknown"
    if channel_index not in indices:
        return None  # only frames and bins, which have one order in both programs
    if channel_index == indices[0 if flatten == "channels_first" else -1]:
        return None  # the config joins the axes in the order of the file
    if flatten == "channels_last":
        return "unknown"
    # A part of the output (frames, or bins and channels) has PyTorch's order only where the whole was joined.
    is_whole_output = math.prod(part.size for part in axis) == math.prod(shape)
    if is_whole_output and channel_index == indices[-1]:
        return tuple(part.size for part in axis)
    return "unknown"


def _compute_output_axes(
    layer: Layer, inputs: list[Axes], shapes: Mapping[str, Shape], creators: Iterator[int]
) -> Axes:
    """Return the axes of a layer's output.

    Args:
        layer: the layer.
        inputs: the axes of each of its inputs.
        shapes: the output shapes by name.
        creators: counts the layers that create axes.
    """
    shape, axes = shapes[layer.name], inputs[0]
    if len(inputs) > 1:
        return _merge_axes(inputs, shape, creators)
    change = get_layer_kind(layer.kind).axis_change
    if change is AxisChange.REPLACE_ALL:
        return _create_axes(shape, creators)
    if change is AxisChange.REPLACE_SPATIAL:
        created = _create_axes(shape, creators)
        return (*created[:-1], axes[-1]) if _is_joined(axes[-1]) else created
    if change is AxisChange.REPLACE_LAST:
        # PyTorch's dense layer goes along the last axis, too, so its outputs do not come first as channels
        # do.
        return (*axes[:-1], *_create_axes(shape[-1:], creators))
    if change is not AxisChange.KEEP:
        return _move_axes(layer, axes, shape, creators)
    return axes if shape == shapes[layer.inputs[0]] else ((_UNKNOWN,),) * len(shape)


def _move_axes(layer: Layer, axes: Axes, shape: Shape, creators: Iterator[int]) -> Axes:
    change = get_layer_kind(layer.kind).axis_change
    if change is AxisChange.PERMUTE:
        dims: tuple[int, ...] = layer.options["dims"]
        if layer.inputs[0] == INPUT_NAME and dims[-1] == len(dims):
            # The network sees the spectrogram as bins x frames; a PyTorch network that does has them so, too.
            return _create_axes(shape, creators)
        return tuple(axes[dim - 1] for dim in dims)
    if change is AxisChange.ADD_FIRST:
        return (*_create_axes(shape[:1], creators), axes[0])
    return _regroup_parts([part for axis in axes for part in axis], shape)


def _regroup_parts(parts: list[AxisPart], shape: Shape) -> Axes:
    """Distribute parts over the axes of a new shape; if one would be split, nothing is known any more."""
    axes: list[Axis] = []
    start = 0
    for size in shape:
        end = start
        while end < len(parts) and math.prod(part.size for part in parts[start:end]) < size:
            end += 1
        if math.prod(part.size for part in parts[start:end]) != size:
            return ((_UNKNOWN,),) * len(shape)
        axes.append(tuple(parts[start:end]))
        start = end
    return tuple(axes)


def _merge_axes(inputs: list[Axes], shape: Shape, creators: Iterator[int]) -> Axes:
    """Return the axes of a layer with several inputs; joined axes that differ have no order in common."""
    if all(axes == inputs[0] for axes in inputs) and shape == _compute_sizes(inputs[0]):
        return inputs[0]
    if len({len(axes) for axes in inputs}) > 1:
        return ((_UNKNOWN,),) * len(shape)
    is_any_joined = [any(_is_joined(axis) for axis in axes) for axes in zip(*inputs, strict=True)]
    created = _create_axes(shape, creators)
    return tuple(
        (_UNKNOWN,) if is_joined else axis for axis, is_joined in zip(created, is_any_joined, strict=True)
    )


def _compute_sizes(axes: Axes) -> Shape:
    return tuple(math.prod(part.size for part in axis) for axis in axes)


def _is_joined(axis: Axis) -> bool:
    return len(axis) > 1 or _UNKNOWN in axis
