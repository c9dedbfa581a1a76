"""Makes one row of a sound from the features of all its clips.

The result does not depend on how the clips are spread over batches and events: every statistic takes the
clips one after another, in order, and sums in float64. Only the finished row is rounded to float32.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from specfeat.events import Event, RowsEvent


class RowPool:
    """The statistics of the clips of one sound.

    Mean and standard deviation are updated with each clip by Welford's method (Technometrics 4, 1962), which
    stays exact if the mean is much larger than the deviation. The deviation is that of NumPy: the root of
    the mean square of the differences from the mean, so it is 0 for one clip.

    Args:
        statistics: the names of the statistics, in the order of the columns; see `STATISTICS` in
            `architecture.feature_sources`.

    Attributes:
        clips: how many clips have been added.
    """

    def __init__(self, statistics: Sequence[str]) -> None:
        self.clips = 0
        self._statistics = tuple(statistics)
        self._has_moments = not {"mean", "std"}.isdisjoint(statistics)
        self._mean = self._square_sum = np.zeros(0)
        self._values: dict[str, NDArray[np.float32]] = {}

    def add(self, rows: NDArray[np.float32]) -> None:
        """Add the features of the next clips.

        Args:
            rows: float32, shape (clips, features), one clip or more.
        """
        if not self.clips:
            self._mean, self._square_sum = np.zeros((2, rows.shape[1]))
            self._values = {"first": rows[0].copy(), "max": rows[0].copy(), "min": rows[0].copy()}
        if self._has_moments:
            self._add_to_moments(rows)
        self._values["last"] = rows[-1].copy()
        np.maximum(self._values["max"], rows.max(axis=0), out=self._values["max"])
        np.minimum(self._values["min"], rows.min(axis=0), out=self._values["min"])
        self.clips += len(rows)

    def _add_to_moments(self, rows: NDArray[np.float32]) -> None:
        # One clip after another: NumPy could add the clips of an array in an order that depends on its shape.
        for number, row in enumerate(rows.astype(np.float64), self.clips + 1):
            difference = row - self._mean
            self._mean += difference / number
            self._square_sum += difference * (row - self._mean)

    def compute_row(self) -> NDArray[np.float32]:
        """Return the statistics one after another, shape (features x statistics); needs one clip or more."""
        values = dict[str, NDArray[np.float32] | NDArray[np.float64]](self._values)
        values |= {"mean": self._mean, "std": np.sqrt(self._square_sum / self.clips)}
        return np.concatenate([values[name].astype(np.float32) for name in self._statistics])


def pool_rows(
    events: Generator[Event, None, None], statistics: Sequence[str]
) -> Generator[Event, None, None]:
    """Replace the rows of each sound's clips by one row, which comes before the end of the sound.

    Args:
        events: the events of an extraction with a row for each clip. They are closed with this generator.
        statistics: the names of the statistics, in the order of the columns.

    Yields:
        An event without rows for each event with rows, so that the receiver knows how far the run is; at the
        end of each sound an event with its row, if the sound has clips and has not failed; and its end.
    """
    with closing(events):
        yield from _pool(events, statistics)


def _pool(events: Iterable[Event], statistics: Sequence[str]) -> Generator[Event, None, None]:
    pool = RowPool(statistics)
    for event in events:
        if isinstance(event, RowsEvent):
            pool.add(event.rows)
            width = len(statistics) * event.rows.shape[1]
            yield RowsEvent(np.zeros((0, width), np.float32), pooled_clips=len(event.rows))
            continue
        if event.rows:
            yield RowsEvent(pool.compute_row()[np.newaxis], pooled_clips=0)
        yield replace(event, rows=min(1, event.rows), invalid_rows=0)
        pool = RowPool(statistics)
