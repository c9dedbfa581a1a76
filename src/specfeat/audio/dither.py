"""Noise that is added to the samples of each frame; `spectrogram.dither` of a config."""

import numpy as np
from numpy.typing import NDArray

from specfeat.config.spectrogram import Dither

_WORDS_PER_STEP = 4  # Philox makes 256 bits at a time (Salmon et al. 2011)


def add_dither(frames: NDArray[np.float32], dither: Dither, first_frame: int) -> NDArray[np.float32]:
    """Return frames with normally distributed noise, each frame with noise of its own, as in Kaldi.

    The noise of a frame depends on the seed and the number of the frame alone, because the generator counts:
    a frame has the same noise in whatever block, process or thread it is computed.

    Args:
        frames: shape (frames, frame_length).
        dither: deviation and seed of the noise.
        first_frame: the number of the first of these frames, counted from the start of the sound.
    """
    count, length = frames.shape
    steps = -(-length // _WORDS_PER_STEP)  # of the generator, for each frame
    generator = np.random.Philox(counter=first_frame * steps, key=dither.seed)
    words = generator.random_raw(count * steps * _WORDS_PER_STEP).reshape(count, -1)
    noise = _make_normal(words)[:, :length] * dither.std
    return frames + noise.astype(np.float32)


def _make_normal(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Turn random words into normally distributed numbers, along the last axis, of even length.

    Box and Muller 1958, which Kaldi's RandGauss uses, too. NumPy's own normal numbers may change between its
    versions, and take a varying number of words.
    """
    uniform = (words >> np.uint64(11)) * 2.0**-53  # the 53 upper bits: 0 or more, below 1
    first, second = np.split(uniform, 2, axis=-1)
    radius, angle = np.sqrt(-2.0 * np.log1p(-first)), 2.0 * np.pi * second
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
