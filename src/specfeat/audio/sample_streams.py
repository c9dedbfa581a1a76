"""Steps that change a stream of samples before it is cut into frames: gain, pre-emphasis, padding."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.frame_buffer import FrameBuffer
from specfeat.config.spectrogram import Preemphasis, Spectrogram

FloatArray = NDArray[np.float32]


def multiply_samples(blocks: Iterable[FloatArray], gain: np.float32) -> Iterator[FloatArray]:
    """Multiply each sample of a stream."""
    for block in blocks:
        with np.errstate(over="ignore"):  # ClipIterator reports values that are not finite
            multiplied: FloatArray = block * gain
        yield multiplied


def scale_to_peak(blocks: Iterable[FloatArray], peak: float) -> Iterator[FloatArray]:
    """Scale a stream so that its largest magnitude is `peak`; silence is not changed.

    The whole stream is kept until its end, because its largest magnitude is known only then.
    """
    with FrameBuffer(blocks) as buffer:
        largest = np.float32(0.0)
        for block in buffer.read():
            largest = np.maximum(largest, np.abs(block).max(initial=0.0))
        for block in buffer.read():
            yield block / largest * np.float32(peak) if largest > 0 else block


def pad_ends(
    blocks: Iterable[FloatArray],
    lengths: tuple[int, int],
    mode: Literal["constant", "reflect", "symmetric"],
) -> Iterator[FloatArray]:
    """Pad a stream at both ends as `np.pad(samples, lengths, mode)` does; an empty stream stays empty.

    Args:
        blocks: the stream of samples.
        lengths: how many samples are added before the stream and after it.
        mode: how `np.pad` computes the added samples.
    """
    blocks = iter(blocks)
    left, right = lengths
    # To add n samples, the mode "reflect" needs n + 1 samples at this end of the stream: it does not repeat
    # the sample at the end. So `np.pad` on the first and last `longest + 1` samples gives the same as on all.
    longest = max(lengths)
    head = _take_samples(blocks, longest + 1)
    if len(head) <= longest:  # the head is the whole stream
        if len(head):
            yield np.pad(head, lengths, mode)
        return
    yield np.pad(head, (left, 0), mode)
    tail = head[-(longest + 1) :]
    for block in blocks:
        yield block
        tail = np.concatenate([tail, block])[-(longest + 1) :]
    yield np.pad(tail, (0, right), mode)[len(tail) :]


def pad_end(blocks: Iterable[FloatArray], settings: Spectrogram) -> Iterator[FloatArray]:
    """Append zeros to a stream, so that a whole frame begins at every hop of the sound."""
    total = 0
    for block in blocks:
        total += len(block)
        yield block
    if total:
        end_of_last_frame = (settings.count_frames(total) - 1) * settings.hop_length + settings.frame_length
        yield np.zeros(max(0, end_of_last_frame - total), np.float32)


def apply_preemphasis(blocks: Iterable[FloatArray], preemphasis: Preemphasis) -> Iterator[FloatArray]:
    """Filter a stream: y[n] = x[n] - coef x[n-1]. The first sample is that of librosa.effects.preemphasis.

    librosa sets y[0] = x[0] + (2 x[0] - x[1]): it extrapolates the sample before the first one from the first
    two samples.
    """
    coef = np.float32(preemphasis.coef)
    blocks = iter(blocks)
    head = _take_samples(blocks, 2)
    previous: FloatArray | None = None  # the last sample of the previous block, shape (1,)
    for block in chain([head] if len(head) else [], blocks):
        if not len(block):
            continue
        out = block.copy()
        out[1:] -= coef * block[:-1]
        if previous is not None:
            out[:1] -= coef * previous
        elif len(block) > 1:
            out[0] += 2 * block[0] - block[1]
        previous = block[-1:]
        yield out


def _take_samples(blocks: Iterator[FloatArray], count: int) -> FloatArray:
    """Join the next blocks until they have at least `count` samples or the stream ends."""
    taken, total = [np.empty(0, np.float32)], 0
    while total < count:
        block = next(blocks, None)
        if block is None:
            break
        taken.append(block)
        total += len(block)
    return np.concatenate(taken)
