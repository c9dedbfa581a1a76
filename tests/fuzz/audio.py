"""Damaged audio of every container that libsndfile writes here, through the real pool."""

import contextlib
import re
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import soundfile

from fuzz.damage import damaged
from helpers.sample_data import get_bits, make_noise
from specfeat.audio.worker_pool import WorkerClipStream, WorkerPool
from specfeat.config import load_config
from specfeat.errors import AudioError

SETTINGS = load_config("minimal").settings
HEADERLESS = ("RAW", "SD2")  # which no name tells, so that no run reads them
RATES = {"VOC": 22_050, "OPUS": 48_000, "GSM610": 8_000, "SVX": 11_025, "WVE": 8_000}
PATIENCE_S = 20.0
GOOD = 4  # files without fault, among the damaged of a batch
BOUND_MB = 500  # of a worker, whatever it reads

Clips = tuple[object, ...]


def seeds() -> dict[str, bytes]:
    """One short sound in every container and coding that can be written."""
    made = {}
    for container in sorted(soundfile.available_formats()):
        for coding in sorted(soundfile.available_subtypes(container)):
            if container in HEADERLESS:
                continue
            data = _written(container, coding)
            if data:
                made[f"{container}-{coding}"] = data
    return made


def _written(container: str, coding: str) -> bytes | None:
    import io

    rate = RATES.get(coding, RATES.get(container, 16_000))
    for channels in (2, 1):
        sound = np.tile(make_noise(6_000)[:, np.newaxis], channels)
        with contextlib.suppress(soundfile.LibsndfileError, ValueError):
            file = io.BytesIO()
            soundfile.write(file, sound, rate, coding, format=container)
            return file.getvalue()
    return None


class Campaign:
    """Runs batches; what should not be is in `findings`, and the file that did it stays in the folder.

    Args:
        folder: where the files are made.
        seed: of the chance.
        containers: a part of a container's name, to damage no other.
    """

    def __init__(self, folder: Path, seed: int, containers: str = "") -> None:
        self.folder = folder
        self.outcomes: Counter[str] = Counter()
        self.by_container: Counter[str] = Counter()
        self.findings: list[str] = []
        self.peak_mb = 0.0
        self._chance = Random(seed)
        self._seeds = {name: data for name, data in seeds().items() if containers in name}
        self._good: dict[str, Clips] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for k in range(GOOD):
            path = folder / f"good{k}.wav"
            soundfile.write(path, make_noise(3_000 + 4_000 * k, k), 16_000)
            self._good[str(path)] = ()
        with WorkerPool(SETTINGS, 1) as crew:
            for track in crew.tracks(list(self._good)):
                self._good[track.path] = self._taken(track)

    def batch(self, number: int, size: int) -> None:
        """Damage so many files, and read them among good ones."""
        paths = [self._damaged(number, k) for k in range(size)]
        listed = list(paths)
        for good in self._good:
            listed.insert(self._chance.randrange(len(listed) + 1), good)
        keep_partial = bool(number % 2)
        done: set[str] = set()
        try:
            with WorkerPool(SETTINGS, 1, timeout_s=PATIENCE_S, keep_partial=keep_partial) as crew:
                for track in crew.tracks(listed):
                    self._look_at(track)
                    done.add(track.path)
                self._weigh(crew)
        except Exception as e:
            self.findings.append(f"batch {number}, after {len(done)} files: {type(e).__name__}: {e}")
        if len(done) != len(listed):
            self.findings.append(f"batch {number}: {len(listed) - len(done)} files had no end")
        self._sweep(paths)

    def _damaged(self, number: int, k: int) -> str:
        name = self._chance.choice(list(self._seeds))
        data = damaged(self._chance, self._seeds[name], list(self._seeds.values()))
        path = self.folder / f"{number}-{k}-{name}.{name.partition('-')[0].lower()}"
        path.write_bytes(data)
        self.by_container[name.partition("-")[0]] += 1
        return str(path)

    def _look_at(self, track: WorkerClipStream) -> None:
        if track.path in self._good:
            if self._taken(track) != self._good[track.path]:
                self.findings.append(f"{track.path}: other clips than alone")
            return
        try:
            for clips in track:
                if not np.isfinite(clips).all():
                    self.findings.append(f"{track.path}: a clip that is not finite")
            self.outcomes["partial" if track.broken else "ok" if track.samples else "empty"] += 1
        except AudioError as e:
            self.outcomes[e.cause] += 1
            if e.cause in ("timeout", "crash", "memory") or "\n" in str(e):
                self.findings.append(f"{track.path}: {e}")

    @staticmethod
    def _taken(track: WorkerClipStream) -> Clips:
        return get_bits(np.concatenate([clips.copy() for clips in track]))

    def _weigh(self, crew: WorkerPool) -> None:
        status = Path(f"/proc/{crew._workers[0]._process.pid}/status")
        with contextlib.suppress(OSError):
            peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
            self.peak_mb = max(self.peak_mb, int(peak[1]) / 1000 if peak else 0)
        if self.peak_mb > BOUND_MB:
            self.findings.append(f"a worker takes {self.peak_mb:.0f} MB")
            self.peak_mb = 0.0

    def _sweep(self, paths: list[str]) -> None:
        told = " ".join(self.findings)
        for path in paths:
            if path not in told:
                Path(path).unlink()
