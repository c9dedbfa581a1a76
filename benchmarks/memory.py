"""Measures how the memory grows with long files, many files, many batches and many threads.

python -m benchmarks.memory [--hours 24] [--files 20000] [--batches 5000] [--out memory.json]
"""

import argparse
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.conditions import describe_conditions
from benchmarks.corpora import write_noise
from benchmarks.whole import run_specfeat

if TYPE_CHECKING:
    from collections.abc import Callable

# During these first batches, the arenas of malloc grow in steps, to the same size in each run. They are not
# measured.
WARM_UP_BATCHES = 2000
Measurements = dict[str, float]


def measure_long_file(hours: float) -> Measurements:
    """Measure `yamnet` with a file of many hours, and with a file of one minute."""
    with tempfile.TemporaryDirectory() as folder:
        short, long = Path(folder) / "short.flac", Path(folder) / "long.flac"
        write_noise(short, 60)
        write_noise(long, hours * 3600)
        short_run, long_run = run_specfeat("yamnet", [str(short)]), run_specfeat("yamnet", [str(long)])
    return {"hours": hours, "minute_mb": short_run.peak_mb, "hours_mb": long_run.peak_mb}


def measure_many_files(count: int) -> Measurements:
    """Measure `default` with many files of 0.2 s, with a hundredth of them, and the time for one file."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for number in (count // 100, count):
            subfolder = Path(folder) / str(number)
            subfolder.mkdir()
            for k in range(number):
                write_noise(subfolder / f"{k:06}.wav", 0.2)
            runs.append(run_specfeat("default", [str(subfolder)]))
    few, many = runs
    ms_a_file = 1000 * many.work_s / count
    return {"files": count, "hundredth_mb": few.peak_mb, "files_mb": many.peak_mb, "ms_a_file": ms_a_file}


def measure_many_batches(count: int) -> Measurements:
    """Measure the memory of a process that computes many batches of `default` in the threads of a run."""
    from specfeat.config import load_config
    from specfeat.cpu_count import count_available_cores
    from specfeat.network.build import build_network

    network = build_network(load_config("default"), threads=count_available_cores())
    batches = [np.zeros((network.batch, *network.input_shape), np.float32)] * 50
    memory = []
    with ThreadPoolExecutor(network.parallel_batches) as threads:
        for k in range(-WARM_UP_BATCHES, count, 50):
            list(threads.map(network.compute_rows, batches))
            if k >= 0:
                memory.append(_read_resident_mb())
    slope = np.polyfit(np.arange(len(memory)) * 50, memory, 1)[0]
    return {"batches": count, "first_mb": memory[0], "last_mb": memory[-1], "mb_in_1000": 1000 * float(slope)}


def measure_many_threads() -> Measurements:
    """Measure `yamnet` with different numbers of threads and workers, as on machines with more cores."""
    with tempfile.TemporaryDirectory() as folder:
        for k in range(16):
            write_noise(Path(folder) / f"{k:02}.flac", 600)  # longer than the queue of a worker
        return {
            f"{count}_mb": run_specfeat(
                "yamnet", [folder], "--threads", str(count), "--workers", str(count)
            ).peak_mb
            for count in (1, 2, 4, 8, 16)
        }


def _read_resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Measure everything, print one line for each kind of measurement, and write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--batches", type=int, default=5_000)
    parser.add_argument("--out", default="memory.json")
    options = parser.parse_args()
    if not Path(options.out).parent.is_dir():
        parser.error(f"{Path(options.out).parent}: no such folder for the output; create it first")
    measures: dict[str, Callable[[], Measurements]] = {
        "batches": lambda: measure_many_batches(options.batches),
        "files": lambda: measure_many_files(options.files),
        "threads": measure_many_threads,
        "long": lambda: measure_long_file(options.hours),
    }
    result: dict[str, object] = dict(describe_conditions())
    for name, measure in measures.items():
        print(f"{name} ...", file=sys.stderr)
        result[name] = measurements = {key: round(value, 3) for key, value in measure().items()}
        print(f"{name}: {', '.join(f'{key} {value:.7g}' for key, value in measurements.items())}", flush=True)
        Path(options.out).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
