"""What memory does: long files, many files, many batches, many threads.

python -m benchmarks.memory [--hours 24] [--files 20000] [--batches 5000]
"""

import argparse
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.corpora import write_noise
from benchmarks.whole import run_specfeat


def long_file(hours: float) -> str:
    """Compare one file of many hours with one of a minute."""
    with tempfile.TemporaryDirectory() as folder:
        short, long = Path(folder) / "short.flac", Path(folder) / "long.flac"
        write_noise(short, 60)
        write_noise(long, hours * 3600)
        one, other = run_specfeat("yamnet", [str(short)]), run_specfeat("yamnet", [str(long)])
    return (
        f"one file, yamnet: a minute {one.peak_mb:.0f} MB, {hours:g} hours {other.peak_mb:.0f} MB "
        f"({other.peak_mb - one.peak_mb:+.0f})"
    )


def many_files(count: int) -> str:
    """Compare many tiny files with a hundredth of them; also say what one costs."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for number in (count // 100, count):
            place = Path(folder) / str(number)
            place.mkdir()
            for k in range(number):
                write_noise(place / f"{k:06}.wav", 0.2)
            runs.append(run_specfeat("default", [str(place)]))
    few, many = runs
    each = 1000 * many.work / count
    return (
        f"files of 0.2 s, default: {count // 100} files {few.peak_mb:.0f} MB, {count} files "
        f"{many.peak_mb:.0f} MB ({many.peak_mb - few.peak_mb:+.0f}); {each:.2f} ms of wall time a file"
    )


def many_batches(count: int) -> str:
    """Follow the memory of one process over many batches, as many at once as in a run, after a warm-up."""
    from specfeat.cli.cores import available
    from specfeat.config import load_config
    from specfeat.network.build import build

    network = build(load_config("default"), threads=available())
    batches = [np.zeros((network.batch, *network.input_shape), np.float32)] * 50
    memory = []
    with ThreadPoolExecutor(network.parallel) as threads:
        for k in range(-500, count, 50):
            list(threads.map(network.rows, batches))
            if k >= 0:
                memory.append(_resident())
    slope = np.polyfit(np.arange(len(memory)) * 50, memory, 1)[0]
    return (
        f"batches, default: {memory[0]:.1f} MB at first, {memory[-1]:.1f} MB after {count}; "
        f"slope {1000 * slope:+.3f} MB in 1000"
    )


def many_threads() -> str:
    """Say what a run takes with more threads and workers, which is what a machine with more cores has."""
    with tempfile.TemporaryDirectory() as folder:
        for k in range(16):
            write_noise(Path(folder) / f"{k:02}.flac", 600)  # more than a worker's queue holds
        peaks = [
            (
                count,
                run_specfeat("yamnet", [folder], "--threads", str(count), "--workers", str(count)).peak_mb,
            )
            for count in (1, 2, 4, 8, 16)
        ]
    return "threads and workers, yamnet: " + ", ".join(f"{count}: {peak:.0f} MB" for count, peak in peaks)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Measure all of it and print a line each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--batches", type=int, default=5_000)
    options = parser.parse_args()
    print(many_batches(options.batches), flush=True)
    print(many_files(options.files), flush=True)
    print(many_threads(), flush=True)
    print(long_file(options.hours), flush=True)


if __name__ == "__main__":
    main()
