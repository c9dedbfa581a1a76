"""Compares decoding in threads of the main process with decoding in worker processes.

    python -m benchmarks.threads CONFIG AUDIO...

Both make the same rows with the same pipeline. They run alternately, each in a new process, with the settings
of malloc that workers have. Use short files, because a thread decodes a whole file before the network gets
the first clip of the file.
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
from specfeat.audio.discovery import find_sounds
from specfeat.audio.worker_pool import WorkerPool
from specfeat.audio.worker_process import WORKER_ENVIRONMENT
from specfeat.config import Config, load_config
from specfeat.cpu_count import count_available_cores
from specfeat.errors import AudioError
from specfeat.sound import Sound

# How many files are decoded before the network needs them. The queues of the processes have about the same
# size.
AHEAD_FILES = 64


class _ThreadClipStream:
    """A clip stream whose clips are made by a thread."""

    def __init__(self, sound: Sound, clips: "Future[list[np.ndarray]]") -> None:
        self.sound, self.samples, self.seconds = sound, 0, 0.0
        self.silent = False
        self.too_loud = False
        self.break_error: AudioError | None = None
        self.decoder: str | None = None
        self._clips = clips

    def __iter__(self) -> Iterator[np.ndarray]:
        yield from self._clips.result()


def _stream_clips(
    config: Config, sounds: Sequence[Sound], threads: ThreadPoolExecutor
) -> Iterator[ClipStream]:
    waiting: deque[_ThreadClipStream] = deque()
    for sound in sounds:
        waiting.append(_ThreadClipStream(sound, threads.submit(_make_clips, config, sound)))
        if len(waiting) > AHEAD_FILES:
            yield waiting.popleft()
    yield from waiting


_thread_data = threading.local()


def _make_clips(config: Config, sound: Sound) -> list[np.ndarray]:
    if not hasattr(_thread_data, "maker"):  # each thread needs its own maker, because it has working memory
        _thread_data.maker = ClipMaker(config.settings)
    try:
        return [
            clip[np.newaxis].copy()
            for clip in _thread_data.maker.make_clips(decode.read_samples(sound, config.settings.audio))
        ]
    except AudioError:
        return []


def _measure_method(method: str, name: str, inputs: Sequence[str]) -> tuple[float, int]:
    """Measure one run in this process.

    Args:
        method: "processes" or "threads".
        name: the config.
        inputs: files and folders.

    Returns:
        The seconds of the run after the start-up, and the number of rows.
    """
    config = load_config(name)
    sounds = find_sounds(inputs).sounds
    from specfeat.events import SoundEndEvent
    from specfeat.network.build import build_network
    from specfeat.pipeline import extract_rows

    cores = count_available_cores()
    network = build_network(config, threads=cores)
    with WorkerPool(config.settings, cores) as pool, ThreadPoolExecutor(cores) as threads:
        time.sleep(1)  # until the processes have started; in a run, they start while TensorFlow is loaded
        started_at = time.perf_counter()
        streams = (
            pool.stream_clips(sounds) if method == "processes" else _stream_clips(config, sounds, threads)
        )
        rows = sum(event.rows for event in extract_rows(streams, network) if isinstance(event, SoundEndEvent))
        return time.perf_counter() - started_at, rows


def main(name: str, *inputs: str) -> None:
    """Measure both methods alternately, three times, and print one line.

    Args:
        name: the config.
        inputs: files and folders.
    """
    times: dict[str, list[float]] = {"processes": [], "threads": []}
    rows = set()
    malloc = {name: value for name, value in WORKER_ENVIRONMENT.items() if name.startswith("MALLOC_")}
    for _ in range(3):
        for method, method_seconds in times.items():
            command = [sys.executable, "-m", "benchmarks.threads", "--one", method, name, *inputs]
            process = subprocess.run(command, stdout=subprocess.PIPE, env=os.environ | malloc, check=True)
            seconds, count = json.loads(process.stdout)
            method_seconds.append(seconds)
            rows.add(count)
    if len(rows) > 1:
        raise RuntimeError(f"the numbers of rows differ: {rows}")
    ratio = statistics.median(t / p for p, t in zip(times["processes"], times["threads"], strict=True))
    medians = ", ".join(f"{method} {statistics.median(seconds):.2f} s" for method, seconds in times.items())
    print(f"{name} over {' '.join(inputs)}: {medians}; threads take {ratio:.2f} x as long")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(_measure_method(sys.argv[2], sys.argv[3], sys.argv[4:])))
    elif len(sys.argv) > 2:
        main(*sys.argv[1:])
    else:
        sys.exit("usage: python -m benchmarks.threads CONFIG AUDIO...")
