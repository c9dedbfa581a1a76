"""Connects the rows of an array with the lines of its index, so that a format can write both."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from specfeat.output.feature_table import (
    FEATURE_NAMES_NAME,
    FEATURES_NAME,
    ArrayLayout,
    FeatureTable,
    Rows,
    TableBlock,
    join_rows,
)
from specfeat.output.index_reader import IndexReader

_BLOCK_BYTES = 2**22  # of the features of one block
_MAX_BLOCK_ROWS = 4096  # even if they are narrow, because their lines of the index consist of Python objects


@contextmanager
def open_table(
    target: Path,
    layout: ArrayLayout,
    index: Path,
    metadata: Mapping[str, str],
    read_rows: Callable[[], Iterator[Rows]],
) -> Iterator[FeatureTable]:
    """Open the index, and return the table of the rows and the index.

    Args:
        target: the path that the array will have when the output is complete.
        layout: the layout of the array.
        index: the index, a CSV file with one line for each row.
        metadata: see `FeatureTable`.
        read_rows: a function that returns the rows in order, in arrays of a few MB.

    Raises:
        OSError: the index cannot be read.
    """
    block_rows = count_block_rows(layout)
    taken_names = list_taken_names(layout, metadata)
    with IndexReader(index, *taken_names) as reader:
        yield FeatureTable(
            target=target,
            layout=layout,
            columns=reader.columns,
            metadata=metadata,
            read_rows=read_rows,
            read_blocks=lambda: _add_index(join_rows(read_rows(), block_rows), reader),
        )


def list_taken_names(layout: ArrayLayout, metadata: Iterable[str]) -> list[str]:
    """Return the names that no column of the index can have in a table.

    Args:
        layout: the layout of the array.
        metadata: the names of the texts about the whole array.
    """
    return [FEATURES_NAME, *metadata, *([FEATURE_NAMES_NAME] if layout.feature_names else [])]


def count_block_rows(layout: ArrayLayout) -> int:
    """Return the number of rows in a block of a table."""
    # The pieces in which an update reads rows depend on what has changed. If the blocks depended on that, the
    # files of some formats would have other bytes.
    return min(_MAX_BLOCK_ROWS, layout.count_block_rows(_BLOCK_BYTES))


def _add_index(arrays: Iterator[Rows], index: IndexReader) -> Iterator[TableBlock]:
    """Yield the rows together with their lines of the index."""
    for rows in arrays:
        yield TableBlock(rows, index.read_lines(len(rows)))
