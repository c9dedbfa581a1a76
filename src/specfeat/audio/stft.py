"""Cuts samples into frames, and computes the short-time Fourier transform (STFT) of the frames."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.dither import add_dither
from specfeat.audio.sample_streams import (
    apply_preemphasis,
    multiply_samples,
    pad_end,
    pad_ends,
    scale_to_peak,
)
from specfeat.config.spectrogram import Spectrogram

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

# Values in a block of frames: half a MiB of float64, which fits into the second-level cache of a processor.
BLOCK_VALUES = 65_536

# The coefficients a_k of the windows sum_k (-1)^k a_k cos(2 pi k n / N), from Harris 1978 (blackmanharris),
# Nuttall 1981 (nuttall) and D'Antona and Ferrero 2006 (flattop). scipy.signal.windows has the same.
_COSINE_WINDOWS = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}


def make_window(settings: Spectrogram) -> DoubleArray:
    """Return the window, float64, shape (frame_length,).

    If the frame is longer than the window, the window is in its middle, with zeros on both sides.
    """
    length = settings.window_samples
    left = (settings.frame_length - length) // 2
    return np.pad(_make_window_shape(settings, length), (left, settings.frame_length - length - left))


def _make_window_shape(settings: Spectrogram, length: int) -> DoubleArray:
    name = settings.window
    if length == 1:
        return np.ones(1)
    if not isinstance(name, str):
        # Imported here, because the import takes a second (it loads numba) and is rarely needed.
        from librosa.filters import get_window

        window: DoubleArray = get_window(name, length, fftbins=settings.periodic)
        return window
    n = np.arange(length, dtype=np.float64)
    period = length if settings.periodic else max(1, length - 1)
    if name == "bartlett":
        return 1.0 - np.abs(2.0 * n / period - 1.0)
    if name == "povey":  # Kaldi, feat/feature-window.cc: a Hann window to the power of 0.85
        return (0.5 - 0.5 * np.cos(2.0 * np.pi * n / period)) ** 0.85
    coefficients = enumerate(_COSINE_WINDOWS[name])
    total: DoubleArray = np.sum(
        [(-1) ** k * a * np.cos(2.0 * np.pi * k * n / period) for k, a in coefficients], axis=0
    )
    return total


class Stft:
    """Computes |STFT| ** power of frames, one block of frames after another.

    Every block has `block_frames` frames, counted from the first frame of the sound. Therefore the bits of a
    frame depend only on its samples and its place in the sound, and not on the blocks in which the file was
    read. The last block is filled with zeros; the caller removes their frames.

    Args:
        settings: the settings of the spectrogram.
        clip_frames: the number of frames in a clip. Many short sounds are exactly one clip. The size of a
            block is chosen so that the blocks of one clip have as few frames of zeros as possible.

    Attributes:
        block_frames: the number of frames in a block.
    """

    def __init__(self, settings: Spectrogram, clip_frames: int = 1) -> None:
        self._settings = settings
        max_frames = max(16, BLOCK_VALUES // settings.n_fft)
        blocks_per_clip = -(-clip_frames // max_frames)
        self.block_frames = max_frames if clip_frames < 16 else -(-clip_frames // blocks_per_clip)
        self._window = make_window(settings)
        # Working memory that is used for every block, because allocating it for each block takes longer than
        # the transform.
        bins = settings.n_fft // 2 + 1
        self._windowed_frames = np.zeros((self.block_frames, settings.n_fft))
        self._spectrum = np.empty((self.block_frames, bins), np.complex128)
        self._power = np.empty((self.block_frames, bins))

    def cut_frames(self, blocks: Iterable[FloatArray]) -> Iterator[tuple[FloatArray, int]]:
        """Cut a stream of samples into blocks of frames.

        Yields:
            The frames of one block, float32, shape (block_frames, frame_length), and how many of them belong
            to the sound.
        """
        settings = self._settings
        if settings.gain != 1:
            blocks = multiply_samples(blocks, np.float32(settings.gain))
        if settings.peak is not None:
            blocks = scale_to_peak(blocks, settings.peak)
        if settings.preemphasis and settings.preemphasis.per == "file":
            blocks = apply_preemphasis(blocks, settings.preemphasis)
        if any(settings.padded_samples):
            blocks = pad_ends(blocks, settings.padded_samples, settings.end_pad_mode)
        if settings.pad_end:
            blocks = pad_end(blocks, settings)
        first_frame = 0
        for samples, count in self._cut_blocks(blocks):
            frames = self._view_frames(samples)
            if settings.dither:
                frames = add_dither(frames, settings.dither, first_frame)
            yield frames, count
            first_frame += self.block_frames

    def _cut_blocks(self, blocks: Iterable[FloatArray]) -> Iterator[tuple[FloatArray, int]]:
        """Yield the samples of each block of frames, and how many of its frames belong to the sound."""
        settings, hop = self._settings, self._settings.hop_length
        block_samples = (self.block_frames - 1) * hop + settings.frame_length
        pending = np.empty(0, np.float32)
        for block in blocks:
            pending = np.concatenate([pending, block]) if len(pending) else block
            start = 0
            while len(pending) - start >= block_samples:
                yield pending[start : start + block_samples], self.block_frames
                start += self.block_frames * hop
            pending = pending[start:]
        count = max(0, 1 + (len(pending) - settings.frame_length) // hop)
        if count:
            yield np.pad(pending, (0, block_samples - len(pending))), count

    def _view_frames(self, samples: FloatArray) -> FloatArray:
        frames_at_every_sample = np.lib.stride_tricks.sliding_window_view(
            samples, self._settings.frame_length
        )
        return frames_at_every_sample[:: self._settings.hop_length]

    def compute_magnitudes(self, frames: FloatArray) -> DoubleArray:
        """Return |STFT| ** power of one block, float64, shape (block_frames, n_fft // 2 + 1).

        The result is valid until the next call.
        """
        settings, power = self._settings, self._power
        self._apply_window(frames)
        # Double precision keeps the digits of quiet bins beside loud ones, and takes no more time here.
        np.fft.rfft(self._windowed_frames, settings.n_fft, out=self._spectrum)
        squares = self._spectrum.view(np.float64)
        np.multiply(squares, squares, out=squares)
        np.add(squares[:, ::2], squares[:, 1::2], out=power)
        if settings.power == 1:
            np.sqrt(power, out=power)
        elif settings.power != 2:
            power **= settings.power / 2
        return power

    def _apply_window(self, frames: FloatArray) -> None:
        settings = self._settings
        out = self._windowed_frames[:, : settings.frame_length]  # the rest, up to n_fft, stays 0
        preemphasis = settings.preemphasis
        if preemphasis and preemphasis.per == "file":  # cut_frames has applied it
            preemphasis = None
        if not (settings.remove_dc_offset or preemphasis):
            np.multiply(frames, self._window, out=out)
            return
        out[:] = frames
        if settings.remove_dc_offset:
            out -= out.mean(axis=1, keepdims=True)
        if preemphasis:
            # As in Kaldi, the sample before the first one is assumed to be equal to the first one.
            first = out[:, :1] * (1.0 - preemphasis.coef)
            out[:, 1:] -= preemphasis.coef * out[:, :-1].copy()
            out[:, :1] = first
        out *= self._window
