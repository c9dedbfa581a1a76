"""Sizes and axes as Keras counts them, and the words in which messages speak of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from specfeat.text import format_shape

Shape = tuple[int, ...]


def repeat_per_axis(value: Any, axes: int) -> Shape:
    """Return one size for each axis, from one that holds for all axes or a tuple with one for each."""
    return tuple(value) if isinstance(value, tuple) else (value,) * axes


def to_axis_index(axis: int, shape: Sequence[object]) -> int:
    """Return the index of an axis in a shape without the batch.

    Args:
        axis: counts the batch as 0, or is negative and counts from the end.
        shape: a shape without the batch.
    """
    return axis - 1 if axis > 0 else len(shape) + axis


def describe_axes(shape: Shape) -> str:
    """Write a shape with the number of its axes: `94 x 62 x 8, 3 axes`."""
    if len(shape) == 1:
        return f"{shape[0]} values in one axis"
    return f"{format_shape(shape)}, {len(shape)} axes"


def find_missing_axis(axes: Iterable[int], shape: Shape) -> str | None:
    """Return what is wrong with axes that count the batch as 0, if a shape lacks one of them."""
    farthest = max(axes, key=abs, default=0)
    if abs(farthest) <= len(shape):
        return None
    return f"gets {describe_axes(shape)}; wanted an axis from 1 to {len(shape)} or -1, not {farthest}"
