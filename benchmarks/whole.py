"""Runs whole programs, and measures them from outside: specfeat, the typical script, and the start-up."""

import contextlib
import json
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.corpora import write_noise
from specfeat.audio.worker_process import WORKER_ENVIRONMENT
from specfeat.config import load_config
from specfeat.process_state import OPTIONAL_PACKAGES, disable_pydantic_plugins

SCRIPT = Path(__file__).with_name("naive.py")
EXIT_SOME_FAILED = 3  # specfeat's exit code for a run in which files failed


@dataclass
class ProgramRun:
    """One run of a program.

    Attributes:
        wall_s: the time from the command to the last byte in seconds.
        work_s: the time without the start-up in seconds: from the time when the network is ready to the last
            byte and the end of the workers.
        ahead_s: the CPU time in seconds that the workers spent on sounds before the network was ready.
        rows: the number of rows.
        peak_mb: the sum of the peak memory of the main process and of all workers, in MB.
        files: the paths of the files that did not fail.
    """

    wall_s: float
    work_s: float
    ahead_s: float
    rows: int
    peak_mb: float
    files: tuple[str, ...]


@dataclass
class ProcessStatistics:
    """Numbers about a process and its children, which another process has measured.

    Attributes:
        wall_s: the time from the start to the end of the process in seconds.
        peak_mb: the sum of the peak memory of the process and of all children, in MB.
        workers: the largest number of children at one time.
        times: the times at which the CPU time of the children was read, in seconds since 1970.
        children_cpu_s: the CPU time of all children together at each of these times, in seconds.
    """

    wall_s: float = 0.0
    peak_mb: float = 0.0
    workers: int = 0
    times: list[float] = field(default_factory=list)
    children_cpu_s: list[float] = field(default_factory=list)


def watch_command(command: Sequence[str], **environment: str) -> ProcessStatistics:
    """Run a command to its end, and measure its processes.

    Raises:
        RuntimeError: the command failed. The message contains its output on stderr.
    """
    statistics = ProcessStatistics()
    with tempfile.TemporaryFile() as stderr:
        started_at = time.perf_counter()
        streams: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": stderr}
        process = subprocess.Popen(command, env={**os.environ, **environment}, **streams)
        peaks: dict[int, float] = {}
        while process.returncode is None:
            tree = _list_processes(process.pid)
            for pid in tree:
                peaks[pid] = max(_read_peak_mb(pid), peaks.get(pid, 0.0))
            statistics.workers = max(statistics.workers, len(tree) - 1)
            statistics.times.append(time.time())
            statistics.children_cpu_s.append(sum(map(_read_cpu_s, tree[1:])))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
        statistics.wall_s = time.perf_counter() - started_at
        if process.returncode not in (0, EXIT_SOME_FAILED):
            stderr.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {process.returncode}: {stderr.read().decode()}")
    statistics.peak_mb = sum(peaks.values())
    return statistics


def _list_processes(pid: int) -> list[int]:
    """Return the ids of a process and of its running children."""
    pids = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):  # each thread has its own list of children
        with contextlib.suppress(OSError):
            pids += map(int, task.read_text().split())
    return pids


def _read_peak_mb(pid: int) -> float:
    """Return the peak memory of a process until now in MB; 0 if the process has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines.get("VmHWM", "0 kB").split()[0]) / 1024


def _read_cpu_s(pid: int) -> float:
    """Return the CPU time of a process until now in seconds; 0 if the process has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


_START = """
import pickle, sys
from specfeat.audio.worker import ClipMaker

ClipMaker(pickle.load(sys.stdin.buffer))
"""


@cache
def measure_worker_start(config: str) -> float:
    """Return the CPU time of a worker before its first file in seconds: the lowest of three measurements."""
    settings = pickle.dumps(load_config(config).settings)
    with disable_pydantic_plugins():
        environment = os.environ | WORKER_ENVIRONMENT
    spent = [_read_children_cpu_s()]
    for _ in range(3):
        subprocess.run([sys.executable, "-P", "-c", _START], check=True, env=environment, input=settings)
        spent.append(_read_children_cpu_s())
    return float(np.diff(spent).min())


