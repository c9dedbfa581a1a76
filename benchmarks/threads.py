"""Decoding in threads of the main process instead of in processes of their own: which is faster?

    python -m benchmarks.threads CONFIG AUDIO...

Both make the same rows over the same journey; they are run in turn, each in a new process, with the workers'
settings of malloc. For short files: a thread has a file whole before the network sees its first clip.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from specfeat.audio import decode
from specfeat.audio.clip_stream import ClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.audio.discovery import find_audio_files
from specfeat.audio.worker_pool import WorkerPool
from specfeat.audio.worker_process import WORKER_ENVIRONMENT
from specfeat.config import Config, load_config
from specfeat.cpu_count import count_available_cores
from specfeat.errors import AudioError

AHEAD = 64  # files that are decoded before they are wanted; what the processes' queues hold is about as much


class _Decoded:
    """A track whose clips a thread makes beforehand."""

    def __init__(self, path: str, clips: "Future[list[np.ndarray]]") -> None:
        self.path, self.samples, self.seconds = path, 0, 0.0
        self.silent = False
        self.broken: AudioError | None = None
        self._clips = clips

    def __iter__(self) -> Iterator[np.ndarray]:
        yield from self._clips.result()


def _in_threads(config: Config, paths: Sequence[str], threads: ThreadPoolExecutor) -> Iterator[ClipStream]:
    waiting: deque[_Decoded] = deque()
    for path in paths:
        waiting.append(_Decoded(path, threads.submit(_clips, config, path)))
        if len(waiting) > AHEAD:
            yield waiting.popleft()
    yield from waiting


_mine = threading.local()


def _clips(config: Config, path: str) -> list[np.ndarray]:
    if not hasattr(_mine, "maker"):  # it keeps work space, so each thread has its own, as each process has
        _mine.maker = ClipMaker(config.settings)
    try:
        return [
            clip[np.newaxis].copy()
            for clip in _mine.maker.clips(decode.read_samples(path, config.settings.audio))
        ]
    except AudioError:
        return []


def _measure(way: str, name: str, inputs: Sequence[str]) -> tuple[float, int]:
    """Return the seconds of work, and how many rows came of it."""
    config = load_config(name)
    paths = find_audio_files(inputs).paths
    from specfeat.events import SoundEndEvent
    from specfeat.network.build import build_network
    from specfeat.pipeline import extract_rows

    cores = count_available_cores()
    network = build_network(config, threads=cores)
    with WorkerPool(config.settings, cores) as pool, ThreadPoolExecutor(cores) as threads:
        time.sleep(1)  # the processes have started, as they have in a run when TensorFlow is there
        begun = time.perf_counter()
        tracks = pool.tracks(paths) if way == "processes" else _in_threads(config, paths, threads)
        rows = sum(event.rows for event in extract_rows(tracks, network) if isinstance(event, SoundEndEvent))
        return time.perf_counter() - begun, rows


def main(name: str, *inputs: str) -> None:
    """Measure both ways in turn, three times, and print a line."""
    times: dict[str, list[float]] = {"processes": [], "threads": []}
    rows = set()
    malloc = {name: value for name, value in WORKER_ENVIRONMENT.items() if name.startswith("MALLOC_")}
    for _ in range(3):
        for way, seconds in times.items():
            command = [sys.executable, "-m", "benchmarks.threads", "--one", way, name, *inputs]
            done = subprocess.run(command, stdout=subprocess.PIPE, env=os.environ | malloc, check=True)
            took, count = json.loads(done.stdout)
            seconds.append(took)
            rows.add(count)
    if len(rows) > 1:
        raise RuntimeError(f"not the same rows: {rows}")
    ratio = statistics.median(t / p for p, t in zip(times["processes"], times["threads"], strict=True))
    shown = ", ".join(f"{way} {statistics.median(seconds):.2f} s" for way, seconds in times.items())
    print(f"{name} over {' '.join(inputs)}: {shown}; threads take {ratio:.2f} x as long")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(_measure(sys.argv[2], sys.argv[3], sys.argv[4:])))
    elif len(sys.argv) > 2:
        main(*sys.argv[1:])
    else:
        sys.exit("usage: python -m benchmarks.threads CONFIG AUDIO...")
