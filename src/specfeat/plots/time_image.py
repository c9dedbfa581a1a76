"""Images over time with a fixed number of columns, from any number of frames."""

import numpy as np
from numpy.typing import NDArray

IMAGE_COLUMNS = 2400  # three for each of 800 pixels
MAX_LINES = 1200  # more lines than this do not differ on a page

FloatArray = NDArray[np.float32]


class TimeImage:
    """An image whose columns are equal pieces of a span of time; its memory does not depend on the span.

    If a frame is at least as long as a column, each column has the values of the frame at the middle of the
    column. Otherwise, it has the mean of all frames whose middle is in the column.

    Args:
        start: the time at which the first column begins, in samples.
        end: the time at which the last column ends, in samples.
        frame_samples: the distance from the start of one frame to the start of the next one, in samples.
        columns: the number of columns.

    Attributes:
        frames_per_column: how many frames are averaged in a column; 1.0 if none are.
    """

    def __init__(self, start: float, end: float, frame_samples: float, columns: int = IMAGE_COLUMNS) -> None:
        self._start = start
        self._column_samples = (end - start) / columns
        self._frame_samples = frame_samples
        self._columns = columns
        self._sums: FloatArray | None = None
        self._counts = np.zeros(columns, np.int64)
        self.frames_per_column = max(1.0, self._column_samples / frame_samples)

    def add_frames(self, frames: FloatArray, first_sample: float, end_sample: float) -> None:
        """Add frames that follow each other; they must not overlap the frames of another call.

        Args:
            frames: shape (frames, values).
            first_sample: the time at which the first frame begins, in samples.
            end_sample: the time at which the frames end, in samples. Frames after it are left out, and the
                last frame is drawn up to it.
        """
        if self._sums is None:
            self._sums = np.zeros((self._columns, frames.shape[1]), np.float32)
        if self._frame_samples >= self._column_samples:
            times = self._start + (np.arange(self._columns) + 0.5) * self._column_samples
            columns = np.flatnonzero((times >= first_sample) & (times < end_sample))
            numbers = ((times[columns] - first_sample) // self._frame_samples).astype(np.int64)
            self._sums[columns] = frames[np.minimum(numbers, len(frames) - 1)]
            self._counts[columns] = 1
            return
        times = first_sample + (np.arange(len(frames)) + 0.5) * self._frame_samples
        columns = ((times - self._start) // self._column_samples).astype(np.int64)
        is_shown = (times < end_sample) & (columns >= 0) & (columns < self._columns)
        columns, frames = columns[is_shown], frames[is_shown]
        if len(columns):
            starts = _find_starts(columns)
            self._sums[columns[starts]] += np.add.reduceat(frames, starts)
            self._counts[columns[starts]] += np.diff(np.append(starts, len(columns)))

    def get_values(self) -> FloatArray | None:
        """Return the image, shape (columns, values), with NaN where no frame is; None if it is empty."""
        if self._sums is None:
            return None
        counts = self._counts[:, np.newaxis]
        return np.where(counts > 0, self._sums / np.maximum(counts, 1), np.float32(np.nan)).astype(np.float32)


class Envelope:
    """The smallest and the largest sample in each column of an image over time.

    Args:
        start: the time at which the first column begins, in samples.
        end: the time at which the last column ends, in samples.
        columns: the number of columns.
    """

    def __init__(self, start: float, end: float, columns: int = IMAGE_COLUMNS) -> None:
        self._start = start
        self._columns_per_sample = columns / (end - start)
        self._low = np.full(columns, np.inf, np.float32)
        self._high = np.full(columns, -np.inf, np.float32)
        self._position = 0

    def add_samples(self, block: FloatArray) -> None:
        """Add the next samples of the sound, shape (n,) or (n, channels)."""
        low, high = (block, block) if block.ndim == 1 else (block.min(axis=1), block.max(axis=1))
        times = np.arange(self._position, self._position + len(block)) + 0.5 - self._start
        columns = np.floor(times * self._columns_per_sample).astype(np.int64)
        is_shown = (columns >= 0) & (columns < len(self._low))
        self._position += len(block)
        columns, low, high = columns[is_shown], low[is_shown], high[is_shown]
        if len(columns):
            starts = _find_starts(columns)
            used = columns[starts]
            self._low[used] = np.minimum(self._low[used], np.minimum.reduceat(low, starts))
            self._high[used] = np.maximum(self._high[used], np.maximum.reduceat(high, starts))

    def get_limits(self) -> FloatArray:
        """Return the smallest and the largest sample of each column, shape (2, columns).

        If there are fewer samples than columns, the columns without a sample get values between those of
        their neighbours. Columns after the end of the sound are NaN.
        """
        columns = np.arange(len(self._low))
        filled = np.flatnonzero(np.isfinite(self._low))
        if not len(filled):
            return np.full((2, len(columns)), np.nan, np.float32)
        limits = np.stack([np.interp(columns, filled, side[filled]) for side in (self._low, self._high)])
        end = (self._position - self._start) * self._columns_per_sample
        limits[:, columns >= max(end, filled[-1] + 1)] = np.nan
        return limits.astype(np.float32)


def _find_starts(columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions at which a column begins, in a sorted array of one column or more."""
    return np.flatnonzero(np.diff(columns, prepend=-1))


def pool_lines(values: FloatArray, max_lines: int = MAX_LINES) -> FloatArray:
    """Return an image with at most `max_lines` values in a frame: each is the mean of neighbouring values.

    Args:
        values: shape (frames, values).
        max_lines: the largest number of values that remain.
    """
    size = -(-values.shape[1] // max_lines)
    if size == 1:
        return values
    starts = np.arange(0, values.shape[1], size)
    counts = np.diff(np.append(starts, values.shape[1])).astype(np.float32)
    return (np.add.reduceat(values, starts, axis=1) / counts).astype(np.float32)
