"""Finds the axes along which PyTorch has the values in another order than Keras.

In PyTorch, the channels are the first axis; in Keras, they are the last one. For the kernel of a convolution,
it is enough to exchange axes (`axis_layouts`). But Flatten and Reshape join several axes into one. Along the
joined axis, the two programs have the values in different orders. The rows of the kernel that reads this axis
are then in different orders, too.

Therefore, this module follows each axis from the layer that creates it through the layers that move, join and
split it. An axis is described by its parts: the axes that were joined into it, in order.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from specfeat.architecture.axes import to_axis_index
from specfeat.architecture.graph import INPUT_NAME, Layer
from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.kinds.base import AxisChange
from specfeat.config.model import FlattenOrder
from specfeat.weights.files.arrays import Shape


@dataclass(frozen=True, slots=True)
class AxisOrder:
    """The order that PyTorch has for the values along one axis of the network.

    Attributes:
        is_known: whether PyTorch's order can be known. It cannot be known after some ways of joining axes.
        joined_shape: the shape (frames, bins, channels) of the axes that were joined into the axis, if the
            two programs join them in different orders: Keras in this order, PyTorch with the channels first.
            None if both programs have the same order, or if PyTorch's order is not known.
    """

    is_known: bool = True
    joined_shape: Shape | None = None


SAME_ORDER = AxisOrder()  # the same order in both programs
UNKNOWN_ORDER = AxisOrder(is_known=False)


@dataclass(frozen=True, slots=True)
class AxisPart:
    """An axis of the output of the layer that created it, e.g. the bins of a convolution's output.

    Attributes:
        creator_id: a number that only the axes of one output have in common.
        index: the index of the axis in that output.
        shape: the shape of that output; its last axis is the channels.
    """

    creator_id: int
    index: int
    shape: Shape

    @property
    def size(self) -> int:
        """The length of the axis."""
        return self.shape[self.index]


_UNKNOWN_PART = AxisPart(-1, 0, (2,))  # marks an axis whose parts are not known
Axis = tuple[AxisPart, ...]  # without parts of size 1, because they have no effect on the order
Axes = tuple[Axis, ...]


def compute_axis_orders(
    layers: Sequence[Layer], shapes: Mapping[str, Shape], flatten: FlattenOrder = "channels_first"
) -> dict[str, AxisOrder]:
    """Return for each layer, by its name, the order along the axis that it reads or normalises.

    Args:
        layers: the layers of the network, in the order of the config.
        shapes: the output shape of each layer and of the input, by name, without the batch.
        flatten: "channels_first" if the PyTorch program joined axes with its channels first; "channels_last"
            if it moved its channels to the last axis, where Keras has them, before it joined axes.
    """
    creator_ids = count()
    axes: dict[str, Axes] = {INPUT_NAME: _create_axes(shapes[INPUT_NAME], creator_ids)}
    orders: dict[str, AxisOrder] = {}
    for layer in layers:
        input_axes = [axes[name] for name in layer.inputs]
        orders[layer.name] = _find_common_order(layer, input_axes, flatten)
        axes[layer.name] = _compute_output_axes(layer, input_axes, shapes, creator_ids)
    return orders


def _create_axes(shape: Shape, creator_ids: Iterator[int]) -> Axes:
    """Return the axes of an output in which every axis is new, with one part each."""
    creator_id = next(creator_ids)
    return tuple((AxisPart(creator_id, i, shape),) if size > 1 else () for i, size in enumerate(shape))


def _find_common_order(layer: Layer, inputs: list[Axes], flatten: FlattenOrder) -> AxisOrder:
    """Return the order along the axis that a layer reads; it is not known if its inputs have different ones.

    An attention layer has arrays for each of its inputs. A layer that joins its inputs has no arrays.
    """
    order = _find_order(layer, inputs[0], flatten)
    has_arrays = bool(get_layer_kind(layer.kind).arrays)
    if has_arrays and any(_find_order(layer, axes, flatten) != order for axes in inputs[1:]):
        return UNKNOWN_ORDER
    return order


def _find_order(layer: Layer, input_axes: Axes, flatten: FlattenOrder) -> AxisOrder:
    option = layer.options.get("axis", -1)  # of the layers with arrays, only norms have this argument
    indices = option if isinstance(option, tuple | list) else () if option is None else (option,)
    orders = [_compute_order(input_axes[to_axis_index(i, input_axes)], flatten) for i in indices]
    if set(orders) <= {SAME_ORDER}:
        return SAME_ORDER
    return orders[0] if len(orders) == 1 else UNKNOWN_ORDER


def _compute_order(axis: Axis, flatten: FlattenOrder) -> AxisOrder:
    """Return PyTorch's order of the values along an axis, from the axes that were joined into it."""
    if _UNKNOWN_PART in axis:
        return UNKNOWN_ORDER
    if len(axis) < 2:
        return SAME_ORDER
    indices = [part.index for part in axis]
    shape = axis[0].shape
    channel_index = len(shape) - 1
    spatial_indices = [i for i in indices if i != channel_index]
    if len({part.creator_id for part in axis}) > 1 or spatial_indices != sorted(spatial_indices):
        return UNKNOWN_ORDER
    if channel_index not in indices:
        return SAME_ORDER  # only frames and bins were joined, which have the same order in both programs
    if channel_index == indices[0 if flatten == "channels_first" else -1]:
        return SAME_ORDER  # the config joins the axes in the order of the PyTorch program
    if flatten == "channels_last":
        return UNKNOWN_ORDER
    # If only some axes of the output were joined, the PyTorch program may have joined them in another way.
    is_whole_output = math.prod(part.size for part in axis) == math.prod(shape)
    if is_whole_output and channel_index == indices[-1]:
        return AxisOrder(joined_shape=tuple(part.size for part in axis))
    return UNKNOWN_ORDER


