"""Settings and sounds for the tests: short to write, the same on every machine."""

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

# Always the same examples: a run that fails, fails everywhere. For a search, take derandomize away.
examples = partial(hypothesis.settings, deadline=None, derandomize=True)


def settings(*, rate: int = RATE, clips: Mapping[str, object] | None = None, **spectrogram: Any) -> Settings:
    """Make settings the way a config file does; `kind: linear, n_fft: 64, hop_length: 20` if not said."""
    sections = {
        "audio": {"sample_rate": rate},
        "spectrogram": {"kind": "linear", "n_fft": 64, "hop_length": 20, **spectrogram},
        "clips": clips or {"frames": 1},
        "model": {"layers": ["Flatten"], "weights": {"random": 0}},
    }
    return Settings.model_validate_json(json.dumps(sections))


def tone(hz: float, samples: int, rate: int = RATE, amplitude: float = 0.5) -> Float:
    """A sine that begins at 0."""
    sine: Float = (amplitude * np.sin(2 * np.pi * hz / rate * np.arange(samples))).astype(np.float32)
    return sine


def chirp(samples: int, rate: int = RATE) -> Float:
    """A sine from 0 Hz to half the rate: loud and quiet bands in every frame."""
    n = np.arange(samples)
    return (0.5 * np.sin(np.pi / 2 * n**2 / max(1, samples))).astype(np.float32)


def noise(samples: int, seed: int = 0) -> Float:
    """Noise of standard deviation 0.1 with a constant in it, so that DC shows."""
    normal = np.random.default_rng(seed).normal(0.05, 0.1, samples)
    return normal.astype(np.float32)


def click(samples: int, at: int) -> Float:
    """One sample of 1 in silence."""
    sound = np.zeros(samples, np.float32)
    sound[at] = 1.0
    return sound


def blocks(sound: Float, sizes: Iterable[int] = ()) -> Iterator[Float]:
    """Cut a sound into blocks of these sizes, the last one being the rest."""
    start = 0
    for size in sizes:
        yield sound[start : start + size]
        start += size
    yield sound[start:]


def frames(settings: Settings, sound: Float, sizes: Iterable[int] = ()) -> Float:
    """Return the whole spectrogram, shape (frames, bins, channels), of a sound given in blocks."""
    nothing = np.empty((0, *settings.input_shape[1:]), np.float32)
    return np.concatenate([nothing, *SpectrogramMaker(settings).frames(blocks(sound, sizes))])


def clips(settings: Settings, sound: Float, sizes: Iterable[int] = ()) -> Float:
    """Return all clips, shape (clips, *input_shape), of a sound given in blocks."""
    given = [clip.copy() for clip in ClipMaker(settings).clips(blocks(sound, sizes))]
    return np.stack(given) if given else np.empty((0, *settings.input_shape), np.float32)


def bits(array: NDArray[Any]) -> tuple[object, ...]:
    """What must be equal for two arrays to be the same to the bit, NaN and -0 included."""
    return array.shape, array.dtype.str, array.tobytes()
