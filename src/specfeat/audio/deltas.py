"""Adds deltas, the changes of a spectrogram over time, as further channels."""

from collections.abc import Iterable, Iterator

import numpy as np

from specfeat.audio.stft import DoubleArray, FloatArray
from specfeat.config.spectrogram import Deltas


def append_deltas(blocks: Iterable[FloatArray], deltas: Deltas) -> Iterator[FloatArray]:
    """Append the deltas of a stream as channels: from shape (frames, bins) to (frames, bins, 1 + order).

    The delta of a frame is the `order`-th derivative of a polynomial that is fitted to the `width` frames
    around this frame. The first and the last `width // 2` frames have too few frames on one side. They get
    the deltas of the nearest frame that has enough. A stream of fewer than `width` frames yields nothing.
    """
    half = deltas.width // 2
    weights = [
        compute_delta_weights(order, deltas.width).astype(np.float32) for order in range(1, deltas.order + 1)
    ]
    pending: FloatArray | None = None
    last: FloatArray | None = None
    for block in blocks:
        pending = block if pending is None else np.concatenate([pending, block])
        count = len(pending) - 2 * half
        if count <= 0:
            continue
        changes = [_sum_weighted(pending, w, count) for w in weights]
        frames = np.stack([pending[half : half + count], *changes], axis=-1)
        if last is None:
            yield _append_same_deltas(pending[:half], frames[0])
        yield frames
        last = frames[-1]
        pending = pending[count:]
    if pending is not None and last is not None:
        yield _append_same_deltas(pending[half:], last)


def compute_delta_weights(order: int, width: int) -> DoubleArray:
    """Return the weight of each of `width` frames in the derivative at the middle one.

    The derivative is the `order`-th one of the polynomial of degree `order` that fits the frames best by
    least
    squares: Savitzky and Golay 1964, as in librosa.feature.delta.
    """
    k = np.arange(width, dtype=np.float64) - width // 2
    squares = float((k**2).sum())
    if order == 1:
        return k / squares
    fourths = float((k**4).sum())
    weights: DoubleArray = 2.0 * (width * k**2 - squares) / (width * fourths - squares**2)
    return weights


def _sum_weighted(frames: FloatArray, weights: FloatArray, count: int) -> FloatArray:
    total: FloatArray = weights[0] * frames[:count]
    for k in range(1, len(weights)):
        total += weights[k] * frames[k : k + count]
    return total


def _append_same_deltas(frames: FloatArray, source: FloatArray) -> FloatArray:
    """Append to each frame, shape (bins,), the deltas of one source frame, shape (bins, channels)."""
    out = np.repeat(source[np.newaxis], len(frames), axis=0)
    out[..., 0] = frames
    return out
