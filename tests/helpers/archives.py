"""Writes archives with short sounds for tests."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000
ARCHIVES = ("a.zip", "a.tar", "a.tar.gz", "a.tgz")


def make_wav(seconds: float, seed: int = 0) -> bytes:
    """Return a WAV file with noise at 16 kHz."""
    file = io.BytesIO()
    noise = np.random.default_rng(seed).normal(size=round(seconds * RATE)) / 10
    soundfile.write(file, noise, RATE, format="WAV")
    return file.getvalue()


def write_archive(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write an archive whose format the name tells, with these files in order."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        return path
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            tar.addfile(info, io.BytesIO(content))
    return path
