"""Whole processes from outside: specfeat, the naive script, and what a start costs."""

import contextlib
import json
import os
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpora import write_noise
from specfeat.audio.worker_process import WORKER_ENVIRONMENT
from specfeat.config import load_config
from specfeat.process_state import OPTIONAL_PACKAGES, disable_pydantic_plugins

NAIVE = Path(__file__).with_name("naive.py")
SOME_FAILED = 3  # of specfeat's exit codes: done, but a file or more was broken


@dataclass
class Run:
    """One run of a program.

    Attributes:
        wall: seconds from the shell's prompt to the last byte.
        work: seconds without start-up: from the network that is ready to the last byte and the workers' end.
        ahead: CPU seconds that the workers had spent on the files, sending included, before the work began.
        rows: that it made.
        peak_mb: the most memory that each of its processes had, the main one and the workers, added up.
        files: that did not fail.
    """

    wall: float
    work: float
    ahead: float
    rows: int
    peak_mb: float
    files: tuple[str, ...]


@dataclass
class Watched:
    """What was seen of a process and its children from outside.

    Attributes:
        wall: seconds to its end.
        peak_mb: the most memory that each of them had, added up.
        workers: how many children it had at most.
        times: of the clock, in seconds, at which the next was read.
        children: CPU seconds that the children had spent.
    """

    wall: float = 0.0
    peak_mb: float = 0.0
    workers: int = 0
    times: list[float] = field(default_factory=list)
    children: list[float] = field(default_factory=list)


def watched(command: Sequence[str], **environment: str) -> Watched:
    """Run a command to its end and watch it.

    Raises:
        RuntimeError: it failed; what it wrote to stderr is in it.
    """
    seen = Watched()
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        streams: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": said}
        process = subprocess.Popen(command, env={**os.environ, **environment}, **streams)
        peaks: dict[int, float] = {}
        while process.returncode is None:
            tree = _tree(process.pid)
            for pid in tree:
                peaks[pid] = max(_peak(pid), peaks.get(pid, 0.0))
            seen.workers = max(seen.workers, len(tree) - 1)
            seen.times.append(time.time())
            seen.children.append(sum(map(_cpu, tree[1:])))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
        seen.wall = time.perf_counter() - begun
        if process.returncode not in (0, SOME_FAILED):
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {process.returncode}: {said.read().decode()}")
    seen.peak_mb = sum(peaks.values())
    return seen


def _tree(pid: int) -> list[int]:
    """Return a process and its children, as far as they are still there."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):  # a thread of its own may have started one
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def _peak(pid: int) -> float:
    """Return the most memory in MB that a process has had so far; 0 if it is no more."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines.get("VmHWM", "0 kB").split()[0]) / 1024


def _cpu(pid: int) -> float:
    """Return the CPU seconds that a process has spent so far; 0 if it is no more."""
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
def worker_start(config: str) -> float:
    """Return the CPU seconds that a worker spends before its first file: the least of three."""
    order = pickle.dumps(load_config(config).settings)
    with disable_pydantic_plugins():
        environment = os.environ | WORKER_ENVIRONMENT
    spent = [_children_cpu()]
    for _ in range(3):
        subprocess.run([sys.executable, "-P", "-c", _START], check=True, env=environment, input=order)
        spent.append(_children_cpu())
    return float(np.diff(spent).min())


def _children_cpu() -> float:
    """Return the CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_specfeat(config: str, inputs: Sequence[str], *options: str) -> Run:
    """Run `specfeat extract` and read its record and its log."""
    with tempfile.TemporaryDirectory() as folder:
        output = f"{folder}/out.npy"
        log = f"{folder}/log"
        command = [sys.executable, "-m", "specfeat", "extract", *inputs, output, "-q", "-c", config]
        seen = watched([*command, "--log-json", log, *options])
        record = json.loads(Path(f"{folder}/out.run.json").read_text())
        events = [json.loads(line) for line in Path(log).read_text().splitlines()]
    times = {event["event"]: datetime.fromisoformat(event["time"]).timestamp() for event in events}
    spent = np.interp(times["built"], seen.times, seen.children)
    ahead = max(0.0, float(spent) - seen.workers * worker_start(config))
    files = tuple(file["path"] for file in record["files"] if file["status"] != "failed")
    return Run(seen.wall, times["end"] - times["built"], ahead, record["rows"], seen.peak_mb, files)


def run_naive(config: str, paths: Sequence[str]) -> Run:
    """Run the naive script over the same files.

    Raises:
        RuntimeError: it cannot do them, or what the config asks.
    """
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(f"{folder}/paths")  # a command line has no room for all
        listed.write_bytes(b"\0".join(map(os.fsencode, paths)))
        command = [sys.executable, str(NAIVE), config, f"{folder}/out.json", str(listed)]
        seen = watched(command, KERAS_BACKEND="tensorflow")
        said = json.loads(Path(f"{folder}/out.json").read_text())
    return Run(seen.wall, said["seconds"], 0.0, said["rows"], seen.peak_mb, tuple(paths))


def measure_start(runs: int) -> dict[str, float]:
    """Return median wall seconds of what a user waits for before anything is computed."""
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
            "the same without what Keras loads only if it is there": ([sys.executable, "-c", hidden], 0),
            "one second of audio": ([*specfeat, "extract", clip, out, "--force", "-q"], 0),
        }
        if runs > 1:
            subprocess.run(commands["one second of audio"][0], check=True)  # the files come from the disk
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, (command, code) in commands.items():
                begun = time.perf_counter()
                done = subprocess.run(command, capture_output=True, check=False)
                times[name].append(time.perf_counter() - begun)
                if done.returncode != code:
                    raise RuntimeError(f"{' '.join(command)}: {done.returncode}: {done.stderr.decode()}")
    return {name: statistics.median(values) for name, values in times.items()}
