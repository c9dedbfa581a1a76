"""Computes the floats that the whole numbers of a quantised array stand for.

The real value is scale x (stored number - zero_point), in ONNX and TFLite alike. There is one scale for the
whole array, or one for each index along one axis.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def dequantise(
    values: NDArray[Any], scales: NDArray[Any], zero_points: NDArray[Any] | None, axis: int
) -> NDArray[Any]:
    """Return the floats that stored numbers stand for, as float32 in the shape of the numbers.

    Args:
        values: the stored numbers.
        scales: the scales, with one axis: one number, or one for each index along `axis`.
        zero_points: the stored numbers that stand for 0.0, as `scales`; None if it is 0 throughout.
        axis: the axis of `values` to which the scales belong, counted from 0.
    """
    offsets = 0.0 if zero_points is None else _arrange_along_axis(zero_points, axis, values.ndim)
    scales = _arrange_along_axis(scales, axis, values.ndim)
    real: NDArray[Any] = ((values.astype(np.float64) - offsets) * scales).astype(np.float32)
    return real


def describe_dequantisation(scale_count: int) -> str:
    """Return the note for the user on an array that has so many scales."""
    return "dequantised per channel" if scale_count > 1 else "dequantised per tensor"


def _arrange_along_axis(numbers: NDArray[Any], axis: int, axes: int) -> NDArray[Any]:
    """Return numbers as float64, in a shape that lies along one of so many axes."""
    numbers = numbers.astype(np.float64)
    return numbers if numbers.size == 1 else numbers.reshape([-1 if i == axis else 1 for i in range(axes)])
