"""Runs of `specfeat extract` with a network that needs no TensorFlow, in a folder of the test."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

COMMAND = [sys.executable, str(Path(__file__).parent / "without_tensorflow.py"), "extract"]
FILE_COUNT = 8
SMALL_BATCH = ("--set", "model.batch=4")
OUTPUT_NAMES = ["out.index.csv", "out.npy", "out.run.json"]

CompletedRun = subprocess.CompletedProcess[str]
RunningRun = subprocess.Popen[str]
Output = tuple[bytes, bytes, dict[str, Any]]


def write_sound(path: Path, seconds: float, seed: int) -> None:
    """Write noise at 16 kHz."""
    noise = np.random.default_rng(seed).normal(size=round(seconds * 16_000)) / 10
    soundfile.write(path, noise, 16_000)


def write_inputs(folder: Path) -> Path:
    """Write `FILE_COUNT` sounds of half a second to four into `in`, a folder in `folder`."""
    (folder / "in").mkdir()
    for k in range(FILE_COUNT):
        write_sound(folder / f"in/{k:02}.wav", 0.5 * (k + 1), k)
    return folder


def run_extract(folder: Path, *arguments: str, **options: Any) -> CompletedRun:
    """Run the command quietly, with one worker, and wait for its end."""
    command = [*COMMAND, *arguments, "-c", "minimal", "-q", "--workers", "1"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **options)


def run_command(folder: Path, *arguments: str) -> CompletedRun:
    """Run the command as it is, and wait for its end."""
    command = [*COMMAND, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def start_extract(
    folder: Path, *arguments: str, pause_s: float = 0.1, files: int = 1, sync_interval_s: float = 0
) -> RunningRun:
    """Start a run that takes its time, and wait until so many files are done and on the disk.

    Args:
        folder: where it runs.
        arguments: of the command.
        pause_s: seconds that the network takes for each batch.
        files: how many files to wait for.
        sync_interval_s: seconds between two writes of the journal.
    """
    environment = {
        **os.environ,
        "FAKE_NETWORK_PAUSE_S": str(pause_s),
        "FAKE_NETWORK_SYNC_INTERVAL_S": str(sync_interval_s),
    }
    command = [*COMMAND, *arguments, "-c", "minimal", *SMALL_BATCH, "-q"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    journal = folder / "out.partial" / "journal"
    while not journal.exists() or journal.read_bytes().count(b"\n") <= files:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.01)
    return process


def kill_extract(folder: Path, *arguments: str, **options: Any) -> None:
    """Leave what a run leaves that is killed after its first files; see `start_extract`."""
    process = start_extract(folder, *arguments, **options)
    process.kill()
    process.communicate()


def read_output(folder: Path, name: str = "out") -> Output:
    """Return array, index, and the record without its times, its command and its name."""
    record = json.loads((folder / f"{name}.run.json").read_text())
    for key in ("started", "seconds", "build_seconds", "command", "output"):
        del record[key]
    for entry in record["files"]:
        del entry["seconds"]
    return (folder / f"{name}.npy").read_bytes(), (folder / f"{name}.index.csv").read_bytes(), record


def list_outputs(folder: Path) -> list[str]:
    """List the names that begin with `out`."""
    return sorted(path.name for path in folder.glob("out*"))


def make_work_folder(folder: Path) -> Path:
    """Make a work folder as a killed run leaves it, without anything that the run had done."""
    work = folder / "out.partial"
    work.mkdir()
    (work / "lock").write_text("specfeat 1\n")
    return work
