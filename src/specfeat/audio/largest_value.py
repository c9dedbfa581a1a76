"""Decibels that depend on the largest value of a file or clip, as `librosa.power_to_db` computes them."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from specfeat.audio.frame_buffer import FrameBuffer
from specfeat.audio.stft import FloatArray
from specfeat.config.compression import Db


def apply_largest_value(
    blocks: Iterable[FloatArray], db: Db, count_measured: Callable[[], int]
) -> Iterator[FloatArray]:
    """Apply `ref: max` and `top_db` to decibels; the largest value is that of the whole stream.

    Args:
        blocks: decibels, shape (frames, bands).
        db: the settings.
        count_measured: returns, after the end of the stream, how many frames, from the first one, have the
            largest value among them.

    Yields:
        The blocks, in the same shapes.
    """
    with FrameBuffer(blocks) as buffer:
        largest = np.float32(-np.inf)
        for block in buffer.read(count_measured()):
            largest = np.maximum(largest, block.max())
        for block in buffer.read():
            yield limit_below_largest(block, db, largest)


def limit_below_largest(decibels: FloatArray, db: Db, largest: np.float32) -> FloatArray:
    """Apply `ref: max` and `top_db` to decibels.

    Args:
        decibels: the decibels; with `ref: max` above an x of 1.
        db: the settings.
        largest: the largest value that counts, in the same unit.
    """
    with np.errstate(invalid="ignore"):  # of samples so large that they are inf; ClipIterator reports it
        out: FloatArray = decibels - largest if db.ref == "max" else decibels
        smallest = np.float32(0.0) if db.ref == "max" else largest
        if db.top_db is not None:
            out = np.maximum(out, smallest - np.float32(db.top_db))
    return out if db.floor is None else np.maximum(out, np.float32(db.floor))
