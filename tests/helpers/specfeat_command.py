"""Runs the command `specfeat` in a folder of the test, in a new process or in this process."""

import contextlib
import io
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from specfeat.cli import run_command_line

SPECFEAT = [sys.executable, "-m", "specfeat"]
SAMPLE = Path(__file__).parents[2] / "data" / "sample"

FinishedRun = subprocess.CompletedProcess[str]


def run_specfeat(folder: Path, *words: object, **options: Any) -> FinishedRun:
    """Run `specfeat WORDS...` in a folder, and wait for its end.

    Args:
        folder: the folder to run in.
        words: the words of the command line, which are converted to text.
        options: options of `subprocess.run`.
    """
    return run_program(folder, *SPECFEAT, *words, **options)


def run_in_this_process(folder: Path, *words: object) -> FinishedRun:
    """Run `specfeat WORDS...` in a folder without a new process, which would take half a second of CPU time.

    Use it to test the messages and exit codes of commands that need no TensorFlow.
    """
    stdout, stderr = io.StringIO(), io.StringIO()
    texts = [*map(str, words)]
    with contextlib.chdir(folder), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = run_command_line(texts)
    return FinishedRun(texts, code, stdout.getvalue(), stderr.getvalue())


# Runs several command lines one after the other, so that TensorFlow is loaded once.
RUN_ALL = """
import contextlib, io, json, sys
from specfeat.cli import run_command_line

for words in json.loads(sys.argv[1]):
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = run_command_line(words)
    print(json.dumps([code, stdout.getvalue(), stderr.getvalue()]), flush=True)
"""


def run_in_one_process(folder: Path, *commands: Sequence[object], timeout: float = 300) -> list[FinishedRun]:
    """Run several `specfeat WORDS...` one after the other in one new process, which loads TensorFlow once."""
    texts = [[*map(str, words)] for words in commands]
    done = run_program(folder, sys.executable, "-c", RUN_ALL, json.dumps(texts), timeout=timeout)
    assert (done.returncode, done.stderr) == (0, "")
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    return [FinishedRun(words, *outcome) for words, outcome in zip(texts, outcomes, strict=True)]


def run_program(folder: Path, *words: object, **options: Any) -> FinishedRun:
    """Run any program in a folder, and wait for its end; see `run_specfeat`."""
    return subprocess.run(
        [*map(str, words)],
        **{"cwd": folder, "capture_output": True, "text": True, "check": False, "timeout": 300, **options},
    )


def write_noise(path: Path, seconds: float, sample_rate: int = 16_000) -> None:
    """Write noise to an audio file. Files with different names have different noise. Missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(zlib.crc32(os.fsencode(path.name)))
    soundfile.write(path, generator.normal(size=round(seconds * sample_rate)) / 10, sample_rate)


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the events of a `--log-json` file. Each line must be JSON without lone surrogates."""
    events = [json.loads(line) for line in path.read_bytes().decode("ascii").splitlines()]
    for event in events:
        json.dumps(event, ensure_ascii=False).encode("utf-8")
    return events
