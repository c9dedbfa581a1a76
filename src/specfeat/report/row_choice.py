"""Chooses the rows that get a thumbnail or a snippet, so that little audio is read."""

import numpy as np
from numpy.typing import NDArray

from specfeat.output.finished_output import FinishedOutput


def choose_rows(
    starts_s: NDArray[np.float64],
    sounds: NDArray[np.int64],
    count: int,
    limit_s: float,
) -> NDArray[np.int64]:
    """Return the numbers of at most `count` rows, spread evenly over those that are near a sound's start.

    To make a thumbnail of a row, its sound is read from its start up to the row. Therefore rows are taken
    from the beginning of long sounds only: the limit is the same for each sound, and as high as `limit_s`
    allows.

    Args:
        starts_s: the start of each row in seconds from the start of its sound.
        sounds: the number of the sound of each row; sorted.
        count: the largest number of rows.
        limit_s: how many seconds of audio may be read altogether; the first row of each sound may exceed it.
    """
    if not len(starts_s) or count <= 0:
        return np.empty(0, np.int64)
    last_rows = np.flatnonzero(np.diff(sounds, append=-1))
    limit = _find_common_limit(starts_s[last_rows], limit_s)
    is_first = np.diff(sounds, prepend=-1) != 0
    candidates = np.flatnonzero((starts_s <= limit) | is_first)
    if len(candidates) <= count:
        return candidates
    return candidates[np.linspace(0, len(candidates) - 1, count).round().astype(np.int64)]


def _find_common_limit(lengths: NDArray[np.float64], total: float) -> float:
    """Return the largest limit for which the lengths, each cut at the limit, are at most `total` together."""
    ordered = np.sort(lengths)
    before = np.concatenate([[0.0], np.cumsum(ordered)[:-1]])
    remaining = np.arange(len(ordered), 0, -1)
    is_too_long = before + ordered * remaining > total
    if not is_too_long.any():
        return float("inf")
    first = int(is_too_long.argmax())
    return float((total - before[first]) / remaining[first])


def list_starts_in_sound(
    output: FinishedOutput, starts_s: NDArray[np.float64], sounds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the start of each row in seconds from the start of its sound, which may be a part of a file."""
    offsets = np.array([entry.start_s or 0.0 for entry in output.record.files])
    return starts_s - offsets[sounds] if len(starts_s) else starts_s
