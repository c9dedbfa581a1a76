"""SIGKILL at any moment: a run that goes on leaves what a run that nobody killed leaves."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from helpers.command_runs import read_output
from helpers.forked_commands import run_forked
from helpers.long_tests import IS_LONG_FORM
from helpers.waiting import wait_until

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]


def test_killed_at_any_step_and_at_random_moments(tmp_path: Path) -> None:
    """At each sixth step that touches the disk, for five ways of beginning and going on, and 40 times at random.

    And SIGTERM at each 797th place of 10,000 where it may be answered. In the short form, there are a tenth of the
    steps and a sixth of the places, other ones for each way, and four random moments.
    """
    numbers = ("6", "797", "40") if IS_LONG_FORM else ("59", "4999", "4")
    command = [sys.executable, "-m", "helpers.kill_runs", str(tmp_path), *numbers]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TESTS)
    kills = {name: count for line in done.stdout.splitlines() for name, count in json.loads(line).items()}

    assert done.stderr == ""
    assert done.returncode == 0
    assert len(kills) == 12
    assert kills.pop("random moments") >= int(numbers[2])
    assert min(kills.values()) >= (5 if IS_LONG_FORM else 1)


@pytest.mark.tf
def test_killed_with_tensorflow(tmp_path: Path) -> None:
    """A run with a real network that is killed can be continued; the record has the same command."""
    (tmp_path / "in").mkdir()
    for k in range(8):
        noise = np.random.default_rng(k).normal(size=480_000 // (k + 1)) / 10
        soundfile.write(tmp_path / f"in/{k}.wav", noise, 16_000)
    words = ["extract", "in", "out.npy", "-c", "yamnet", "-q"]
    rows = tmp_path / "out.partial" / "rows.npy"

    def interrupt(number: int, exit_code: int, after: int, *options: str) -> None:
        command = [sys.executable, "-m", "specfeat", *words, *options]
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
        wait_until(lambda: rows.exists() and rows.stat().st_size > after, process)
        process.send_signal(number)
        assert process.wait() == exit_code

    def read_comparable_output() -> Any:
        *files, record = read_output(tmp_path, forgets_command=False)
        return files, {**record, "command": record["command"][1:]}  # without the name of the program

    assert run_forked(tmp_path, *words).returncode == 0
    wanted = read_comparable_output()
    size = (tmp_path / "out.npy").stat().st_size
    for path in tmp_path.glob("out*"):
        path.unlink()
    if IS_LONG_FORM:  # a run that SIGTERM stops is also in the test above
        interrupt(signal.SIGTERM, 143, size // 3)
    interrupt(signal.SIGKILL, -9, size // 2, *(["--resume"] if IS_LONG_FORM else []))
    assert run_forked(tmp_path, *words, "--resume").returncode == 0

    assert read_comparable_output() == wanted
