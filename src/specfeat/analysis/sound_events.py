"""Finds the events in the scores of a whole output."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.event_detection import ScoreEvent, find_class_events, find_top_columns
from specfeat.analysis.event_rules import EventRules
from specfeat.analysis.output_settings import read_output_settings
from specfeat.analysis.row_times import iterate_row_times
from specfeat.analysis.score_columns import ScoreColumns
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.records import SoundEntry

# Columns that are copied at the same time. A sound of 24 hours can have 180,000 rows and 521 columns, and not
# all of them should be in memory.
_BLOCK_COLUMNS = 32


@dataclass(frozen=True, slots=True)
class SoundEvents:
    """The events of one sound.

    Attributes:
        entry: the sound.
        events: its events, sorted by their starts; events with the same start have the order of the columns.
    """

    entry: SoundEntry
    events: tuple[ScoreEvent, ...]


def iterate_events(
    output: FinishedOutput, columns: ScoreColumns, labels: tuple[str, ...], rules: EventRules
) -> Iterator[SoundEvents]:
    """Yield the events of each sound that has rows, in the order of the output.

    Args:
        output: the output.
        columns: the columns that are scores.
        labels: the classes whose events are found; empty for all.
        rules: the rules.

    Raises:
        UsageError: a class does not exist, or the thresholds of a class contradict each other.
        OutputError: the output cannot be read.
    """
    chosen = columns.choose(labels)
    for label in (*rules.on_of_label, *rules.off_of_label):
        columns.check_label(label)
    for label in chosen.labels:
        rules.get_thresholds(label)
    return _iterate_sounds(output, columns, chosen, rules)


def _iterate_sounds(
    output: FinishedOutput, columns: ScoreColumns, chosen: ScoreColumns, rules: EventRules
) -> Iterator[SoundEvents]:
    rows, position = output.load_rows(), 0
    for entry, times in iterate_row_times(output, read_output_settings(output)):
        sound_rows = rows[position : position + entry.rows]
        position += entry.rows
        top = None
        if rules.top is not None:
            top = _find_top(sound_rows, columns, rules.top)
        events = [
            event
            for label, scores, is_possible in _iterate_columns(sound_rows, chosen, top)
            for event in find_class_events(label, scores, times, rules, is_possible)
        ]
        yield SoundEvents(entry, tuple(sorted(events, key=lambda event: event.start_s)))


def _find_top(rows: NDArray[Any], columns: ScoreColumns, count: int) -> NDArray[np.int32]:
    """Return for each row the columns of the array with the highest scores, shape (rows, count)."""
    block_rows = 4096
    blocks = [
        find_top_columns(rows[first : first + block_rows][:, list(columns.columns)], count)
        for first in range(0, len(rows), block_rows)
    ]
    found: NDArray[np.int32] = np.asarray(columns.columns, np.int32)[np.concatenate(blocks)]
    return found


def _iterate_columns(
    rows: NDArray[Any], chosen: ScoreColumns, top: NDArray[np.int32] | None
) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.bool_] | None]]:
    """Yield the label of each class, its scores, and which rows may belong to it."""
    for first in range(0, len(chosen.columns), _BLOCK_COLUMNS):
        numbers = chosen.columns[first : first + _BLOCK_COLUMNS]
        block = np.asarray(rows[:, list(numbers)], np.float32)
        for k, number in enumerate(numbers):
            is_possible = None if top is None else (top == number).any(axis=1)
            yield chosen.labels[first + k], np.ascontiguousarray(block[:, k]), is_possible
