"""Makes sounds, tables and datasets for tests of the training."""

import csv
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from specfeat.audio import decode
from specfeat.audio.augmentation import SampleAugmentation, augment_samples
from specfeat.audio.clip_stream import LocalClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.config.settings import Settings
from specfeat.sound import Sound, SoundPart
from specfeat.training.array_cache import CachedArrays
from specfeat.training.clip_dataset import ClipDataset
from specfeat.training.clip_space import ClipSpace
from specfeat.training.labels import LabeledSound

RATE = 8000
CONFIG = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 256, hop_length: 128, mel: {n_mels: 16}, compress: {db: {}}, normalize: {mean: -40, std: 20}}
clips: {frames: 16, tail: drop}
model:
  layers:
    - Conv2D: {filters: 8, kernel_size: 3, strides: 2, use_bias: false}
    - BatchNormalization
    - ReLU
    - Flatten
    - Dropout: {rate: 0.2}
    - Dense: {units: 8, activation: relu, name: features}
  weights: {random: 0}
train:
  epochs: 3
  batch: 16
  optimizer: {Adam: {learning_rate: 5e-3}}
"""


class LocalPool:
    """Makes the clips of a training in this process, as a worker does, when a stream is iterated."""

    def __init__(
        self, settings: Settings, workers: int, *, augmentation: SampleAugmentation | None = None
    ) -> None:
        self._maker = ClipMaker(settings)
        self._augmentation = augmentation

    def stream_clips(self, sounds: Sequence[Sound]) -> Iterator[LocalClipStream]:
        """Return the clips of the sounds, in order."""
        return (LocalClipStream(sound, self._maker, partial(self._read, sound)) for sound in sounds)

    def _read(self, sound: Sound) -> Iterator[Any]:
        audio = self._maker.settings.audio
        samples = decode.read_samples(sound, audio)
        return augment_samples(samples, sound, self._augmentation, audio) if self._augmentation else samples

    def __enter__(self) -> "LocalPool":
        return self

    def __exit__(self, *error: object) -> None:
        pass


def write_tones(folder: Path, *, files: int = 10, tones: Sequence[int] = (400, 900, 2000)) -> Path:
    """Write a folder for each frequency, with `files` sounds of half a second: a tone with noise."""
    random = np.random.default_rng(0)
    time = np.arange(RATE // 2) / RATE
    for hz in tones:
        for number in range(files):
            path = folder / f"{hz}" / f"{number:02}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            tone = np.sin(2 * np.pi * (hz * random.uniform(0.97, 1.03) * time + random.uniform()))
            soundfile.write(path, 0.2 * tone + random.normal(0, 0.02, len(time)), RATE)
    return folder


def write_table(path: Path, *lines: Sequence[object]) -> Path:
    """Write lines as a CSV file, or as a TSV file if its name ends in .tsv."""
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows(lines)
    return path


def make_labeled_sound(name: str, *labels: str, part: str = "", **columns: str) -> LabeledSound:
    """Make a labeled sound whose file does not exist."""
    return LabeledSound(Sound(f"in/{name}", SoundPart()), labels, name, part, columns or None)


def make_cached(*counts: int, width: int = 1, offset: float = 0.0) -> CachedArrays:
    """Make cached arrays in memory. Sound k has `counts[k]` arrays; all values of an array are 10 k + its number."""
    values = np.concatenate([10 * k + np.arange(count) for k, count in enumerate(counts)])
    arrays = np.repeat(values[:, np.newaxis], width, axis=1).astype(np.float32) + np.float32(offset)
    total = np.asarray(counts, np.int64)
    starts = np.cumsum(total) - total
    return CachedArrays(total, {}, starts, (arrays,), np.zeros(1, np.int64))


def make_space(folder: Path) -> ClipSpace:
    """Make the counter of the space of clips, with a limit that no test reaches."""
    return ClipSpace(folder, 1e9, 1000, 0, lambda text: None)


def make_dataset(*counts: int, labels: NDArray[np.float32] | None = None, **options: Any) -> ClipDataset:
    """Make a dataset with the clips of `make_cached`."""
    sounds = np.repeat(np.arange(len(counts)), counts)
    positions = np.concatenate([np.arange(count) for count in counts])
    arrays = {"clips": (make_cached(*counts),), **options}
    return ClipDataset(labels=labels, sound_numbers=sounds, positions=positions, **arrays)
