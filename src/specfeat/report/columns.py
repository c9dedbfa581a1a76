"""The columns of a report: values of each row by which the page colours and filters points."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.score_columns import find_score_columns
from specfeat.errors import UsageError
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.records import SoundEntry
from specfeat.report.data_block import choose_code_type

# These columns of the index are not listed here, because the page shows them for each row in any case.
_OTHER_COLUMNS = frozenset(["row", "path", "end_s"])
# A column of numbers with at most so many different values is shown as categories, e.g. the label 0 or 1.
_MAX_CATEGORY_NUMBERS = 12
# More values of scores than this would make the page too large.
_MAX_SCORE_VALUES = 2_000_000
_BLOCK_ROWS = 4096


@dataclass(frozen=True, slots=True)
class RowColumn:
    """One value for each row.

    Attributes:
        name: the name that the page shows.
        values: float32 for a column of numbers, NaN for no value; for categories the number of the category
            of each row, unsigned.
        categories: the names of the categories; None for a column of numbers.
    """

    name: str
    values: NDArray[Any]
    categories: tuple[str, ...] | None = None


def list_columns(
    output: FinishedOutput, index: dict[str, NDArray[Any]], rows: NDArray[Any]
) -> list[RowColumn]:
    """Return the columns by which points can be coloured, in the order in which they are offered.

    Args:
        output: the output.
        index: the columns of its index.
        rows: its rows, shape (rows, width).
    """
    paths = index["path"].tolist()
    columns = [
        _make_categories("folder", [path.rpartition("/")[0] or "." for path in paths]),
        _make_categories("file", paths),
        _make_categories("sound", _list_states(output)),
    ]
    for name, values in index.items():
        if name not in _OTHER_COLUMNS and not name.endswith("_hex"):
            columns.append(_make_column(name, values))
    columns += _list_scores(output, rows)
    return columns


def _make_column(name: str, values: NDArray[Any]) -> RowColumn:
    if values.dtype != object:
        return RowColumn(name, values.astype(np.float32))
    texts = values.tolist()
    distinct = {*texts}
    if len(distinct) > _MAX_CATEGORY_NUMBERS:
        numbers = {text: _read_number(text) for text in distinct}
        if None not in numbers.values():
            return RowColumn(name, np.array([numbers[text] for text in texts], np.float32))
    return _make_categories(name, texts)


def _read_number(text: str) -> float | None:
    """Return the number that a text is, NaN for an empty text, and None for other texts."""
    try:
        number = float(text) if text else math.nan
    except ValueError:
        return None
    return None if math.isinf(number) else number


def _make_categories(name: str, texts: Sequence[str]) -> RowColumn:
    """Return a column of categories; a category that comes first in the output has the smaller number."""
    codes: dict[str, int] = {}
    numbers = [codes.setdefault(text, len(codes)) for text in texts]
    return RowColumn(name, np.array(numbers, choose_code_type(len(codes))), tuple(codes))


def describe_state(entry: SoundEntry) -> str:
    """Return what is conspicuous about a sound, e.g. "silent"; "ok" if nothing is."""
    if entry.status != "ok":
        return entry.status
    return "silent" if entry.silent else "too loud" if entry.too_loud else "ok"


def _list_states(output: FinishedOutput) -> list[str]:
    states = [describe_state(entry) for entry in output.record.files]
    return [states[number] for number in output.list_row_entries().tolist()]


def _list_scores(output: FinishedOutput, rows: NDArray[Any]) -> Iterator[RowColumn]:
    """Yield the class with the highest score and this score, and then the scores of classes that have names.

    The scores of all classes are left out if there are too many.
    """
    try:
        scores = find_score_columns(output)
    except UsageError:  # no column has the name of a class
        return
    chosen = list(scores.columns)
    top = np.zeros(len(rows), np.int64)
    highest = np.empty(len(rows), np.float32)
    for first in range(0, len(rows), _BLOCK_ROWS):
        block = np.nan_to_num(
            np.asarray(rows[first : first + _BLOCK_ROWS][:, chosen], np.float32), nan=-np.inf
        )
        top[first : first + len(block)] = block.argmax(axis=1)
        highest[first : first + len(block)] = block.max(axis=1)
    yield _make_categories("class with the highest score", [scores.labels[number] for number in top.tolist()])
    yield RowColumn("highest score", highest)
    if len(rows) * len(chosen) <= _MAX_SCORE_VALUES:
        for number, name in zip(chosen, scores.labels, strict=True):
            yield RowColumn(f"score: {name}", np.ascontiguousarray(rows[:, number], np.float32))
