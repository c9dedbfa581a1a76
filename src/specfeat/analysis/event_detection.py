"""Finds the events in the scores of one class: times in which the scores are high."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.event_rules import EventRules, Smoothing
from specfeat.analysis.row_times import RowTimes

Scores = NDArray[np.float32]
_BLOCK_ROWS = 16_384  # rows whose windows are smoothed at the same time
_TIME_ERROR_S = 1e-6  # two times that are so near to each other are the same time


class ScoreEvent(NamedTuple):
    """A time of a sound that belongs to a class.

    Attributes:
        label: the name of the class.
        start_s: the start, in seconds from the start of the file.
        end_s: the end, in seconds from the start of the file.
        mean: the mean of the scores of its rows; None if the class has no score.
        largest: the largest of these scores; None if the class has no score.
    """

    label: str
    start_s: float
    end_s: float
    mean: float | None
    largest: float | None


def find_class_events(
    label: str, scores: Scores, times: RowTimes, rules: EventRules, is_possible: NDArray[np.bool_] | None
) -> list[ScoreEvent]:
    """Return the events of one class in a sound, in order.

    Args:
        label: the name of the class.
        scores: the score of each row of the sound, shape (rows,).
        times: the times of the rows.
        rules: the rules.
        is_possible: which rows may belong to the class, shape (rows,); None for all.

    Raises:
        UsageError: the thresholds of the class contradict each other.
    """
    on, off = rules.get_thresholds(label)
    is_active = follow_thresholds(smooth_scores(scores, rules.smoothing), on, off)
    if is_possible is not None:
        is_active &= is_possible
    rows = np.flatnonzero(is_active)
    gaps = times.starts[rows[1:]] - times.ends[rows[:-1]]
    breaks = np.flatnonzero(gaps > rules.max_gap_s + _TIME_ERROR_S) + 1
    events = []
    for group in np.split(rows, breaks) if len(rows) else []:
        first, last = int(group[0]), int(group[-1])
        start_s, end_s = float(times.starts[first]), float(times.ends[last])
        if end_s - start_s >= rules.min_length_s - _TIME_ERROR_S:
            events.append(make_event(label, start_s, end_s, scores[first : last + 1]))
    return events


def make_event(label: str, start_s: float, end_s: float, scores: Scores) -> ScoreEvent:
    """Return an event with the mean and the largest of the scores of its rows.

    Args:
        label: the name of the class.
        start_s: the start, in seconds from the start of the file.
        end_s: the end, in seconds from the start of the file.
        scores: the scores of all rows of the event, shape (rows,).
    """
    return ScoreEvent(label, start_s, end_s, float(scores.mean(dtype=np.float64)), float(scores.max()))


def follow_thresholds(scores: Scores, on: float, off: float) -> NDArray[np.bool_]:
    """Return which rows belong to events.

    An event begins at a row with a score of at least `on`, and ends before the first row with a score below
    `off`. A score that is not a number ends an event.

    Args:
        scores: the score of each row, shape (rows,).
        on: the threshold at which an event begins.
        off: the threshold at which it ends, at most `on`.
    """
    begins = scores >= on
    is_decided = begins | ~(scores >= off)
    # For each row: the last row up to it that begins or ends an event. Before the first one, there is none.
    last_decision = np.maximum.accumulate(np.where(is_decided, np.arange(len(scores)), -1))
    return (last_decision >= 0) & begins[last_decision]


def smooth_scores(scores: Scores, smoothing: Smoothing) -> Scores:
    """Return the mean or the median of the scores in a window around each row.

    At the start and the end of the sound, the window contains only rows of the sound. Scores that are not
    numbers are left out.

    Args:
        scores: the score of each row, shape (rows,).
        smoothing: the window and the statistic.
    """
    if smoothing.rows == 1 or not len(scores):
        return scores
    compute = np.nanmedian if smoothing.statistic == "median" else np.nanmean
    padded = np.pad(scores, smoothing.rows // 2, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, smoothing.rows)
    smoothed = np.full(len(scores), np.nan, np.float32)
    for first in range(0, len(scores), _BLOCK_ROWS):
        block = windows[first : first + _BLOCK_ROWS]
        has_scores = ~np.isnan(block).all(axis=1)  # NumPy warns about windows without a number
        smoothed[first : first + len(block)][has_scores] = compute(block[has_scores], axis=1)
    return smoothed


def find_top_columns(scores: Scores, count: int) -> NDArray[np.int32]:
    """Return for each row the columns with the highest scores, shape (rows, count).

    If scores are equal, the first column is taken.

    Args:
        scores: the scores, shape (rows, columns).
        count: how many columns are taken, at most all.
    """
    count = min(count, scores.shape[1])
    top = np.empty((len(scores), count), np.int32)
    for first in range(0, len(scores), _BLOCK_ROWS):
        block = scores[first : first + _BLOCK_ROWS]
        top[first : first + len(block)] = np.argsort(-block, axis=1, kind="stable")[:, :count]
    return top
