"""Converts the rows of each sound to the type that the output has.

A value that is too large for the type is not written as infinity: its sound fails.
"""

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import AudioError
from specfeat.events import Event, RowsEvent, SoundEndEvent


def convert_rows(
    events: Generator[Event, None, None], dtype: "np.dtype[Any]"
) -> Generator[Event, None, None]:
    """Convert all rows to a type with fewer digits than float32.

    Args:
        events: the events of an extraction, with rows of float32. They are closed with this generator.
        dtype: the type, e.g. float16.

    Yields:
        The same events with converted rows. From the first value on that is too large, a sound has no more
        rows, and it ends as failed.
    """
    with closing(events):
        yield from _convert(events, dtype)


def _convert(events: Iterable[Event], dtype: "np.dtype[Any]") -> Generator[Event, None, None]:
    row_count = 0  # rows of the current sound that have been passed on
    largest: float | None = None  # the first magnitude of the current sound that is too large
    for event in events:
        if isinstance(event, SoundEndEvent):
            yield _correct_end(event, row_count, largest, dtype)
            row_count, largest = 0, None
            continue
        if largest is None:
            largest = _find_too_large(event.rows, dtype)
        if largest is not None:
            yield RowsEvent(np.zeros((0, event.rows.shape[1]), dtype), pooled_clips=event.clips)
            continue
        row_count += len(event.rows)
        yield RowsEvent(event.rows.astype(dtype), event.pooled_clips)


def _find_too_large(rows: NDArray[Any], dtype: "np.dtype[Any]") -> float | None:
    """Return the largest magnitude of the rows if it is infinite in the type; None if it is not."""
    largest = np.abs(rows).max(initial=0)
    with np.errstate(over="ignore"):
        return float(largest) if np.isinf(largest.astype(dtype)) else None


def _correct_end(
    event: SoundEndEvent, row_count: int, largest: float | None, dtype: "np.dtype[Any]"
) -> SoundEndEvent:
    if largest is None:
        return event
    if event.status == "failed":
        return replace(event, invalid_rows=row_count)
    error = AudioError(
        f"gives a feature of magnitude {largest:g}, and {dtype.name} has at most {np.finfo(dtype).max:g}; "
        "write the features as float32 (rows.dtype)",
        "network",
        "too large",
    )
    return replace(event, status="failed", rows=0, invalid_rows=row_count, error=error)
