"""The rows of the teachers as targets: each value to its power, with mean 0 and deviation 1."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from specfeat.config.train import Train
from specfeat.training.clip_cache import CachedArrays

if TYPE_CHECKING:
    from specfeat.training.clip_sources import TrainingClips

Answers = tuple[tuple[CachedArrays, ...], ...]  # for each teacher and variant


def standardize_answers(clips: "TrainingClips", train: Train) -> tuple[Answers, Answers]:
    """Return the teachers' rows for training and for the other parts, with each value to its power.

    The values have mean 0 and deviation 1 over the rows for training.
    """
    train_answers: list[tuple[CachedArrays, ...]] = []
    other_answers: list[tuple[CachedArrays, ...]] = []
    for teacher, rows, other_rows in zip(
        train.teachers, clips.train_answers, clips.held_back_answers, strict=True
    ):
        raise_to_power = partial(_standardize, power=teacher.power, mean=np.float64(0), scale=np.float64(1))
        mean, deviation = measure_values([variant.apply(raise_to_power) for variant in rows])
        # A value that is always the same stays 0 instead of being divided by rounding errors.
        scale = np.where(deviation > 1e-6 * np.abs(mean) + 1e-12, deviation, 1.0)
        standardize = partial(_standardize, power=teacher.power, mean=mean, scale=scale)
        train_answers.append(tuple(variant.apply(standardize) for variant in rows))
        other_answers.append(tuple(variant.apply(standardize) for variant in other_rows))
    return tuple(train_answers), tuple(other_answers)


def _standardize(values: NDArray[np.float32], power: float, mean: Any, scale: Any) -> NDArray[np.float32]:
    return np.asarray((np.sign(values) * np.abs(values) ** power - mean) / scale, np.float32)


def measure_values(arrays: Sequence[CachedArrays]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of each column over all rows of all variants."""
    total, count = np.float64(0), 0
    squares = np.float64(0)
    for block in (block for array in arrays for block in array.iterate_blocks()):
        values = block.astype(np.float64)
        total = total + values.sum(axis=0)
        squares = squares + np.square(values).sum(axis=0)
        count += len(values)
    mean = np.asarray(total / max(count, 1))
    return mean, np.sqrt(np.maximum(np.asarray(squares) / max(count, 1) - mean**2, 0))
