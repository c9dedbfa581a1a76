"""The last step of a spectrogram: normalisation by constants, or by values of the clip or of the file."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from specfeat.audio.frame_buffer import FrameBuffer
from specfeat.audio.stft import DoubleArray, FloatArray
from specfeat.config.normalize import Normalize


def apply_constants(blocks: Iterable[FloatArray], normalize: Normalize) -> Iterator[FloatArray]:
    """Yield `(x - mean) / std` of blocks of shape (frames, bins, channels)."""
    mean = _make_constant(0.0 if normalize.mean is None else normalize.mean, normalize)
    std = _make_constant(1.0 if normalize.std is None else normalize.std, normalize)
    for block in blocks:
        yield (block - mean) / std


def _make_constant(values: object, normalize: Normalize) -> FloatArray:
    """Return one number, or an array of shape (channels,) or (bins, channels)."""
    constant = np.asarray(values, np.float32)
    if normalize.per == "channel" or constant.ndim == 0:
        return constant
    return np.atleast_2d(constant).T


def normalize_clip(clip: FloatArray, normalize: Normalize) -> FloatArray:
    """Normalise each channel (or band) of a clip by its own values; shape (frames, bins, channels)."""
    axes = _get_axes(normalize)
    if normalize.clip == "max":
        out = _divide_by_largest(clip, np.abs(clip).max(axis=axes))
    elif normalize.clip == "subtract_max":
        out = clip - clip.max(axis=axes)
    else:
        values = clip.astype(np.float64)
        values -= values.mean(axis=axes)
        # In float64, so that the mean of a constant clip is exact and its std exactly 0.
        out = _divide_by_std(values, values.std(axis=axes))
    return _apply_floor(out, normalize)


def normalize_file(
    blocks: Iterable[FloatArray], normalize: Normalize, count_measured: Callable[[], int | None]
) -> Iterator[FloatArray]:
    """Normalise each channel (or band) of a stream by its own values over the whole stream.

    Args:
        blocks: the stream, shape (frames, bins, channels).
        normalize: the settings of the normalisation.
        count_measured: a function that is called after the end of the stream, and returns from how many
            frames, counted from the first one, the values are computed; None for all frames.

    Yields:
        The normalised blocks, in the same shapes.
    """
    with FrameBuffer(blocks) as buffer:
        measured = count_measured()
        if normalize.file == "mean_std":
            mean, std = _measure_mean_and_std(buffer, measured, normalize)
            for block in buffer.read():
                yield _apply_floor(_divide_by_std(block - mean, std), normalize)
            return
        largest = _measure_largest(buffer, measured, normalize)
        for block in buffer.read():
            out = _divide_by_largest(block, largest) if normalize.file == "max" else block - largest
            yield _apply_floor(out, normalize)


def _measure_mean_and_std(
    buffer: FrameBuffer, measured: int | None, normalize: Normalize
) -> tuple[DoubleArray, DoubleArray]:
    """Return mean and standard deviation in float64: for a constant stream exactly its value and 0.

    The buffer is read twice, because the standard deviation of values that are far from 0 is exact only if it
    is computed from their differences to the mean.
    """
    axes = _get_axes(normalize)
    total, squares, count = np.zeros(1), np.zeros(1), 0
    for block in buffer.read(measured):
        total = total + block.sum(axis=axes, dtype=np.float64)
        count += block[..., 0].size if normalize.per == "channel" else len(block)
    mean = total / max(1, count)
    for block in buffer.read(measured):
        squares = squares + np.square(block - mean).sum(axis=axes)
    return mean, np.sqrt(squares / max(1, count))


def _measure_largest(buffer: FrameBuffer, measured: int | None, normalize: Normalize) -> FloatArray:
    """Return the largest value (for `max`, the largest magnitude); shape (channels,) or (bins, channels)."""
    axes = _get_axes(normalize)
    largest = np.full(1, -np.inf, np.float32)
    for block in buffer.read(measured):
        values = np.abs(block) if normalize.file == "max" else block
        largest = np.maximum(largest, values.max(axis=axes))
    return largest


def _get_axes(normalize: Normalize) -> tuple[int, ...]:
    """Return the axes over which values are computed: frames, and also bins if each channel has one value."""
    return (0, 1) if normalize.per == "channel" else (0,)


def _divide_by_largest(values: FloatArray, largest: FloatArray) -> FloatArray:
    """Divide by the largest value of each channel or band; where it is 0, the values stay as they are."""
    out: FloatArray = np.divide(values, np.where(largest > 0, largest, 1.0), dtype=np.float32)
    return out


def _divide_by_std(values: DoubleArray, std: DoubleArray) -> FloatArray:
    """Divide by the standard deviation of each channel or band; where it is 0, all values become 0."""
    return np.where(std > 0, values / np.where(std > 0, std, 1.0), 0.0).astype(np.float32)


def _apply_floor(values: FloatArray, normalize: Normalize) -> FloatArray:
    return values if normalize.floor is None else np.maximum(values, np.float32(normalize.floor))
