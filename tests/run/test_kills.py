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
from helpers.waiting import wait_until

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]


def test_killed_at_any_step_and_at_random_moments(tmp_path: Path) -> None:
    """At each sixth step that touches the disk, for five ways of beginning and going on, and 40 times at random.

    And SIGTERM at each 797th place of 10,000 where it may be answered.
    """
    command = [sys.executable, "-m", "helpers.kill_runs", str(tmp_path), "6", "797"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TESTS)
    kills = {name: count for line in done.stdout.splitlines() for name, count in json.loads(line).items()}

    assert done.stderr == ""
    assert done.returncode == 0
    assert len(kills) == 12
    assert kills.pop("random moments") >= 40
    assert min(kills.values()) >= 5


@pytest.mark.tf
def test_killed_with_tensorflow(tmp_path: Path) -> None:
    """A run with a real network that is stopped and then killed can be continued; the record has the same command."""
    (tmp_path / "in").mkdir()
    for k in range(8):
        noise = np.random.default_rng(k).normal(size=480_000 // (k + 1)) / 10
        soundfile.write(tmp_path / f"in/{k}.wav", noise, 16_000)
    command = [sys.executable, "-m", "specfeat", "extract", "in", "out.npy", "-c", "yamnet", "-q"]

    rows = tmp_path / "out.partial" / "rows.npy"

    def run(*more: str, ended_by: int = 0, after: int = 0) -> None:
        process = subprocess.Popen([*command, *more], cwd=tmp_path, stderr=subprocess.DEVNULL)
        if ended_by:
            wait_until(lambda: rows.exists() and rows.stat().st_size > after, process)
            process.send_signal(ended_by)
        assert process.wait() == {0: 0, signal.SIGTERM: 143, signal.SIGKILL: -9}[ended_by]

    run()
    wanted: Any = read_output(tmp_path, forgets_command=False)
    for path in tmp_path.glob("out*"):
        path.unlink()
    run(ended_by=signal.SIGTERM, after=len(wanted[0]) // 3)
    run("--resume", ended_by=signal.SIGKILL, after=len(wanted[0]) // 2)
    run("--resume")

    assert read_output(tmp_path, forgets_command=False) == wanted
