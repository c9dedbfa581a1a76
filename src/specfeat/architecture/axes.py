"""Shapes and axes, numbered as Keras numbers them, and their descriptions in messages."""

from collections.abc import Iterable, Sequence
from typing import Any

from specfeat.text import format_shape

Shape = tuple[int, ...]


def repeat_per_axis(value: Any, axes: int) -> Shape:
    """Return one size for each axis.

    Args:
        value: one size for all axes, or a tuple with one size for each axis.
        axes: the number of axes.
    """
    return tuple(value) if isinstance(value, tuple) else (value,) * axes


def to_axis_index(axis: int, shape: Sequence[object]) -> int:
    """Return the index of an axis in a shape without the batch.

    Args:
        axis: the number of the axis. The batch is axis 0; negative numbers count from the last axis, -1.
        shape: a shape without the batch.
    """
    return axis - 1 if axis > 0 else len(shape) + axis


def describe_axes(shape: Shape) -> str:
    """Return a shape and the number of its axes as text: `94 x 62 x 8, 3 axes`."""
    if len(shape) == 1:
        return f"{shape[0]} values in one axis"
    return f"{format_shape(shape)}, {len(shape)} axes"


def find_missing_axis(axes: Iterable[int], shape: Shape) -> str | None:
    """Return the message about an axis that a shape does not have; None if it has all axes.

    Args:
        axes: the numbers of the axes. The batch is axis 0; negative numbers count from the last axis, -1.
        shape: a shape without the batch.
    """
    farthest = max(axes, key=abs, default=0)
    if abs(farthest) <= len(shape):
        return None
    return f"gets {describe_axes(shape)}; wanted an axis from 1 to {len(shape)} or -1, not {farthest}"
