"""Compares the engines: time and CPU time of a batch in the network, the rows, and the start of a command.

    python -m benchmarks.engines CONFIG... [--batches N]

Each engine computes the same batches of noise, as many at the same time as there are cores. The engines take
turns, group of batches by group of batches, and their medians are compared, because other work on the
machine slows down all of them. The start is the whole command for one second of sound, whose network has been
converted before; it is compared with `import tensorflow`.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.conditions import describe_machine
from specfeat.config import Config, load_config
from specfeat.cpu_count import count_available_cores
from specfeat.network.engine_names import ENGINE_NAMES, TENSORFLOW
from specfeat.network.prepare import prepare_network
from specfeat.network.ready_network import ReadyNetwork

GROUPS = 7  # of batches, for each engine
STARTS = 5  # commands, for each engine


def measure_network(config: Config, batches: int) -> dict[str, tuple[float, float]]:
    """Return time and CPU time of a batch for each engine, in seconds, and print how far the rows differ.

    Args:
        config: the config.
        batches: the number of batches in a group.
    """
    networks = {engine: prepare_network(config, "cpu", None, engine) for engine in ENGINE_NAMES}
    shape = (config.settings.model.batch, *config.settings.input_shape)
    clips = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    rows = {engine: network.compute_rows(clips) for engine, network in networks.items()}
    for engine in ENGINE_NAMES:
        difference = np.abs(rows[engine] - rows[TENSORFLOW]).max() / np.abs(rows[TENSORFLOW]).max()
        print(f"{config.name:14} {engine:12} largest difference {difference:.1e} of the largest value")
    times: dict[str, list[tuple[float, float]]] = {engine: [] for engine in ENGINE_NAMES}
    for _ in range(GROUPS):
        for engine, network in networks.items():
            times[engine].append(_time_group(network, clips, batches))
    return {
        engine: (statistics.median(t for t, _ in pairs), statistics.median(c for _, c in pairs))
        for engine, pairs in times.items()
    }


def _time_group(network: ReadyNetwork, clips: NDArray[np.float32], batches: int) -> tuple[float, float]:
    with ThreadPoolExecutor(network.parallel_batches) as threads:
        start, cpu_start = time.perf_counter(), time.process_time()
        for _ in threads.map(network.compute_rows, [clips] * batches):
            pass
    return (time.perf_counter() - start) / batches, (time.process_time() - cpu_start) / batches


def measure_start(config: str, folder: Path) -> dict[str, float]:
    """Return the time of the whole command for one second of sound, as a multiple of `import tensorflow`.

    Args:
        config: the name of the config.
        folder: an empty folder.
    """
    soundfile.write(folder / "a.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 16_000), 16_000)
    command = [sys.executable, "-m", "specfeat", "extract", str(folder / "a.wav"), str(folder / "out.npy")]
    times: dict[str, list[float]] = {engine: [] for engine in (*ENGINE_NAMES, "import")}
    for _ in range(STARTS):
        for engine in ENGINE_NAMES:
            times[engine].append(_time_command([*command, "-q", "--force", "-c", config, "--engine", engine]))
        times["import"].append(_time_command([sys.executable, "-c", "import tensorflow"]))
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {engine: medians[engine] / medians["import"] for engine in ENGINE_NAMES}


def _time_command(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return time.perf_counter() - start


def print_comparison(name: str, batches: int) -> None:
    """Measure one config, and print one line for each engine."""
    times = measure_network(load_config(name), batches)
    with tempfile.TemporaryDirectory() as folder:
        starts = measure_start(name, Path(folder))
    seconds, cpu_seconds = times[TENSORFLOW]
    for engine, (engine_seconds, engine_cpu) in times.items():
        print(
            f"{name:14} {engine:12} {seconds / engine_seconds:5.2f} x as fast, "
            f"{cpu_seconds / engine_cpu:5.2f} x in CPU time; "
            f"one second of sound takes {starts[engine]:.2f} x `import tensorflow`"
        )


def main() -> None:
    """Read the command line, measure, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engines", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("configs", nargs="+", metavar="CONFIG", help="the configs")
    parser.add_argument("--batches", type=int, default=4 * count_available_cores(), help="in a group")
    options = parser.parse_args()
    print(describe_machine())
    for name in options.configs:
        print_comparison(name, options.batches)


if __name__ == "__main__":
    main()