def _read_children_cpu_s() -> float:
    """Return the CPU time of all children that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_specfeat(config: str, inputs: Sequence[str], *options: str) -> ProgramRun:
    """Run `specfeat extract`, and take the numbers from its record and its log."""
    with tempfile.TemporaryDirectory() as folder:
        output = f"{folder}/out.npy"
        log = f"{folder}/log"
        command = [sys.executable, "-m", "specfeat", "extract", *inputs, output, "-q", "-c", config]
        statistics = watch_command([*command, "--log-json", log, *options])
        record = json.loads(Path(f"{folder}/out.run.json").read_text())
        events = [json.loads(line) for line in Path(log).read_text().splitlines()]
    times = {event["event"]: datetime.fromisoformat(event["time"]).timestamp() for event in events}
    spent_s = np.interp(times["built"], statistics.times, statistics.children_cpu_s)
    ahead_s = max(0.0, float(spent_s) - statistics.workers * measure_worker_start(config))
    files = tuple(file["path"] for file in record["files"] if file["status"] != "failed")
    work_s = times["end"] - times["built"]
    return ProgramRun(statistics.wall_s, work_s, ahead_s, record["rows"], statistics.peak_mb, files)


def run_typical_script(config: str, paths: Sequence[str]) -> ProgramRun:
    """Run the typical script over the same files.

    Raises:
        RuntimeError: the script cannot use the files or the config.
    """
    with tempfile.TemporaryDirectory() as folder:
        list_file = Path(f"{folder}/paths")  # a file, because a command line cannot have so many paths
        list_file.write_bytes(b"\0".join(map(os.fsencode, paths)))
        command = [sys.executable, str(SCRIPT), config, f"{folder}/out.json", str(list_file)]
        statistics = watch_command(command, KERAS_BACKEND="tensorflow")
        result = json.loads(Path(f"{folder}/out.json").read_text())
    return ProgramRun(
        statistics.wall_s, result["seconds"], 0.0, result["rows"], statistics.peak_mb, tuple(paths)
    )


def measure_start(runs: int) -> dict[str, float]:
    """Measure commands that consist mostly of the start-up, and return the median seconds of each."""
    specfeat = [sys.executable, "-m", "specfeat"]
    hidden = f"import sys; sys.modules |= dict.fromkeys({OPTIONAL_PACKAGES}); import tensorflow"
    with tempfile.TemporaryDirectory() as folder:
        out, clip = f"{folder}/out.npy", f"{folder}/clip.wav"
        write_noise(Path(clip), 1.0)
        commands = {
            "python -c pass": ([sys.executable, "-c", "pass"], 0),
            "--version": ([*specfeat, "--version"], 0),
            "--help": ([*specfeat, "--help"], 0),
            "a typo in the config": ([*specfeat, "extract", clip, out, "--set", "model.bach=1"], 2),
            "a missing path": ([*specfeat, "extract", f"{clip}.no", out], 2),
            "import tensorflow": ([sys.executable, "-c", "import tensorflow"], 0),
            "the same without the packages that Keras loads if they are installed": (
                [sys.executable, "-c", hidden],
                0,
            ),
            "one second of audio": ([*specfeat, "extract", clip, out, "--force", "-q"], 0),
        }
        if runs > 1:  # one run that is not measured, so that all files are in the cache of the system
            subprocess.run(commands["one second of audio"][0], check=True)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, (command, code) in commands.items():
                started_at = time.perf_counter()
                process = subprocess.run(command, capture_output=True, check=False)
                times[name].append(time.perf_counter() - started_at)
                if process.returncode != code:
                    raise RuntimeError(
                        f"{' '.join(command)}: {process.returncode}: {process.stderr.decode()}"
                    )
    return {name: median(values) for name, values in times.items()}
