"""Whole processes from outside: specfeat, the naive script, and what a start costs."""

import contextlib
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
from typing import Any

NAIVE = Path(__file__).with_name("naive.py")


@dataclass
class Run:
    """One process.

    Attributes:
        wall: seconds from the shell's prompt to the last byte.
        work: seconds without start-up: from the first file to the last byte.
        rows: that it made.
        peak_mb: the most memory that each of its processes had, the main one and the workers, added up.
        files: that did not fail.
    """

    wall: float
    work: float
    rows: int
    peak_mb: float
    files: tuple[str, ...]


def timed(command: Sequence[str], **environment: str) -> tuple[float, float]:
    """Run a command to its end; return its wall seconds, and the peak memory in MB of its processes."""
    begun = time.perf_counter()
    quiet: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    process = subprocess.Popen(command, env={**os.environ, **environment}, **quiet)
    peaks: dict[int, float] = {}
    while process.returncode is None:
        for pid in _tree(process.pid):
            peaks[pid] = max(_peak(pid), peaks.get(pid, 0.0))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
    return time.perf_counter() - begun, sum(peaks.values())


def _tree(pid: int) -> list[int]:
    """Return a process and its children, as far as they are still there."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *map(int, children)]


def _peak(pid: int) -> float:
    """Return the most memory in MB that a process has had so far; 0 if it is no more."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines.get("VmHWM", "0 kB").split()[0]) / 1024


def run_specfeat(config: str, inputs: Sequence[str], *options: str) -> Run:
    """Run `specfeat extract` and read its record."""
    with tempfile.TemporaryDirectory() as folder:
        output = f"{folder}/out.npy"
        command = [sys.executable, "-m", "specfeat", "extract", *inputs, output, "-q", "-c", config, *options]
        wall, peak = timed(command)
        record = json.loads(Path(f"{folder}/out.run.json").read_text())
    files = tuple(file["path"] for file in record["files"] if file["status"] != "failed")
    return Run(wall, record["seconds"], record["rows"], peak, files)


def run_naive(config: str, paths: Sequence[str]) -> Run:
    """Run the naive script over the same files."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(NAIVE), config, f"{folder}/out.json", *paths]
        wall, peak = timed(command, KERAS_BACKEND="tensorflow")
        said = json.loads(Path(f"{folder}/out.json").read_text())
    return Run(wall, said["seconds"], said["rows"], peak, tuple(paths))


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