def _compute_output_axes(
    layer: Layer, inputs: list[Axes], shapes: Mapping[str, Shape], creator_ids: Iterator[int]
) -> Axes:
    """Return the axes of a layer's output.

    Args:
        layer: the layer.
        inputs: the axes of each of its inputs.
        shapes: the output shapes by name.
        creator_ids: an iterator that gives a new number for each output with new axes.
    """
    shape, axes = shapes[layer.name], inputs[0]
    change = get_layer_kind(layer.kind).axis_change
    if change is AxisChange.TAKE_LAST:
        return (*axes[:-1], inputs[1][-1])
    if len(inputs) > 1 and change is AxisChange.KEEP:
        return _merge_axes(inputs, shape, creator_ids)
    if change is AxisChange.REPLACE_ALL:
        return _create_axes(shape, creator_ids)
    if change is AxisChange.REPLACE_SPATIAL:
        created = _create_axes(shape, creator_ids)
        return (*created[:-1], axes[-1]) if _is_joined(axes[-1]) else created
    if change is AxisChange.REPLACE_LAST:
        # A dense layer of PyTorch also works on the last axis, so its outputs are not the first axis there,
        # as the channels of a convolution are. Only the new axis gets the new number.
        # A recurrent layer may leave out the axis of the frames.
        return (*axes[: len(shape) - 1], *_create_axes(shape[-1:], creator_ids))
    if change is not AxisChange.KEEP:
        return _move_axes(layer, axes, shape, creator_ids)
    return axes if shape == shapes[layer.inputs[0]] else ((_UNKNOWN_PART,),) * len(shape)


def _move_axes(layer: Layer, axes: Axes, shape: Shape, creator_ids: Iterator[int]) -> Axes:
    """Return the axes of a layer that keeps the values and permutes, adds, joins or splits axes."""
    change = get_layer_kind(layer.kind).axis_change
    if change is AxisChange.PERMUTE:
        dims: tuple[int, ...] = layer.options["dims"]
        if layer.inputs[0] == INPUT_NAME and dims[-1] == len(dims):
            # The network reads bins x frames. The PyTorch program also reads bins x frames then, so that
            # these are the axes of its input.
            return _create_axes(shape, creator_ids)
        return tuple(axes[dim - 1] for dim in dims)
    if change is AxisChange.ADD_FIRST:
        return (*_create_axes(shape[:1], creator_ids), axes[0])
    return _regroup_parts([part for axis in axes for part in axis], shape)


def _regroup_parts(parts: list[AxisPart], shape: Shape) -> Axes:
    """Distribute parts over the axes of a new shape; if a part would be split, all axes become unknown."""
    axes: list[Axis] = []
    start = 0
    for size in shape:
        end = start
        while end < len(parts) and math.prod(part.size for part in parts[start:end]) < size:
            end += 1
        if math.prod(part.size for part in parts[start:end]) != size:
            return ((_UNKNOWN_PART,),) * len(shape)
        axes.append(tuple(parts[start:end]))
        start = end
    return tuple(axes)


def _merge_axes(inputs: list[Axes], shape: Shape, creator_ids: Iterator[int]) -> Axes:
    """Return the axes of the output of a layer with several inputs.

    If the inputs do not have the same axes, the axes of the output are new. An axis that was joined in one of
    the inputs is then unknown.
    """
    if all(axes == inputs[0] for axes in inputs) and shape == _compute_sizes(inputs[0]):
        return inputs[0]
    if len({len(axes) for axes in inputs}) > 1:
        return ((_UNKNOWN_PART,),) * len(shape)
    is_any_joined = [any(_is_joined(axis) for axis in axes) for axes in zip(*inputs, strict=True)]
    created = _create_axes(shape, creator_ids)
    return tuple(
        (_UNKNOWN_PART,) if is_joined else axis
        for axis, is_joined in zip(created, is_any_joined, strict=True)
    )


def _compute_sizes(axes: Axes) -> Shape:
    return tuple(math.prod(part.size for part in axis) for axis in axes)


def _is_joined(axis: Axis) -> bool:
    return len(axis) > 1 or _UNKNOWN_PART in axis
