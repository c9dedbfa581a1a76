"""The nearest neighbours of each row among all rows, by their cosine similarity."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_QUERY_ROWS = 512
_BLOCK_VALUES = 2**22  # 16 MB as float32


def find_neighbors(rows: NDArray[Any], count: int) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Return the rows with the highest cosine similarity to each row, the most similar first.

    All pairs of rows are compared. The row itself is left out. If similarities are equal, the row with the
    smaller number comes first. The similarity to a row of zeros, or to a row with a value that is not finite,
    is 0.

    Args:
        rows: the rows, shape (rows, width); a memory map is read by blocks.
        count: how many neighbours each row gets; at most all other rows.

    Returns:
        The numbers of the neighbours, and their similarities, both of shape (rows, count).
    """
    count = max(0, min(count, len(rows) - 1))
    numbers = np.empty((len(rows), count), np.uint32)
    similarities = np.empty((len(rows), count), np.float32)
    if count:
        for first in range(0, len(rows), _QUERY_ROWS):
            part = slice(first, first + _QUERY_ROWS)
            numbers[part], similarities[part] = _search_block(rows, first, count)
    return numbers, similarities


def _search_block(
    rows: NDArray[Any], first: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the neighbours of the rows of one block, which begins with row `first`."""
    queries = _normalize_rows(rows[first : first + _QUERY_ROWS])
    query_rows = np.arange(first, first + len(queries))
    best_numbers = np.empty((len(queries), 0), np.int64)
    best = np.empty((len(queries), 0), np.float32)
    step = max(count + 1, _BLOCK_VALUES // max(1, rows.shape[1], _QUERY_ROWS))
    for start in range(0, len(rows), step):
        others = _normalize_rows(rows[start : start + step])
        found = queries @ others.T
        numbers = np.arange(start, start + len(others))
        found[query_rows[:, None] == numbers[None, :]] = -np.inf
        best = np.concatenate([best, found], axis=1)
        best_numbers = np.concatenate(
            [best_numbers, np.broadcast_to(numbers, (len(queries), len(numbers)))], axis=1
        )
        order = _find_largest(best, count)
        best = np.take_along_axis(best, order, axis=1)
        best_numbers = np.take_along_axis(best_numbers, order, axis=1)
    return best_numbers, best


def _find_largest(values: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return the places of the largest values of each line, largest first; equal ones in their order."""
    if values.shape[1] <= count:
        return np.argsort(-values, axis=1, kind="stable")
    # Sorting all is slow. Only the values of at least the limit, which is the last wanted value, are sorted.
    limit = np.partition(values, values.shape[1] - count, axis=1)[:, -count]
    places = np.empty((len(values), count), np.int64)
    for line, (one, lowest) in enumerate(zip(values, limit, strict=True)):
        candidates = np.flatnonzero(one >= lowest)
        places[line] = candidates[np.argsort(-one[candidates], kind="stable")[:count]]
    return places


def _normalize_rows(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Return rows of length 1; rows of zeros and rows that are not finite become zeros."""
    block: NDArray[Any] = np.asarray(rows, np.float32)
    block = np.where(np.isfinite(block).all(axis=1, keepdims=True), block, np.float32(0))
    # Scaled first, because the square of a large or small value is not a float32.
    scale: NDArray[Any] = np.abs(block).max(axis=1, initial=0, keepdims=True)
    block = block / np.where(scale > 0, scale, np.float32(1))
    length: NDArray[Any] = np.sqrt(np.square(block).sum(axis=1, keepdims=True))
    unit: NDArray[Any] = block / np.where(length > 0, length, np.float32(1))
    return unit
