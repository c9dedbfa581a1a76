"""The colours of the points of a map: a category or a number for each row of a finished output."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import UsageError
from specfeat.output.finished_output import FinishedOutput
from specfeat.plots.palette import MAX_CATEGORIES
from specfeat.text import suggest_name

FOLDER = "folder"  # the name of a column that every output has: the folder of each file
_NO_FOLDER, _EMPTY = "(no folder)", "(empty)"


@dataclass(frozen=True, slots=True)
class RowCategories:
    """A category for each row.

    Attributes:
        column: the name of the column that the categories come from.
        names: the most frequent categories, at most eight, the most frequent first.
        numbers: for each row the position of its category in `names`; -1 for all other categories.
        other_count: how many other categories there are.
    """

    column: str
    names: tuple[str, ...]
    numbers: NDArray[np.int64]
    other_count: int


@dataclass(frozen=True, slots=True)
class RowValues:
    """A number for each row.

    Attributes:
        column: the name of the column that the numbers come from.
        values: the number of each row.
    """

    column: str
    values: NDArray[np.float64]


RowColors = RowCategories | RowValues


def choose_row_colors(output: FinishedOutput, column: str | None) -> RowColors:
    """Return what the colours of the rows mean.

    Args:
        output: the output.
        column: a column of the index, or "folder"; None for the column `label` if there is one, and
            otherwise the folder.

    Raises:
        OutputError: the index cannot be read.
        UsageError: the index has no such column.
    """
    index = output.read_index()
    name = column or ("label" if "label" in index else FOLDER)
    if name in index and index[name].dtype != object:
        return RowValues(name, index[name].astype(np.float64))
    if name in index:
        texts = [text or _EMPTY for text in index[name]]
    elif name == FOLDER:
        texts = [Path(path).parent.name or _NO_FOLDER for path in index["path"]]
    else:
        hint = suggest_name(name, [*index, FOLDER]) or f"; there are {', '.join(index)} and {FOLDER}"
        raise UsageError(f"{output.paths.index}: has no column {name!r}{hint}")
    return _make_categories(name, texts)


def _make_categories(column: str, texts: list[Any]) -> RowCategories:
    # Equally frequent categories are in the order of the alphabet, so that the colours do not depend on the
    # order of the rows.
    counts = sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0]))
    names = tuple(name for name, _ in counts[:MAX_CATEGORIES])
    positions = {name: number for number, name in enumerate(names)}
    numbers = np.array([positions.get(text, -1) for text in texts], np.int64)
    return RowCategories(column, names, numbers, len(counts) - len(names))
