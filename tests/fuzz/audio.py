"""Damaged audio in every container that the installed libsndfile writes, read by a real pool."""

import contextlib
import io
import re
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import soundfile

from fuzz.damage import damage
from helpers.sample_data import get_bits, make_noise
from specfeat.audio.clip_stream import WorkerClipStream
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config import load_config
from specfeat.errors import AudioError
from specfeat.sound import make_file_sound

SETTINGS = load_config("minimal").settings
CONTAINERS_WITHOUT_HEADER = ("RAW", "SD2")  # no run reads them, because no extension stands for them
RATES = {"VOC": 22_050, "OPUS": 48_000, "GSM610": 8_000, "SVX": 11_025, "WVE": 8_000}
TIMEOUT_S = 20.0
GOOD_FILES = 4  # in each batch, among the damaged files
MAX_WORKER_MB = 500

ClipBits = tuple[object, ...]


def make_seed_files() -> dict[str, bytes]:
    """Return the bytes of a short sound in every container and coding that can be written, by their names."""
    files = {}
    for container in sorted(soundfile.available_formats()):
        for coding in sorted(soundfile.available_subtypes(container)):
            if container in CONTAINERS_WITHOUT_HEADER:
                continue
            data = _write_file(container, coding)
            if data:
                files[f"{container}-{coding}"] = data
    return files


def _write_file(container: str, coding: str) -> bytes | None:
    rate = RATES.get(coding, RATES.get(container, 16_000))
    for channels in (2, 1):
        sound = np.tile(make_noise(6_000)[:, np.newaxis], channels)
        with contextlib.suppress(soundfile.LibsndfileError, ValueError):
            file = io.BytesIO()
            soundfile.write(file, sound, rate, coding, format=container)
            return file.getvalue()
    return None


class Campaign:
    """Runs batches of damaged files, and collects what goes wrong.

    Args:
        folder: the folder for the files. A file in which something went wrong is not removed.
        seed: the seed of the random damage.
        containers: a part of a name of a container; only such containers are damaged.

    Attributes:
        outcomes: how many files had each status or cause.
        by_container: how many files of each container were damaged.
        findings: what went wrong: one line each.
        peak_mb: the peak memory of a worker.
    """

    def __init__(self, folder: Path, seed: int, containers: str = "") -> None:
        self.folder = folder
        self.outcomes: Counter[str] = Counter()
        self.by_container: Counter[str] = Counter()
        self.findings: list[str] = []
        self.peak_mb = 0.0
        self._random = Random(seed)
        self._seeds = {name: data for name, data in make_seed_files().items() if containers in name}
        self._good_clips: dict[str, ClipBits] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for k in range(GOOD_FILES):
            path = folder / f"good{k}.wav"
            soundfile.write(path, make_noise(3_000 + 4_000 * k, k), 16_000)
            self._good_clips[str(path)] = ()
        with WorkerPool(SETTINGS, 1) as pool:
            for stream in pool.stream_clips([make_file_sound(path) for path in self._good_clips]):
                self._good_clips[stream.sound.path] = self._get_clip_bits(stream)

    def run_batch(self, number: int, size: int) -> None:
        """Damage so many files, and read them together with good ones."""
        damaged_paths = [self._write_damaged_file(number, k) for k in range(size)]
        paths = list(damaged_paths)
        for good_path in self._good_clips:
            paths.insert(self._random.randrange(len(paths) + 1), good_path)
        keep_partial = bool(number % 2)
        ended: set[str] = set()
        try:
            with WorkerPool(SETTINGS, 1, timeout_s=TIMEOUT_S, keep_partial=keep_partial) as pool:
                for stream in pool.stream_clips([make_file_sound(path) for path in paths]):
                    self._check_stream(stream)
                    ended.add(stream.sound.path)
                self._check_memory(pool)
        except Exception as e:
            self.findings.append(f"batch {number}, after {len(ended)} files: {type(e).__name__}: {e}")
        if len(ended) != len(paths):
            self.findings.append(f"batch {number}: {len(paths) - len(ended)} files had no end")
        self._remove_files(damaged_paths)

    def _write_damaged_file(self, number: int, k: int) -> str:
        name = self._random.choice(list(self._seeds))
        data = damage(self._random, self._seeds[name], list(self._seeds.values()))
        path = self.folder / f"{number}-{k}-{name}.{name.partition('-')[0].lower()}"
        path.write_bytes(data)
        self.by_container[name.partition("-")[0]] += 1
        return str(path)

    def _check_stream(self, stream: WorkerClipStream) -> None:
        path = stream.sound.path
        if path in self._good_clips:
            if self._get_clip_bits(stream) != self._good_clips[path]:
                self.findings.append(f"{path}: has other clips than alone")
            return
        try:
            for clips in stream:
                if not np.isfinite(clips).all():
                    self.findings.append(f"{path}: has a clip that is not finite")
            self.outcomes["partial" if stream.break_error else "ok" if stream.samples else "empty"] += 1
        except AudioError as e:
            self.outcomes[e.cause] += 1
            if e.cause in ("timeout", "crash", "memory") or "\n" in str(e):
                self.findings.append(f"{path}: {e}")

    @staticmethod
    def _get_clip_bits(stream: WorkerClipStream) -> ClipBits:
        return get_bits(np.concatenate([clips.copy() for clips in stream]))

    def _check_memory(self, pool: WorkerPool) -> None:
        status = Path(f"/proc/{pool.process_ids[0]}/status")
        with contextlib.suppress(OSError):
            peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
            self.peak_mb = max(self.peak_mb, int(peak[1]) / 1000 if peak else 0)
        if self.peak_mb > MAX_WORKER_MB:
            self.findings.append(f"a worker has used {self.peak_mb:.0f} MB")
            self.peak_mb = 0.0

    def _remove_files(self, paths: list[str]) -> None:
        text = " ".join(self.findings)
        for path in paths:
            if path not in text:
                Path(path).unlink()
