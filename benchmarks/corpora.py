"""The corpora that are measured: those of the user, and generated ones."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


def write_noise(path: Path, seconds: float, rate: int = 16_000, channels: int = 1) -> None:
    """Write 16 bit noise of any length, in blocks; noise, because FLAC cannot make it much smaller."""
    rng = np.random.default_rng(0)
    remaining = round(seconds * rate)
    with soundfile.SoundFile(path, "w", rate, channels, subtype="PCM_16") as file:
        while remaining:
            count = min(remaining, 600 * rate)
            file.write(rng.integers(-3000, 3000, (count, channels), dtype=np.int16))
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
    """Return the path of a corpus; one with a name in `GENERATED` is written into the folder."""
    if name not in GENERATED:
        return name
    path = folder / name
    if not path.exists():
        GENERATED[name](path)
    return str(path)
