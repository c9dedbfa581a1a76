"""Decibels relative to the largest value of a file or clip, as `librosa.power_to_db` computes them."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from specfeat.audio.frame_buffer import FrameBuffer
from specfeat.audio.stft import FloatArray
from specfeat.config.compression import Db


def apply_largest_value(
    blocks: Iterable[FloatArray], db: Db, count_measured: Callable[[], int]
) -> Iterator[FloatArray]:
    """Apply `ref: max` and `top_db` to the decibels of a whole file.

    Args:
        blocks: the decibels, shape (frames, bands).
        db: the settings of the decibels.
        count_measured: a function that is called after the end of the stream, and returns in how many frames,
            counted from the first one, the largest value is searched.

    Yields:
        The changed blocks, in the same shapes.
    """
    with FrameBuffer(blocks) as buffer:
        largest = np.float32(-np.inf)
        for block in buffer.read(count_measured()):
            largest = np.maximum(largest, block.max())
        for block in buffer.read():
            yield limit_below_largest(block, db, largest)


def limit_below_largest(decibels: FloatArray, db: Db, largest: np.float32) -> FloatArray:
    """Apply `ref: max` and `top_db` to decibels whose largest value is known.

    Args:
        decibels: the decibels. With `ref: max` they are relative to 1 before this step.
        db: the settings of the decibels.
        largest: the largest value of the file or of the clip, in the same unit as `decibels`.
    """
    with np.errstate(invalid="ignore"):  # inf - inf, after very large samples; ClipIterator reports it
        out: FloatArray = decibels - largest if db.ref == "max" else decibels
        smallest = np.float32(0.0) if db.ref == "max" else largest
        if db.top_db is not None:
            out = np.maximum(out, smallest - np.float32(db.top_db))
    return out if db.floor is None else np.maximum(out, np.float32(db.floor))
