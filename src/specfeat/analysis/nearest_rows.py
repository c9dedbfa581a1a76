"""Finds the rows of an array that are nearest to some examples, by comparing all of them."""

from collections.abc import Iterator
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import UsageError

Metric = Literal["cosine", "euclidean"]
METRICS: tuple[Metric, ...] = get_args(Metric)
Array = NDArray[Any]

# Values of a block of the array, or products with examples: 1 MiB in float32, which fits the second-level
# cache, so that the second computation with a block does not wait for the memory.
_BLOCK_VALUES = 2**18
_EXACT_ROWS = 1024  # of the nearest rows, which are compared in float64


def find_metric(name: str) -> Metric:
    """Return the metric of this name.

    Raises:
        UsageError: there is no such metric.
    """
    for metric in METRICS:
        if metric == name:
            return metric
    raise UsageError(f"there is no metric {name!r}; give cosine or euclidean")


class NearestRows:
    """The rows of an array, in the order of their distance from examples.

    All rows are compared in float32. The nearest 1,024 of them are compared again in float64 and sorted by
    the result, because float32 is not exact enough for rows that are almost equal. Equally near rows have the
    order of the array.

    Args:
        rows: shape (rows, features); it may be a memory map, and is read in blocks.
        examples: shape (examples, features). The distance of a row is that from the nearest example.
        metric: "cosine" or "euclidean".

    Attributes:
        order: the numbers of the rows, the nearest first. Rows that cannot be compared are left out: those
            with a value that is not finite, and for "cosine" also those whose values are all 0.

    Raises:
        UsageError: an example cannot be compared.
    """

    def __init__(self, rows: Array, examples: Array, metric: Metric) -> None:
        self._rows, self._metric = rows, metric
        self._examples = np.asarray(examples, np.float64)
        self._check_examples()
        closeness = np.empty(len(rows), np.float32)
        self._nearest_example = np.empty(len(rows), np.int32)
        for first, block in iterate_blocks(rows, len(examples)):
            place = slice(first, first + len(block))
            closeness[place], self._nearest_example[place] = self._compare_block(block)
        order = np.argsort(-closeness, kind="stable")
        order = order[: np.count_nonzero(closeness > -np.inf)]
        head = np.sort(order[:_EXACT_ROWS])
        order[:_EXACT_ROWS] = head[np.argsort(-self._compute_exactly(head), kind="stable")]
        self.order: NDArray[np.int64] = order

    def measure(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the similarity ("cosine", -1 to 1) or the distance ("euclidean", 0 or more) of some rows.

        Args:
            numbers: the numbers of the rows.
        """
        closeness = self._compute_exactly(numbers)
        return closeness if self._metric == "cosine" else -closeness

    def _check_examples(self) -> None:
        if not np.isfinite(self._examples).all():
            raise UsageError("a feature of the example is not a finite number; choose another example")
        if self._metric == "cosine" and not self._examples.any(axis=1).all():
            raise UsageError(
                "all features of the example are 0, so it has no direction that the metric cosine could "
                "compare; choose another example, or the metric euclidean"
            )

    def _compare_block(self, block: Array) -> tuple[Array, Array]:
        """Return for each row of a block how near it is, as a number that grows, and its nearest example."""
        with np.errstate(all="ignore"):  # what is not finite here is computed again below
            if self._metric == "cosine":
                directions = self._examples / np.linalg.norm(self._examples, axis=1, keepdims=True)
                norms = np.sqrt(np.einsum("ij,ij->i", block, block))
                closeness = (block @ directions.astype(np.float32).T) / norms[:, np.newaxis]
            else:
                examples = self._examples.astype(np.float32)
                squares = np.einsum("ij,ij->i", block, block)[:, np.newaxis]
                closeness = 2 * (block @ examples.T) - squares - np.einsum("ij,ij->i", examples, examples)
                closeness = -np.sqrt(np.maximum(-closeness, 0))
            nearest = closeness.argmax(axis=1)
            values = np.take_along_axis(closeness, nearest[:, np.newaxis], axis=1)[:, 0]
        for row in np.flatnonzero(~np.isfinite(closeness).all(axis=1)):
            nearest[row], values[row] = self._find_nearest_example(block[row])
        return values, nearest

    def _find_nearest_example(self, row: Array) -> tuple[int, float]:
        """Return the nearest example of one row, and how near it is, computed in float64."""
        if not np.isfinite(row).all() or (self._metric == "cosine" and not row.any()):
            return 0, -np.inf
        exact = _compare_exactly(row[np.newaxis], self._examples, self._metric)
        return int(exact.argmax()), float(exact.max())

    def _compute_exactly(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how near rows are to their nearest example, in float64."""
        step = max(1, _BLOCK_VALUES // self._rows.shape[1])
        parts = [numbers[first : first + step] for first in range(0, len(numbers), step)]
        return np.concatenate(
            [
                np.empty(0),
                *(
                    _compare_exactly(
                        self._rows[part], self._examples[self._nearest_example[part]], self._metric
                    )
                    for part in parts
                ),
            ]
        )


def iterate_blocks(rows: Array, columns: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield an array in blocks of float32, each with the number of its first row.

    Args:
        rows: shape (rows, features).
        columns: the number of results for each row, which also need memory.
    """
    step = max(1, _BLOCK_VALUES // max(1, rows.shape[1], columns))
    for first in range(0, len(rows), step):
        yield first, np.asarray(rows[first : first + step], np.float32)


def _compare_exactly(rows: Array, examples: Array, metric: Metric) -> NDArray[np.float64]:
    """Return how near each row is to its example, in float64; -inf for a row that cannot be compared."""
    rows = rows.astype(np.float64)
    with np.errstate(all="ignore"):
        if metric == "cosine":
            norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(examples, axis=1)
            closeness = np.einsum("ij,ij->i", rows, examples) / norms
        else:
            closeness = -np.linalg.norm(rows - examples, axis=1)
    result: NDArray[np.float64] = np.where(np.isnan(closeness), -np.inf, closeness)
    return result
