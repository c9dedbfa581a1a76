"""Finds the corpora of a measurement: those of the user, and those that are generated."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


def write_noise(path: Path, seconds: float, rate: int = 16_000, channels: int = 1) -> None:
    """Write noise with 16 bits in blocks, so that it can be long. FLAC cannot compress noise much."""
    generator = np.random.default_rng(0)
    remaining = round(seconds * rate)
    with soundfile.SoundFile(path, "w", rate, channels, subtype="PCM_16") as file:
        while remaining:
            count = min(remaining, 600 * rate)
            file.write(generator.integers(-3000, 3000, (count, channels), dtype=np.int16))
            remaining -= count


def _write_hour(path: Path) -> None:
    write_noise(path, 3600, 44_100, 2)


def _write_tiny_files(folder: Path) -> None:
    folder.mkdir()
    write_noise(folder / "000000.wav", 0.2)
    for k in range(1, 20_000):
        shutil.copyfile(folder / "000000.wav", folder / f"{k:06}.wav")


def _copy_sample(folder: Path) -> None:
    for k in range(8):
        shutil.copytree(SAMPLE, folder / f"{k:02}")


GENERATED: dict[str, Callable[[Path], None]] = {
    "hour.wav": _write_hour,
    "hour.flac": _write_hour,
    "tiny": _write_tiny_files,
    "sample": _copy_sample,
}


def make_corpus(name: str, folder: Path) -> str:
    """Return the path of a corpus. If its name is in `GENERATED`, it is first written to a folder.

    Args:
        name: the name of a generated corpus, or the path of a file or folder.
        folder: the folder for generated corpora.
    """
    if name not in GENERATED:
        return name
    path = folder / name
    if not path.exists():
        GENERATED[name](path)
    return str(path)
