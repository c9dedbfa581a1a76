"""Runs `specfeat extract` with a network that needs no TensorFlow, in a folder of the test."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from helpers import without_tensorflow
from helpers.specfeat_command import run_in_this_process
from helpers.thread_workers import install_thread_workers
from helpers.waiting import wait_until

COMMAND = [sys.executable, str(Path(__file__).parent / "without_tensorflow.py"), "extract"]
FILE_COUNT = 8
SMALL_BATCH = ("--set", "model.batch=4")
# How many batches of 4 rows a run may compute before the gate is open, so that a number of files (the key) can be
# finished. The files of `write_inputs` have 2, 4, 6, 8, 9, 11, 13 and 15 rows, so the first 1, 3 and 5 files end in
# batch 1, 3 and 8 of 17. Three more batches are needed, because another thread may compute the next three batches
# before a thread has begun its batch.
FREE_BATCHES = {1: 1 + 3, 3: 3 + 3, 5: 8 + 3}
OUTPUT_NAMES = ["out.index.csv", "out.npy", "out.run.json"]

CompletedRun = subprocess.CompletedProcess[str]
RunningRun = subprocess.Popen[str]
Output = tuple[bytes, bytes, dict[str, Any]]


def write_sound(path: Path, seconds: float, seed: int) -> None:
    """Write noise at 16 kHz."""
    noise = np.random.default_rng(seed).normal(size=round(seconds * 16_000)) / 10
    soundfile.write(path, noise, 16_000)


def write_inputs(folder: Path) -> Path:
    """Write `FILE_COUNT` sounds with lengths from half a second to four seconds into the folder `in`."""
    (folder / "in").mkdir()
    for k in range(FILE_COUNT):
        write_sound(folder / f"in/{k:02}.wav", 0.5 * (k + 1), k)
    return folder


def run_extract(folder: Path, *arguments: str, **options: Any) -> CompletedRun:
    """Run the command quietly, with one worker, and wait for its end.

    The command and its worker run in this process, because this takes only a fifth of the time. With `options`, they
    run in new processes, and `subprocess.run` starts the command with these options.
    """
    words = ["extract", *arguments, "-c", "minimal", "-q", "--workers", "1"]
    if not options:
        with pytest.MonkeyPatch.context() as patch:
            without_tensorflow.install_fake_network(patch.setitem)
            install_thread_workers(patch.setattr)
            return run_in_this_process(folder, *words)
    command = [*COMMAND[:-1], *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **options)


def run_command(folder: Path, *arguments: str) -> CompletedRun:
    """Run the command with exactly these arguments in a new process, and wait for its end."""
    command = [*COMMAND, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def start_extract(
    folder: Path, *arguments: str, files: int = 1, gate: str = "gate", **variables: str
) -> RunningRun:
    """Start a run over the folder `in`, and wait until a number of files is finished and saved to the disk.

    The run does not compute the rows of the last files before `open_gate` is called. So it is still running when
    this function returns.

    Args:
        folder: the folder to run in.
        arguments: the arguments of the command.
        files: the number of files to wait for; a key of `FREE_BATCHES`.
        gate: the name of the file for which the run waits.
        variables: more environment variables for the run; see `without_tensorflow`.
    """
    environment = {
        **os.environ,
        "FAKE_NETWORK_GATE": gate,
        "FAKE_NETWORK_FREE_BATCHES": str(FREE_BATCHES[files]),
        "FAKE_NETWORK_SYNC_INTERVAL_S": "0",
        "FAKE_NETWORK_WORKERS": "threads",
        **variables,
    }
    command = [*COMMAND, *arguments, "-c", "minimal", *SMALL_BATCH, "-q"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    journal = folder / "out.partial" / "journal"
    wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > files, process)
    return process


def open_gate(folder: Path, gate: str = "gate") -> None:
    """Let a run that `start_extract` has started compute the remaining rows."""
    (folder / gate).touch()


def kill_extract(folder: Path, *arguments: str, **options: Any) -> None:
    """Start a run with `start_extract`, and kill it after its first files."""
    process = start_extract(folder, *arguments, **options)
    process.kill()
    process.communicate()


def read_output(folder: Path, name: str = "out", *, forgets_command: bool = True) -> Output:
    """Return array, index and record of an output, without the times in the record.

    Args:
        folder: the folder of the output.
        name: the name of the output without extensions.
        forgets_command: whether the command and the name of the output are also removed from the record.
    """
    record = json.loads((folder / f"{name}.run.json").read_text())
    for key in ("started", "seconds", "build_seconds", *("command", "output") * forgets_command):
        del record[key]
    for entry in record["files"]:
        del entry["seconds"]
    return (folder / f"{name}.npy").read_bytes(), (folder / f"{name}.index.csv").read_bytes(), record


def list_outputs(folder: Path) -> list[str]:
    """List the names in a folder that begin with `out`."""
    return sorted(path.name for path in folder.glob("out*"))


def make_work_folder(folder: Path) -> Path:
    """Make a work folder like that of a run that was killed before it had done anything."""
    work = folder / "out.partial"
    work.mkdir()
    (work / "lock").write_text("specfeat 1\n")
    return work
