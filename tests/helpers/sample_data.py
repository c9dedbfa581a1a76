"""Makes settings and sounds for tests. They are the same on every machine."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import hypothesis
import numpy as np
from numpy.typing import NDArray

from specfeat.audio.clips import ClipMaker
from specfeat.audio.spectrogram import SpectrogramMaker
from specfeat.config.settings import Settings

Float = NDArray[np.float32]
RATE = 8000

# Settings of hypothesis with the same examples in every run, so that a failure can be repeated. To search for other
# examples, remove `derandomize`.
examples = partial(hypothesis.settings, deadline=None, derandomize=True)


def make_settings(
    *, rate: int = RATE, clips: Mapping[str, object] | None = None, **spectrogram: Any
) -> Settings:
    """Make settings as from a config file. The defaults are `kind: linear, n_fft: 64, hop_length: 20`."""
    sections = {
        "audio": {"sample_rate": rate},
        "spectrogram": {"kind": "linear", "n_fft": 64, "hop_length": 20, **spectrogram},
        "clips": clips or {"frames": 1},
        "model": {"layers": ["Flatten"], "weights": {"random": 0}},
    }
    return Settings.model_validate_json(json.dumps(sections))


def make_tone(hz: float, samples: int, rate: int = RATE, amplitude: float = 0.5) -> Float:
    """Make a sine whose first sample is 0."""
    sine: Float = (amplitude * np.sin(2 * np.pi * hz / rate * np.arange(samples))).astype(np.float32)
    return sine


def make_chirp(samples: int, rate: int = RATE) -> Float:
    """Make a sine that rises from 0 Hz to half the sample rate, so every frame has loud and quiet bands."""
    n = np.arange(samples)
    return (0.5 * np.sin(np.pi / 2 * n**2 / max(1, samples))).astype(np.float32)


def make_noise(samples: int, seed: int = 0) -> Float:
    """Make noise with standard deviation 0.1 and mean 0.05, so that a test notices a wrong mean."""
    normal = np.random.default_rng(seed).normal(0.05, 0.1, samples)
    return normal.astype(np.float32)


def make_click(samples: int, at: int) -> Float:
    """Make silence in which one sample is 1."""
    sound = np.zeros(samples, np.float32)
    sound[at] = 1.0
    return sound


def cut_blocks(sound: Float, sizes: Iterable[int] = ()) -> Iterator[Float]:
    """Cut a sound into blocks of these sizes. The last block has all remaining samples."""
    start = 0
    for size in sizes:
        yield sound[start : start + size]
        start += size
    yield sound[start:]


def join_blocks(blocks: Iterable[Float]) -> Float:
    """Return the samples of some blocks, of which there may be none."""
    return np.concatenate([np.empty(0, np.float32), *blocks])


def compute_frames(settings: Settings, sound: Float, sizes: Iterable[int] = ()) -> Float:
    """Return the spectrogram, shape (frames, bins, channels), of a sound that comes in blocks of these sizes."""
    no_frames = np.empty((0, *settings.input_shape[1:]), np.float32)
    return np.concatenate([no_frames, *SpectrogramMaker(settings).make_frames(cut_blocks(sound, sizes))])


def compute_clips(settings: Settings, sound: Float, sizes: Iterable[int] = ()) -> Float:
    """Return all clips, shape (clips, *input_shape), of a sound that comes in blocks of these sizes."""
    clips = [clip.copy() for clip in ClipMaker(settings).make_clips(cut_blocks(sound, sizes))]
    return np.stack(clips) if clips else np.empty((0, *settings.input_shape), np.float32)


def get_bits(array: NDArray[Any]) -> tuple[object, ...]:
    """Return shape, type and bytes of an array. Unlike ==, this also compares the bits of NaN and -0."""
    return array.shape, array.dtype.str, array.tobytes()
