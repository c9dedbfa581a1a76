"""The rows of the teachers as targets: each value to its power, with mean 0 and deviation 1."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from specfeat.config.train import Train
from specfeat.training.array_cache import CachedArrays

if TYPE_CHECKING:
    from specfeat.training.clip_sources import TrainingClips

TeacherRows = tuple[tuple[CachedArrays, ...], ...]  # one array of rows for each teacher and variant


def standardize_teacher_rows(clips: "TrainingClips", train: Train) -> tuple[TeacherRows, TeacherRows]:
    """Return the targets of `distill`: the rows of each teacher for training, and those that are held back.

    Each value is raised to the power of its teacher. Then each column gets mean 0 over the rows for training,
    and is divided by its number from `compute_scale`. The same change is made to the rows that are held back.
    """
    train_targets: list[tuple[CachedArrays, ...]] = []
    held_back_targets: list[tuple[CachedArrays, ...]] = []
    for teacher, rows, held_back_rows in zip(
        train.teachers, clips.train_teacher_rows, clips.held_back_teacher_rows, strict=True
    ):
        raise_to_power = partial(_standardize, power=teacher.power, mean=np.float64(0), scale=np.float64(1))
        mean, deviation = _measure_values([variant.with_function(raise_to_power) for variant in rows])
        scale = compute_scale(mean, deviation, teacher.min_deviation)
        standardize = partial(_standardize, power=teacher.power, mean=mean, scale=scale)
        train_targets.append(tuple(variant.with_function(standardize) for variant in rows))
        held_back_targets.append(tuple(variant.with_function(standardize) for variant in held_back_rows))
    return tuple(train_targets), tuple(held_back_targets)


def compute_scale(
    mean: NDArray[np.float64], deviation: NDArray[np.float64], min_deviation: float
) -> NDArray[np.float64]:
    """Return the numbers by which the columns of a teacher are divided.

    With `min_deviation` 0, they are the deviations, so that each column has deviation 1. Otherwise they are
    at least `min_deviation` times the root mean square of the deviations, and then all are multiplied by one
    number, so that the variances have the mean 1. So a loss of 1 always means that nothing was learned.

    Args:
        mean: the mean of each column, shape (features,).
        deviation: the standard deviation of each column, shape (features,).
        min_deviation: the limit, from 0 to 1.
    """
    # A value that is always the same stays 0 instead of being divided by rounding errors.
    is_constant = deviation <= 1e-6 * np.abs(mean) + 1e-12
    varying = deviation[~is_constant]
    if not min_deviation or not len(varying):
        return np.where(is_constant, 1.0, deviation)
    scale = np.maximum(deviation, min_deviation * np.sqrt(np.mean(varying**2)))
    variances = (varying / scale[~is_constant]) ** 2
    return np.where(is_constant, 1.0, scale * np.sqrt(np.mean(variances)))


def _standardize(values: NDArray[np.float32], power: float, mean: Any, scale: Any) -> NDArray[np.float32]:
    return np.asarray((np.sign(values) * np.abs(values) ** power - mean) / scale, np.float32)


def _measure_values(arrays: Sequence[CachedArrays]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of each column over all rows of all variants."""
    total, squares, count = np.float64(0), np.float64(0), 0
    for block in (block for array in arrays for block in array.iterate_blocks()):
        values = block.astype(np.float64)
        total = total + values.sum(axis=0)
        squares = squares + np.square(values).sum(axis=0)
        count += len(values)
    mean = np.asarray(total / max(count, 1))
    return mean, np.sqrt(np.maximum(np.asarray(squares) / max(count, 1) - mean**2, 0))
