"""Noise that is added to the samples of each frame; `spectrogram.dither` of a config."""

import numpy as np
from numpy.typing import NDArray

from specfeat.config.spectrogram import Dither

# Philox makes 256 bits for each value of its counter: four words of 64 bits (Salmon et al. 2011).
_WORDS_PER_STEP = 4


def add_dither(frames: NDArray[np.float32], dither: Dither, first_frame: int) -> NDArray[np.float32]:
    """Return frames with normally distributed noise, each frame with noise of its own, as in Kaldi.

    The noise of a frame depends only on the seed and the number of the frame. Therefore a frame has the same
    noise in every block, process and thread. This needs a generator that can start at any number, such as
    Philox, whose state is a counter.

    Args:
        frames: shape (frames, frame_length).
        dither: the standard deviation and the seed of the noise.
        first_frame: the number of the first of these frames, counted from the start of the sound.
    """
    count, length = frames.shape
    steps = -(-length // _WORDS_PER_STEP)  # values of the counter that a frame needs
    generator = np.random.Philox(counter=first_frame * steps, key=dither.seed)
    words = generator.random_raw(count * steps * _WORDS_PER_STEP).reshape(count, -1)
    noise = _make_normal(words)[:, :length] * dither.std
    return frames + noise.astype(np.float32)


def _make_normal(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Convert pairs of random words along the last axis to pairs of normally distributed numbers.

    This is the method of Box and Muller (1958), which Kaldi's RandGauss also uses. NumPy's own method may
    change with its version, and takes a different number of words for each number.
    """
    uniform = (words >> np.uint64(11)) * 2.0**-53  # the 53 upper bits: 0 or more, below 1
    first, second = np.split(uniform, 2, axis=-1)
    radius, angle = np.sqrt(-2.0 * np.log1p(-first)), 2.0 * np.pi * second
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
