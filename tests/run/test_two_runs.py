"""Two runs that meet on one output."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from helpers.command_runs import (
    COMMAND,
    FILE_COUNT,
    OUTPUT_NAMES,
    SMALL_BATCH,
    kill_extract,
    list_outputs,
    make_work_folder,
    read_output,
    run_extract,
    start_extract,
)

pytestmark = pytest.mark.slow


def test_a_second_run_leaves_with_75_or_waits(folder: Path) -> None:
    """While one run has the output, another one names it and leaves with 75, or waits as long as the user says."""
    first = start_extract(folder, "in", "out.npy", pause_s=3.0)
    second = run_extract(folder, "in", "out.npy", "--update")
    other_name_run = run_extract(folder, "in", "out")  # it has the same index, so it is the same output
    impatient_run = run_extract(folder, "in", "out.npy", "--update", "--lock-wait", "0.3")
    command = [
        *COMMAND,
        "in",
        "out.npy",
        "-c",
        "minimal",
        "-q",
        "--update",
        "--lock-wait",
        "60",
        *SMALL_BATCH,
    ]
    sign = folder / "waits"
    waiting = subprocess.Popen(command, cwd=folder, env={**os.environ, "SIGN_OF_WAITING": str(sign)})
    while not sign.exists():
        assert waiting.poll() is None
        time.sleep(0.01)
    first.terminate()
    first.communicate()

    assert (second.returncode, other_name_run.returncode, impatient_run.returncode) == (75, 75, 75)
    assert second.stderr == (
        f"specfeat: out.npy: another run (process {first.pid}) is at work on it; wait for it with --lock-wait SECONDS\n"
    )
    assert impatient_run.stderr.startswith(
        f"specfeat: out.npy: another run (process {first.pid}) is still at work on it after 0.3 s; "
    )
    assert waiting.wait() == 0
    assert list_outputs(folder) == OUTPUT_NAMES


def test_the_lock_dies_with_its_holder(folder: Path) -> None:
    """After SIGKILL the next run gets the lock at once, even if workers of the dead one are still there."""
    first = start_extract(folder, "in", "out.npy")
    first.kill()
    first.wait()
    second = run_extract(folder, "in", "out.npy", "--resume", *SMALL_BATCH)
    first.communicate()

    assert (second.returncode, second.stderr) == (0, "")


def test_a_work_folder_that_is_removed(folder: Path) -> None:
    """The run fails with one sentence and leaves nothing."""
    process = start_extract(folder, "in", "out.npy")
    shutil.rmtree(folder / "out.partial")
    stderr = process.communicate(timeout=30)[1]

    assert process.returncode == 1
    assert stderr.count("\n") == 1
    assert "out.partial: has been removed, or taken by another run; nothing is written" in stderr
    assert list_outputs(folder) == []


def test_a_work_folder_that_is_another_runs_now(folder: Path) -> None:
    """A run whose folder was removed, and made again by a second run, writes nothing and does not disturb the second."""
    first = start_extract(folder, "in", "out.npy", pause_s=0.2)
    shutil.rmtree(folder / "out.partial")
    second = start_extract(folder, "in", "out.npy", pause_s=0.4)
    stderr = first.communicate(timeout=30)[1]
    is_absent = not (folder / "out.npy").exists()
    second_stderr = second.communicate(timeout=30)[1]
    output = read_output(folder)
    assert run_extract(folder, "in", "out.npy", "--force", *SMALL_BATCH).returncode == 0

    assert (first.returncode, is_absent) == (1, True)
    assert stderr == "specfeat: out.partial: has been removed, or taken by another run; nothing is written\n"
    assert (second.returncode, second_stderr) == (0, "")
    assert output == read_output(folder)


@pytest.mark.parametrize("name", OUTPUT_NAMES)
def test_what_appears_during_the_run_is_not_replaced(folder: Path, name: str) -> None:
    """A file that somebody puts in the output's place stays; the finished files are kept."""
    process = start_extract(folder, "in", "out.npy", pause_s=0.05)
    (folder / name).write_text("mine")
    stderr = process.communicate(timeout=30)[1]
    resumed_run = run_extract(folder, "in", "out.npy", "--resume", *SMALL_BATCH)

    assert process.returncode == 1
    assert stderr.startswith(
        f"specfeat: {name}: has appeared or changed during the run, so it is not replaced; "
    )
    assert f"{FILE_COUNT} finished files are kept in out.partial" in stderr
    assert resumed_run.returncode == 2
    assert (folder / name).read_text() == "mine"


def test_out_and_out_npy_share_a_work_folder(folder: Path) -> None:
    """What one of them has begun or decided never becomes the other one."""
    kill_extract(folder, "in", "out.npy")
    refused_run = run_extract(folder, "in", "out", "--resume", *SMALL_BATCH)
    assert run_extract(folder, "in", "out.npy", "--resume", *SMALL_BATCH).returncode == 0
    make_work_folder(folder)
    for name, inside in [("run.json", "run.json"), ("index.csv", "index.csv"), ("npy", "rows.npy")]:
        (folder / f"out.{name}").rename(folder / "out.partial" / inside)
    completing_run = run_extract(folder, "in", "out", *SMALL_BATCH)

    assert (refused_run.returncode, completing_run.returncode) == (2, 2)
    assert "was started with different settings (output: out.npy, now out)" in refused_run.stderr
    assert list_outputs(folder) == OUTPUT_NAMES
