"""The table that an output format writes: the rows, and beside each row its line of the index."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.output.index_reader import IndexColumn
from specfeat.output.records import SoundEntry

Rows = NDArray[Any]  # the features of some rows: shape (n, features in a row), of the layout's type
FEATURES_NAME = "features"  # the name of the features in a file that also has columns of the index
FEATURE_NAMES_NAME = "feature_names"  # the name of their names in such a file


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayLayout:
    """What is known about an array without reading it.

    Attributes:
        rows: the number of rows.
        width: the number of features in a row.
        dtype: the type of the features, little-endian: float32, or float16.
        entries: the sounds in the order of their rows, without those that have no row.
        feature_names: a name for each feature, all different; empty if the config gives none.
    """

    rows: int
    width: int
    dtype: "np.dtype[Any]"
    entries: Sequence[SoundEntry]
    feature_names: tuple[str, ...] = ()

    @property
    def row_bytes(self) -> int:
        """The size of the features of one row, in bytes."""
        return self.width * self.dtype.itemsize

    def count_block_rows(self, block_bytes: int) -> int:
        """Return how many rows fit into a block of this size; at least 1."""
        return max(1, block_bytes // self.row_bytes)


@dataclass(frozen=True, slots=True)
class TableBlock:
    """Some rows that follow each other, with their lines of the index.

    Attributes:
        rows: the features, shape (n, width).
        columns: for each column of the index, its n values: int, float, or text that is valid Unicode.
    """

    rows: Rows
    columns: dict[str, list[Any]]

    def cut(self, first: int, end: int) -> "TableBlock":
        """Return the rows from `first` to before `end`."""
        columns = {name: values[first:end] for name, values in self.columns.items()}
        return TableBlock(self.rows[first:end], columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTable:
    """The rows of an array that is to be written, with their lines of the index.

    Attributes:
        target: the path that the array will have when the output is complete.
        layout: the number of rows, their width and type, and the sounds.
        columns: the columns of the index, in order. No two have the same name, and none is named "features",
            like one of the texts of `metadata`, or "feature_names" if the features have names.
        metadata: texts about the whole array, for formats that can keep them: "specfeat" (the version),
            "config_sha256" and "config" (all settings, as JSON).
        read_rows: a function that returns the rows in order, in arrays of a few MB.
        read_blocks: a function that returns the rows in order with their lines of the index, in blocks of a
            few MB. The sizes of the blocks depend on the layout only. A format must call only one of the two
            functions, and only once.
    """

    target: Path
    layout: ArrayLayout
    columns: tuple[IndexColumn, ...]
    metadata: Mapping[str, str]
    read_rows: Callable[[], Iterator[Rows]]
    read_blocks: Callable[[], Iterator[TableBlock]]

    def split_by_sound(self) -> "Iterator[tuple[SoundEntry, FeatureTable]]":
        """Yield each sound and the table of its rows; it must be written before the next one is asked for."""
        blocks = self.read_blocks()
        rest: list[TableBlock] = []
        for entry in self.layout.entries:
            sound_blocks = _take_rows(blocks, rest, entry.rows)
            layout = replace(self.layout, rows=entry.rows, entries=(entry,))
            yield entry, make_block_table(self, layout, sound_blocks)
            for _ in sound_blocks:  # rows that the format has not read
                pass


def make_block_table(table: FeatureTable, layout: ArrayLayout, blocks: Iterator[TableBlock]) -> FeatureTable:
    """Return a table of some rows of another table.

    Args:
        table: the table of all rows.
        layout: the layout of the rows.
        blocks: the rows with their lines of the index.
    """
    return FeatureTable(
        target=table.target,
        layout=layout,
        columns=table.columns,
        metadata=table.metadata,
        read_rows=lambda: (block.rows for block in blocks),
        read_blocks=lambda: blocks,
    )


def join_rows(arrays: Iterator[Rows], row_count: int) -> Iterator[Rows]:
    """Yield the same rows in arrays of `row_count` rows; only the last one may have fewer.

    Args:
        arrays: the rows, in arrays of any length.
        row_count: how many rows each array is to have.
    """
    parts: list[Rows] = []
    missing = row_count
    for array in arrays:
        while len(array) >= missing:
            yield np.concatenate([*parts, array[:missing]]) if parts else array[:missing]
            parts, array, missing = [], array[missing:], row_count
        if len(array):
            parts.append(array)
            missing -= len(array)
    if parts:
        yield np.concatenate(parts)


def _take_rows(blocks: Iterator[TableBlock], rest: list[TableBlock], count: int) -> Iterator[TableBlock]:
    """Yield the next `count` rows, and put the rows after them into `rest`."""
    while count:
        block = rest.pop() if rest else next(blocks)
        part = block.cut(0, count)
        if len(block.rows) > count:
            rest.append(block.cut(count, len(block.rows)))
        count -= len(part.rows)
        yield part
