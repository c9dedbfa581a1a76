"""Computes from which values of a layer's inputs some values of its output are computed.

Each function here is a `LayerKind.find_read_ranges`, or makes one. Its arguments are the layer's arguments,
the ranges of indices in the output (one range for each axis, without the batch) and the shapes of the inputs.
It returns the ranges in each input. If the values do not form a block, the result is the smallest block that
contains them. Near the ends, a range may contain indices that do not exist, because a layer adds padding
there; so the length of a range does not depend on its place.
"""

import math
from collections.abc import Sequence
from typing import Any

from specfeat.architecture.axes import Shape, repeat_per_axis, to_axis_index
from specfeat.architecture.kinds.base import FindReadRanges, Options, Ranges
from specfeat.architecture.kinds.windows import compute_window_extent


def read_same_indices(_: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    """Find the ranges of a layer that computes each value from the values at the same indices."""
    # An axis of size 1 is repeated to the size of the other inputs.
    return [
        tuple(range(1) if size == 1 else indices for indices, size in zip(ranges, shape, strict=True))
        for shape in shapes
    ]


def read_last_axis(_: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    """Find the ranges of a layer that mixes all values along the last axis, as Dense does."""
    return [(*ranges[:-1], range(shape[-1])) for shape in shapes]


def read_axes_of_argument(options: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    """Find the ranges of a layer that mixes all values along the axes in its argument `axis`."""
    shape = shapes[0]
    mixed = {to_axis_index(axis, shape) for axis in repeat_per_axis(options.get("axis", -1), 1)}
    return [tuple(range(shape[k]) if k in mixed else indices for k, indices in enumerate(ranges))]


def read_all_positions(_: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    """Find the ranges of a global pooling, which keeps the channels apart."""
    return [(*map(range, shapes[0][:-1]), ranges[-1])]


def make_window_reader(size_argument: str, default_size: Any, *, mixes_channels: bool) -> FindReadRanges:
    """Return the function for layers that move a window over the frames and bins.

    Args:
        size_argument: the argument with the size of the window; with "pool_size", the default of the strides
            is this size and not 1.
        default_size: the size if the argument is left out.
        mixes_channels: whether a value is computed from all channels.
    """

    def find_read_ranges(options: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
        *spatial, channels = shapes[0]
        size = options.get(size_argument, default_size)
        strides = options.get("strides") or (size if size_argument == "pool_size" else 1)
        steps = repeat_per_axis(strides, len(spatial))
        extents = compute_window_extent(size, options.get("dilation_rate", 1), len(spatial))
        read = []
        for length, step, extent, indices in zip(spatial, steps, extents, ranges, strict=False):
            before = _count_padding(options.get("padding", "valid"), length, step, extent)
            read.append(range(indices.start * step - before, indices[-1] * step - before + extent))
        multiplier = options.get("depth_multiplier", 1)
        last = ranges[-1]
        channel_range = range(last.start // multiplier, last[-1] // multiplier + 1)
        return [(*read, range(channels) if mixes_channels else channel_range)]

    return find_read_ranges


def _count_padding(padding: str, length: int, step: int, extent: int) -> int:
    """Return how many values Keras adds before the first one.

    Args:
        padding: the layer's argument: "valid", "same" or "causal".
        length: the length of the axis in the input.
        step: the stride.
        extent: the number of values that the window covers.
    """
    if padding == "causal":
        return extent - 1
    if padding == "valid":
        return 0
    # The smaller half: https://www.tensorflow.org/api_docs/python/tf/nn, "Notes on padding".
    return max(0, (-(-length // step) - 1) * step + extent - length) // 2


def read_transposed_windows(options: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    """Find the ranges of a transposed convolution, which adds the kernel at output i * stride for input i."""
    *spatial, channels = shapes[0]
    axes = len(spatial)
    steps = repeat_per_axis(options.get("strides", 1), axes)
    sizes = repeat_per_axis(options["kernel_size"], axes)
    added: tuple[int | None, ...] = repeat_per_axis(options.get("output_padding"), axes)
    read = []
    for length, step, size, more, indices in zip(spatial, steps, sizes, added, ranges, strict=False):
        # With `same`, the output is cut at both ends, the smaller half before; see the lengths in the module
        # of these layers.
        is_cut = options.get("padding") == "same"
        kept = length * step if more is None else (length - 1) * step + size % 2 + more
        before = max(0, (length - 1) * step + size - kept) // 2 if is_cut else 0
        first = -(-(indices.start + before - size + 1) // step)
        read.append(range(first, max(first, (indices[-1] + before) // step) + 1))
    return [(*read, range(channels))]


def read_reshaped_indices(_: Options, ranges: Ranges, shapes: Sequence[Shape], output: Shape) -> list[Ranges]:
    """Find the ranges of a layer that keeps the order of the values and changes the shape to `output`."""
    first = last = 0
    for indices, size in zip(ranges, output, strict=True):
        first = first * size + min(max(indices.start, 0), size - 1)
        last = last * size + min(max(indices[-1], 0), size - 1)
    return [_find_block(first, last, shapes[0])]


def _find_block(first: int, last: int, shape: Shape) -> Ranges:
    """Return the smallest block that contains two values, and all values between them in the flat order.

    Args:
        first: the number of the first value in the flat order.
        last: the number of the last value.
        shape: the shape of the array.
    """
    block: list[range] = []
    for axis, size in enumerate(shape):
        values = math.prod(shape[axis + 1 :])
        start, stop = first // values, last // values
        if start != stop:
            return (*block, range(start, stop + 1), *map(range, shape[axis + 1 :]))
        block.append(range(start % size, start % size + 1))
        first, last = first - start * values, last - stop * values
    return tuple(block)
