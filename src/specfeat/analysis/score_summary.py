"""The mean and the largest score of each class in each sound."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from specfeat.analysis.output_settings import read_output_settings
from specfeat.analysis.row_times import iterate_row_times
from specfeat.analysis.score_columns import ScoreColumns
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.records import SoundEntry

_BLOCK_ROWS = 4096


class ClassScore(NamedTuple):
    """The scores of one class in one sound.

    Attributes:
        label: the name of the class.
        mean: the mean of the scores of all rows.
        largest: the largest score.
        start_s: the start of the row with the largest score, in seconds from the start of the file.
        end_s: the end of this row.
    """

    label: str
    mean: float
    largest: float
    start_s: float
    end_s: float


def iterate_summaries(
    output: FinishedOutput, columns: ScoreColumns, top: int | None
) -> Iterator[tuple[SoundEntry, list[ClassScore]]]:
    """Yield for each sound that has rows the scores of its classes.

    Args:
        output: the output.
        columns: the columns of the classes.
        top: how many classes are listed, those with the highest mean first; None for all of them, in the
            order of the columns.

    Raises:
        OutputError: the output cannot be read.
    """
    rows, position, numbers = output.load_rows(), 0, list(columns.columns)
    for entry, times in iterate_row_times(output, read_output_settings(output)):
        total = np.zeros(len(numbers))
        largest = np.full(len(numbers), -np.inf, np.float32)
        row_of_largest = np.zeros(len(numbers), np.int64)
        for first in range(0, entry.rows, _BLOCK_ROWS):
            block_rows = min(_BLOCK_ROWS, entry.rows - first)
            start = position + first
            block = np.asarray(rows[start : start + block_rows][:, numbers], np.float32)
            total += block.sum(axis=0, dtype=np.float64)
            best = block.argmax(axis=0)
            values = block[best, np.arange(len(numbers))]
            is_larger = ~(values <= largest) & ~np.isnan(largest)  # a score that is not a number stays
            row_of_largest[is_larger] = first + best[is_larger]
            largest[is_larger] = values[is_larger]
        position += entry.rows
        means = total / entry.rows
        order = range(len(numbers)) if top is None else np.argsort(-means, kind="stable")[:top]
        yield (
            entry,
            [
                ClassScore(
                    columns.labels[k],
                    float(means[k]),
                    float(largest[k]),
                    float(times.starts[row_of_largest[k]]),
                    float(times.ends[row_of_largest[k]]),
                )
                for k in order
            ],
        )
