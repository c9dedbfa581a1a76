"""Two runs that meet on one output."""

import os
import shutil
import subprocess
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
    open_gate,
    read_output,
    run_extract,
    start_extract,
)
from helpers.waiting import DEADLINE_S, wait_until

pytestmark = pytest.mark.slow


def test_a_second_run_ends_with_75_or_waits(sound_folder: Path) -> None:
    """While one run has the output, another one ends with 75 and names it, or waits as long as the user says."""
    first = start_extract(sound_folder, "in", "out.npy")
    second = run_extract(sound_folder, "in", "out.npy", "--update")
    other_name_run = run_extract(sound_folder, "in", "out")  # it has the same index, so it is the same output
    impatient_run = run_extract(sound_folder, "in", "out.npy", "--update", "--lock-wait", "0.3")
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
    sign = sound_folder / "waits"
    waiting = subprocess.Popen(command, cwd=sound_folder, env={**os.environ, "SIGN_OF_WAITING": str(sign)})
    wait_until(sign.exists, waiting)
    first.terminate()
    open_gate(sound_folder)
    first.communicate()

    assert (second.returncode, other_name_run.returncode, impatient_run.returncode) == (75, 75, 75)
    assert second.stderr == (
        f"specfeat: out.npy: another run (process {first.pid}) is writing it; use --lock-wait SECONDS to wait for the other run\n"
    )
    assert impatient_run.stderr.startswith(
        f"specfeat: out.npy: another run (process {first.pid}) is still writing it after 0.3 s; "
    )
    assert waiting.wait() == 0
    assert list_outputs(sound_folder) == OUTPUT_NAMES


def test_a_killed_run_releases_the_lock(sound_folder: Path) -> None:
    """After SIGKILL the next run gets the lock at once, even if workers of the dead one are still there."""
    first = start_extract(sound_folder, "in", "out.npy", FAKE_NETWORK_WORKERS="processes")
    first.kill()
    first.wait()
    second = run_extract(sound_folder, "in", "out.npy", "--resume", *SMALL_BATCH)
    first.communicate()

    assert (second.returncode, second.stderr) == (0, "")


def test_the_work_folder_is_removed_during_the_run(sound_folder: Path) -> None:
    """The run fails with one sentence and leaves nothing."""
    process = start_extract(sound_folder, "in", "out.npy")
    shutil.rmtree(sound_folder / "out.partial")
    open_gate(sound_folder)
    stderr = process.communicate(timeout=DEADLINE_S)[1]

    assert process.returncode == 1
    assert stderr.count("\n") == 1
    assert "out.partial: has been removed, or another run has taken it, so nothing more is written" in stderr
    assert list_outputs(sound_folder) == []


def test_the_work_folder_is_replaced_during_the_run(sound_folder: Path) -> None:
    """A run whose work folder belongs to another run now writes nothing, and the other run is not disturbed."""
    first = start_extract(sound_folder, "in", "out.npy")
    shutil.rmtree(sound_folder / "out.partial")
    second = start_extract(sound_folder, "in", "out.npy", gate="second gate")
    open_gate(sound_folder)
    stderr = first.communicate(timeout=DEADLINE_S)[1]
    is_absent = not (sound_folder / "out.npy").exists()
    open_gate(sound_folder, "second gate")
    second_stderr = second.communicate(timeout=DEADLINE_S)[1]
    output = read_output(sound_folder)
    assert run_extract(sound_folder, "in", "out.npy", "--force", *SMALL_BATCH).returncode == 0

    assert (first.returncode, is_absent) == (1, True)
    assert (
        stderr
        == "specfeat: out.partial: has been removed, or another run has taken it, so nothing more is written\n"
    )
    assert (second.returncode, second_stderr) == (0, "")
    assert output == read_output(sound_folder)


@pytest.mark.parametrize("name", OUTPUT_NAMES)
def test_a_file_that_appears_during_the_run_is_not_replaced(sound_folder: Path, name: str) -> None:
    """A file that somebody puts in the output's place stays; the finished files are kept."""
    process = start_extract(sound_folder, "in", "out.npy")
    (sound_folder / name).write_text("mine")
    open_gate(sound_folder)
    stderr = process.communicate(timeout=DEADLINE_S)[1]
    resumed_run = run_extract(sound_folder, "in", "out.npy", "--resume", *SMALL_BATCH)

    assert process.returncode == 1
    assert stderr.startswith(
        f"specfeat: {name}: has appeared or changed during the run, so it is not replaced; "
    )
    assert f"{FILE_COUNT} finished files are kept in out.partial" in stderr
    assert resumed_run.returncode == 2
    assert (sound_folder / name).read_text() == "mine"


def test_out_and_out_npy_share_a_work_folder(sound_folder: Path) -> None:
    """A run that was started for one of the two names is not continued or completed as the other."""
    kill_extract(sound_folder, "in", "out.npy")
    refused_run = run_extract(sound_folder, "in", "out", "--resume", *SMALL_BATCH)
    assert run_extract(sound_folder, "in", "out.npy", "--resume", *SMALL_BATCH).returncode == 0
    make_work_folder(sound_folder)
    for name, inside in [("run.json", "run.json"), ("index.csv", "index.csv"), ("npy", "rows.npy")]:
        (sound_folder / f"out.{name}").rename(sound_folder / "out.partial" / inside)
    completing_run = run_extract(sound_folder, "in", "out", *SMALL_BATCH)

    assert (refused_run.returncode, completing_run.returncode) == (2, 2)
    assert "was started with different settings (output: out.npy, now out)" in refused_run.stderr
    assert list_outputs(sound_folder) == OUTPUT_NAMES
