"""How the numbers along each axis lie, as far as the layers of the config tell.

PyTorch keeps channels before frames and bins, Keras behind them. A convolution does not mind; but where axes
are made one (Flatten, Reshape), the numbers come to lie in another order, and so do the rows of the kernel
that reads them. Each axis is followed from the layer that made it, as the parts that it has become of.
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
from specfeat.config.settings import FlattenOrder
from specfeat.weights.files.arrays import Shape

# What a kernel reads: the sizes (frames, bins, channels) of what was made one axis in Keras' order; None if
# it lies as in PyTorch; "mixed" if the two cannot be brought together.
AxisOrder = Shape | Literal["mixed"] | None


@dataclass(frozen=True, slots=True)
class _Part:
    """An axis of what a layer made, e.g. its bins.

    Attributes:
        maker: the number of that layer.
        at: the axis' place in the layer's output.
        shape: of that output; its last axis is the channels.
    """

    maker: int
    at: int
    shape: Shape

    @property
    def size(self) -> int:
        """How long the axis is."""
        return self.shape[self.at]


_MIXED = _Part(-1, 0, (2,))
Axis = tuple[_Part, ...]  # parts of size 1 are left out
Axes = tuple[Axis, ...]


def compute_axis_orders(
    layers: Sequence[Layer], shapes: Mapping[str, Shape], flatten: FlattenOrder = "channels_first"
) -> dict[str, AxisOrder]:
    """Tell for each layer in which order the numbers lie that its arrays go along.

    Args:
        layers: in order.
        shapes: of each layer's output and of the input, without the batch.
        flatten: how PyTorch's program joined axes; one that put its channels last did as Keras does.

    Returns:
        By the layers' names, what lies along the axis that a kernel or a norm goes along.
    """
    makers = count()
    axes: dict[str, Axes] = {INPUT_NAME: _made(shapes[INPUT_NAME], makers)}
    orders: dict[str, AxisOrder] = {}
    for layer in layers:
        read = [axes[name] for name in layer.inputs]
        orders[layer.name] = _read(layer, read[0], flatten)
        axes[layer.name] = _given(layer, read, shapes, makers)
    return orders


def _made(shape: Shape, makers: Iterator[int]) -> Axes:
    maker = next(makers)
    return tuple((_Part(maker, i, shape),) if size > 1 else () for i, size in enumerate(shape))


def _read(layer: Layer, read: Axes, flatten: FlattenOrder) -> AxisOrder:
    along = layer.options.get("axis", -1)  # of a norm; other layers with arrays have no such argument
    several = along if isinstance(along, tuple | list) else (along,)
    orders = [_order(read[to_axis_index(a, read)], flatten) for a in several]
    return orders[0] if len(orders) == 1 or not any(orders) else "mixed"


def _order(axis: Axis, flatten: FlattenOrder) -> AxisOrder:
    if _MIXED in axis:
        return "mixed"
    if len(axis) < 2:
        return None
    places = [part.at for part in axis]
    shape = axis[0].shape
    channels = len(shape) - 1
    before = [at for at in places if at != channels]
    if len({part.maker for part in axis}) > 1 or before != sorted(before):
        return "mixed"
    if channels not in places:
        return None  # frames and bins alone: one order everywhere
    if channels == places[0 if flatten == "channels_first" else -1]:
        return None  # as in the file
    if flatten == "channels_last":
        return "mixed"
    whole = math.prod(part.size for part in axis) == math.prod(shape)
    return tuple(part.size for part in axis) if whole and channels == places[-1] else "mixed"


def _given(layer: Layer, read: list[Axes], shapes: Mapping[str, Shape], makers: Iterator[int]) -> Axes:
    """Tell the axes of the layer's output."""
    shape, axes = shapes[layer.name], read[0]
    if len(read) > 1:
        return _joined(read, shape, makers)
    change = get_layer_kind(layer.kind).axis_change
    if change is AxisChange.REPLACE_ALL:
        return _made(shape, makers)
    if change is AxisChange.REPLACE_SPATIAL:
        fresh = _made(shape, makers)
        return (*fresh[:-1], axes[-1]) if _is_compound(axes[-1]) else fresh
    if change is AxisChange.REPLACE_LAST:
        # PyTorch's Dense goes along the last axis, too: from here on no channels come first.
        return (*axes[:-1], *_made(shape[-1:], makers))
    if change is not AxisChange.KEEP:
        return _moved(layer, axes, shape, makers)
    return axes if shape == shapes[layer.inputs[0]] else ((_MIXED,),) * len(shape)


def _moved(layer: Layer, axes: Axes, shape: Shape, makers: Iterator[int]) -> Axes:
    change = get_layer_kind(layer.kind).axis_change
    if change is AxisChange.PERMUTE:
        dims: tuple[int, ...] = layer.options["dims"]
        if layer.inputs[0] == INPUT_NAME and dims[-1] == len(dims):
            return _made(shape, makers)  # the spectrogram is taken as bins x frames, by PyTorch as well
        return tuple(axes[axis - 1] for axis in dims)
    if change is AxisChange.ADD_FIRST:
        return (*_made(shape[:1], makers), axes[0])
    return _regrouped([part for axis in axes for part in axis], shape)


def _regrouped(parts: list[_Part], shape: Shape) -> Axes:
    """Share the parts out over a new shape; where one would be cut, nothing is known any more."""
    axes: list[Axis] = []
    at = 0
    for size in shape:
        end = at
        while end < len(parts) and math.prod(part.size for part in parts[at:end]) < size:
            end += 1
        if math.prod(part.size for part in parts[at:end]) != size:
            return ((_MIXED,),) * len(shape)
        axes.append(tuple(parts[at:end]))
        at = end
    return tuple(axes)


def _joined(read: list[Axes], shape: Shape, makers: Iterator[int]) -> Axes:
    """Layers that join are fed the same axes; of flattened ones the order is that of none of them."""
    if all(axes == read[0] for axes in read) and shape == _sizes(read[0]):
        return read[0]
    if len({len(axes) for axes in read}) > 1:
        return ((_MIXED,),) * len(shape)
    compound = [any(_is_compound(axis) for axis in along) for along in zip(*read, strict=True)]
    fresh = _made(shape, makers)
    return tuple((_MIXED,) if mixed else axis for axis, mixed in zip(fresh, compound, strict=True))


def _sizes(axes: Axes) -> Shape:
    return tuple(math.prod(part.size for part in axis) for axis in axes)


def _is_compound(axis: Axis) -> bool:
    return len(axis) > 1 or _MIXED in axis
