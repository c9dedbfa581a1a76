"""Computes the shapes of layers that move a window over the frames and bins: convolutions and poolings.

The rules are Keras': `same` gives ceil(n / stride), `valid` floor((n - extent) / stride) + 1. `causal` puts
extent - 1 zeros before the input, which gives as many as `same`.
"""

from typing import Any

from specfeat.architecture.axes import Shape, repeat_per_axis
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.base import Options
from specfeat.text import format_shape


def compute_window_extent(size: Any, dilation: Any, axes: int) -> Shape:
    """Return the number of input values that a window covers along each axis, with its gaps.

    Args:
        size: the number of points of the window: one number for all axes, or one for each.
        dilation: the distance between two points of the window: one number for all axes, or one for each.
        axes: the number of spatial axes.
    """
    return tuple(
        (k - 1) * d + 1
        for k, d in zip(repeat_per_axis(size, axes), repeat_per_axis(dilation, axes), strict=True)
    )


def count_window_positions(options: Options, shape: Shape, size: Any, strides: Any) -> Shape:
    """Return how many positions a window has along each spatial axis; these are the output's sizes.

    Args:
        options: the layer's arguments.
        shape: the shape of the input, without the batch.
        size: the size of the window, one for all axes or one for each.
        strides: the strides, one for all axes or one for each.
    """
    axes = len(shape) - 1
    steps = repeat_per_axis(strides, axes)
    if options.get("padding", "valid") != "valid":
        return tuple(-(-n // s) for n, s in zip(shape, steps, strict=False))
    extent = compute_window_extent(size, options.get("dilation_rate", 1), axes)
    return tuple((n - k) // s + 1 for n, k, s in zip(shape, extent, steps, strict=False))


def find_window_mismatch(layer: Layer, shape: Shape, argument: str, size: Any) -> str | None:
    """Return why a window does not fit into the layer's input, or None.

    Args:
        layer: the layer that moves the window.
        shape: the shape of its input, without the batch.
        argument: the name of the argument with the size of the window, for the message.
        size: the size of the window, one for all axes or one for each.
    """
    if layer.options.get("padding", "valid") != "valid":
        return None
    axes = len(shape) - 1
    sizes = repeat_per_axis(size, axes)
    extent = compute_window_extent(size, layer.options.get("dilation_rate", 1), axes)
    if _fits_into(extent, shape):
        return None
    dilated = "" if extent == sizes else f", dilated to {format_shape(extent)}"
    suggestion = ""
    if _fits_into(extent[::-1], shape):
        numbers = ", ".join(map(str, sizes[::-1]))
        suggestion = f"sizes are [frames, bins], and [{numbers}] would fit; otherwise "
    return (
        f"gets {format_shape(shape)}, too small for a {argument} of {format_shape(sizes)}{dilated}; "
        f"{suggestion}make it smaller, pool less before it, make the clips longer, or use padding: same"
    )


def _fits_into(extent: Shape, shape: Shape) -> bool:
    return all(k <= n for k, n in zip(extent, shape, strict=False))
