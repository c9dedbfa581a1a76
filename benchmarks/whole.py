"""Whole processes from outside: specfeat, the naive script, and what a start costs."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAIVE = Path(__file__).with_name("naive.py")


@dataclass
class Run:
    """One process.

    Attributes:
        wall: seconds from the shell's prompt to the last byte.
        work: seconds without start-up: from the first file to the last byte.
        rows: that it made.
        peak_mb: the most memory that the process itself had, its workers left aside.
    """

    wall: float
    work: float
    rows: int
    peak_mb: float


def timed(command: Sequence[str], **environment: str) -> tuple[float, float]:
    """Run a command to its end; return its wall seconds and its own peak memory in MB."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return time.perf_counter() - begun, usage.ru_maxrss / 1024


def run_specfeat(config: str, inputs: Sequence[str], *options: str) -> Run:
    """Run `specfeat extract` and read its record."""
    with tempfile.TemporaryDirectory() as folder:
        output = f"{folder}/out.npy"
        command = [sys.executable, "-m", "specfeat", "extract", *inputs, output, "-q", "-c", config, *options]
        wall, peak = timed(command)
        record = json.loads(Path(f"{folder}/out.run.json").read_text())
    return Run(wall, record["seconds"], record["rows"], peak)


def run_naive(config: str, paths: Sequence[str]) -> Run:
    """Run the naive script over the same files."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(NAIVE), config, f"{folder}/out.json", *paths]
        wall, peak = timed(command, KERAS_BACKEND="tensorflow")
        said = json.loads(Path(f"{folder}/out.json").read_text())
    return Run(wall, said["seconds"], said["rows"], peak)


def measure_start(runs: int, clip: str) -> dict[str, float]:
    """Return median wall seconds of what a user waits for before anything is computed."""
    specfeat = [sys.executable, "-m", "specfeat"]
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/out.npy"
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "--version": [*specfeat, "--version"],
            "--help": [*specfeat, "--help"],
            "a typo in the config": [*specfeat, "extract", clip, out, "--set", "model.bach=1"],
            "a missing path": [*specfeat, "extract", f"{clip}.no", out],
            "import tensorflow": [sys.executable, "-c", "import tensorflow"],
            "one second of audio": [*specfeat, "extract", clip, out, "--force", "-q"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                times[name].append(timed(command)[0])
    return {name: statistics.median(values) for name, values in times.items()}
