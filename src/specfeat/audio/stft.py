"""Samples to frames to the magnitudes of their short-time Fourier transform."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from specfeat.config.spectrogram import Preemphasis, Spectrogram

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

# Coefficients a_k of the windows sum_k (-1)^k a_k cos(2 pi k n / N); Harris 1978 (blackmanharris),
# Nuttall 1981 (nuttall), D'Antona and Ferrero 2006 (flattop), as scipy.signal.windows has them.
_COSINES = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}


def make_window(settings: Spectrogram) -> DoubleArray:
    """Return the window, float64, shape (frame_length,): zeros around it where a frame is longer."""
    length = settings.window_samples
    shape = _shape(settings, length)
    left = (settings.frame_length - length) // 2
    return np.pad(shape, (left, settings.frame_length - length - left))


def _shape(settings: Spectrogram, length: int) -> DoubleArray:
    name = settings.window
    if length == 1:
        return np.ones(1)
    if not isinstance(name, str):
        from librosa.filters import get_window  # numba takes a second, and hardly anybody asks for these

        shaped: DoubleArray = get_window(name, length, fftbins=settings.periodic)
        return shaped
    n = np.arange(length, dtype=np.float64)
    period = length if settings.periodic else max(1, length - 1)
    if name == "bartlett":
        return 1.0 - np.abs(2.0 * n / period - 1.0)
    if name == "povey":  # Kaldi, feat/feature-window.cc: a Hann window to the power of 0.85
        return (0.5 - 0.5 * np.cos(2.0 * np.pi * n / period)) ** 0.85
    terms = enumerate(_COSINES[name])
    total: DoubleArray = np.sum(
        [(-1) ** k * a * np.cos(2.0 * np.pi * k * n / period) for k, a in terms], axis=0
    )
    return total


class Stft:
    """The magnitudes (to `settings.power`) of frames, block by block.

    Every block has one shape, `rows` frames, counted from the file's first one, so that a frame's bits depend
    on its samples and its place in the file, not on how the file was read; what is missing at the end is
    filled with zeros and cut off afterwards.

    Args:
        settings: the spectrogram's settings.
        clip_frames: of a clip; a short file, which is one clip, then fills its blocks without waste.

    Attributes:
        rows: frames in a block.
    """

    def __init__(self, settings: Spectrogram, clip_frames: int = 1) -> None:
        self.settings = settings
        most = max(16, 65_536 // settings.n_fft)  # half a MiB of float64 fits the second-level cache
        self.rows = most if clip_frames < 16 else -(-clip_frames // -(-clip_frames // most))
        self._window = make_window(settings)
        # Work space, used again for every block: asking for it anew takes longer than the transform.
        bins = settings.n_fft // 2 + 1
        self._padded = np.zeros((self.rows, settings.n_fft))
        self._spectrum = np.empty((self.rows, bins), np.complex128)
        self._power = np.empty((self.rows, bins))

    def frames(self, blocks: Iterable[FloatArray]) -> Iterator[tuple[FloatArray, int]]:
        """Cut a stream of samples into blocks of frames.

        Yields:
            frames: float32, shape (rows, frame_length).
            count: how many of them are the sound's.
        """
        settings, hop = self.settings, self.settings.hop_length
        if settings.preemphasis and settings.preemphasis.per == "file":
            blocks = apply_preemphasis(blocks, settings.preemphasis)
        if settings.margin:
            blocks = pad_centred(blocks, settings.margin, settings.pad_mode)
        if settings.pad_end:
            blocks = pad_end(blocks, settings)
        need = (self.rows - 1) * hop + settings.frame_length
        pending = np.empty(0, np.float32)
        for block in blocks:
            pending = np.concatenate([pending, block]) if len(pending) else block
            start = 0
            while len(pending) - start >= need:
                yield self._cut(pending[start : start + need]), self.rows
                start += self.rows * hop
            pending = pending[start:]
        count = max(0, 1 + (len(pending) - settings.frame_length) // hop)
        if count:
            yield self._cut(np.pad(pending, (0, need - len(pending)))), count

    def _cut(self, samples: FloatArray) -> FloatArray:
        every = np.lib.stride_tricks.sliding_window_view(samples, self.settings.frame_length)
        return every[:: self.settings.hop_length]

    def magnitudes(self, frames: FloatArray) -> DoubleArray:
        """Return |STFT| ** power of one block, float64, shape (rows, n_fft // 2 + 1).

        It is valid until the next call.
        """
        settings, power = self.settings, self._power
        self._windowed(frames)
        # In double precision, which costs no more here: quiet bins beside loud ones keep their digits.
        np.fft.rfft(self._padded, settings.n_fft, out=self._spectrum)
        squares = self._spectrum.view(np.float64)
        np.multiply(squares, squares, out=squares)
        np.add(squares[:, ::2], squares[:, 1::2], out=power)
        if settings.power == 1:
            np.sqrt(power, out=power)
        elif settings.power != 2:
            power **= settings.power / 2
        return power

    def _windowed(self, frames: FloatArray) -> None:
        settings, work = self.settings, self._padded[:, : self.settings.frame_length]
        preemphasis = (
            settings.preemphasis if settings.preemphasis and settings.preemphasis.per == "frame" else None
        )
        if not (settings.remove_dc_offset or preemphasis):
            np.multiply(frames, self._window, out=work)
            return
        work[:] = frames
        if settings.remove_dc_offset:
            work -= work.mean(axis=1, keepdims=True)
        if preemphasis:
            # Kaldi's: the first sample is taken to have come after one like it.
            first = work[:, :1] * (1.0 - preemphasis.coef)
            work[:, 1:] -= preemphasis.coef * work[:, :-1].copy()
            work[:, :1] = first
        work *= self._window


def pad_centred(
    blocks: Iterable[FloatArray], margin: int, mode: Literal["constant", "reflect"]
) -> Iterator[FloatArray]:
    """Pad a stream at both ends, as `np.pad(whole, margin, mode)` does; nothing stays nothing."""
    blocks = iter(blocks)
    head = _take(blocks, margin + 1)
    if len(head) <= margin:  # that is all there is
        if len(head):
            yield np.pad(head, margin, mode)
        return
    yield np.pad(head, (margin, 0), mode)
    tail = head[-(margin + 1) :]
    for block in blocks:
        yield block
        tail = np.concatenate([tail, block])[-(margin + 1) :]
    yield np.pad(tail, (0, margin), mode)[len(tail) :]


def pad_end(blocks: Iterable[FloatArray], settings: Spectrogram) -> Iterator[FloatArray]:
    """Append the zeros that give one frame for every hop begun."""
    total = 0
    for block in blocks:
        total += len(block)
        yield block
    if total:
        last = (settings.count_frames(total) - 1) * settings.hop_length + settings.frame_length
        yield np.zeros(max(0, last - total), np.float32)


def apply_preemphasis(blocks: Iterable[FloatArray], preemphasis: Preemphasis) -> Iterator[FloatArray]:
    """Filter a stream: y[n] = x[n] - coef x[n-1], begun as librosa.effects.preemphasis begins it.

    There y[0] = x[0] + (2 x[0] - x[1]): the line through the first two samples, continued.
    """
    coef = np.float32(preemphasis.coef)
    blocks = iter(blocks)
    head = _take(blocks, 2)
    before: FloatArray | None = None
    for block in chain([head] if len(head) else [], blocks):
        if not len(block):
            continue
        out = block.copy()
        out[1:] -= coef * block[:-1]
        if before is not None:
            out[:1] -= coef * before
        elif len(block) > 1:
            out[0] += 2 * block[0] - block[1]
        before = block[-1:]
        yield out


def _take(blocks: Iterator[FloatArray], least: int) -> FloatArray:
    """Gather blocks until they hold `least` samples or are at their end."""
    gathered, total = [np.empty(0, np.float32)], 0
    while total < least:
        block = next(blocks, None)
        if block is None:
            break
        gathered.append(block)
        total += len(block)
    return np.concatenate(gathered)
