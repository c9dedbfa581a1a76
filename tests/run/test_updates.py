"""An output is brought up to date: new, changed and removed files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.command_runs import (
    FILE_COUNT,
    OUTPUT_NAMES,
    SMALL_BATCH,
    kill_extract,
    list_outputs,
    read_output,
    run_extract,
    write_sound,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("option", ["--resume", "--update"])
def test_inputs_that_change_in_between(folder: Path, option: str) -> None:
    """Changed, added and removed files, and another order: the result is that of a run over what is there now."""
    if option == "--resume":
        kill_extract(folder, "in", "out.npy", files=5)
    else:
        assert run_extract(folder, "in", "out.npy", *SMALL_BATCH).returncode == 0
    (folder / "in/01.wav").unlink()
    write_sound(folder / "in/02.wav", 1.5, 99)  # as long as before
    write_sound(folder / "in/00b.wav", 2.0, 98)
    (folder / "in/03.wav").rename(folder / "in/zz.wav")
    os.utime(folder / "in/04.wav")
    run = run_extract(
        folder,
        "in/05.wav",
        "in/04.wav",
        "in/02.wav",
        "in/00b.wav",
        "in/00.wav",
        "in/zz.wav",
        "out.npy",
        option,
        *SMALL_BATCH,
    )
    output = read_output(folder)
    assert (
        run_extract(
            folder,
            "in/05.wav",
            "in/04.wav",
            "in/02.wav",
            "in/00b.wav",
            "in/00.wav",
            "in/zz.wav",
            "full.npy",
            *SMALL_BATCH,
        ).returncode
        == 0
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert output == read_output(folder, "full")
    assert list_outputs(folder) == OUTPUT_NAMES


def test_what_failed_is_kept_until_it_changes(folder: Path) -> None:
    """A file that failed is not tried again, unless it has changed or is to be; it counts every time."""
    (folder / "in/05.wav").write_text("no sound")
    first_run = run_extract(folder, "in", "out.npy")
    second_run = run_extract(folder, "in", "out.npy", "--update")
    retry_run = run_extract(folder, "in", "out.npy", "--update", "--retry-failed")
    senseless_run = run_extract(folder, "in", "out.npy", "--force", "--retry-failed")
    write_sound(folder / "in/05.wav", 1.0, 5)
    repaired_run = run_extract(folder, "in", "out.npy", "--update")

    assert [run.returncode for run in (first_run, second_run, retry_run, repaired_run)] == [3, 3, 3, 0]
    assert [run.stderr.count("\n") for run in (first_run, second_run, retry_run, repaired_run)] == [
        1,
        0,
        1,
        0,
    ]
    assert (senseless_run.returncode, senseless_run.stderr) == (
        2,
        "specfeat: to retry failed files is possible only for an earlier run; add --resume or --update\n",
    )
    assert [entry["status"] for entry in read_output(folder)[2]["files"]] == ["ok"] * FILE_COUNT


def test_up_to_date_is_told_without_tensorflow(folder: Path) -> None:
    """With nothing to do, --update and --resume write nothing and load neither TensorFlow nor workers: exit 0."""
    assert run_extract(folder, "in", "out.npy").returncode == 0
    before = {path: path.stat().st_mtime_ns for path in folder.glob("out*")}
    code = (
        "import sys; from specfeat.cli import main; sys.argv = ['specfeat', *sys.argv[1:]]; code = main();"
        "print(code, *{'tensorflow', 'keras', 'librosa', 'specfeat.audio.worker_pool', 'specfeat.pipeline'} & set(sys.modules))"
    )
    for option in ("--update", "--resume"):
        run = subprocess.run(
            [sys.executable, "-c", code, "extract", "in", "out.npy", "-c", "minimal", option],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout == "0\n"
        assert run.stderr.startswith("specfeat: out.npy: ")
        assert f"from {FILE_COUNT} files, up to date" in run.stderr
    assert {path: path.stat().st_mtime_ns for path in folder.glob("out*")} == before


def test_left_work_goes_when_the_output_is_whole(folder: Path) -> None:
    """What a killed update has left is of no use once the output is what it would make, and goes."""
    assert run_extract(folder, "in", "out.npy", *SMALL_BATCH).returncode == 0
    for k in range(FILE_COUNT):
        os.utime(folder / f"in/{k:02}.wav", ns=(0, k + 1))
    kill_extract(folder, "in", "out.npy", "--update")
    for entry in read_output(folder)[2]["files"]:
        os.utime(folder / entry["path"], ns=(0, entry["mtime_ns"]))
    run = run_extract(folder, "in", "out.npy", "--update", *SMALL_BATCH)

    assert (run.returncode, run.stderr) == (0, "")
    assert list_outputs(folder) == OUTPUT_NAMES


def test_removed_files_only(folder: Path) -> None:
    """When files have only gone, their rows go without TensorFlow."""
    assert run_extract(folder, "in", "out.npy").returncode == 0
    (folder / "in/07.wav").unlink()
    run = subprocess.run(
        [sys.executable, "-m", "specfeat", "extract", "in", "out.npy", "-c", "minimal", "-q", "--update"],
        cwd=folder,
        check=False,
    )
    output = read_output(folder)
    assert run_extract(folder, "in", "out.npy", "--force").returncode == 0

    assert run.returncode == 0
    assert output == read_output(folder)


def test_the_record_binds_array_and_index(folder: Path) -> None:
    """The record has size and SHA-256 of both, as any tool computes them."""
    assert run_extract(folder, "in", "out.npy").returncode == 0
    record = json.loads((folder / "out.run.json").read_text())
    sums = subprocess.run(
        ["sha256sum", "out.npy", "out.index.csv"], cwd=folder, capture_output=True, text=True, check=True
    )

    assert [line.split()[0] for line in sums.stdout.splitlines()] == [
        record[part]["sha256"] for part in ("array", "index")
    ]
    assert record["array"]["bytes"] == (folder / "out.npy").stat().st_size


def test_the_work_folder_is_no_input(folder: Path) -> None:
    """With the output among the inputs, neither it nor its work folder shows in the record: resumed or not, it is the same."""
    kill_extract(folder, ".", "out.npy")
    assert run_extract(folder, ".", "out.npy", "--resume", *SMALL_BATCH).returncode == 0
    resumed_output = read_output(folder)
    assert run_extract(folder, ".", "out.npy", "--force", *SMALL_BATCH).returncode == 0

    assert resumed_output == read_output(folder)
    assert resumed_output[2]["passed_over"] == []


def test_files_that_cannot_be_read_now_or_then(folder: Path) -> None:
    """A file is the same if it could be read neither then nor now; when it can be, it is extracted."""
    (folder / "in/03.wav").rename(folder / "away.wav")
    (folder / "in/03.wav").symlink_to("../gone.wav")
    first_run = run_extract(folder, "in", "out.npy")
    second_run = run_extract(folder, "in", "out.npy", "--update")
    (folder / "away.wav").rename(folder / "gone.wav")
    third_run = run_extract(folder, "in", "out.npy", "--update")

    assert [run.returncode for run in (first_run, second_run, third_run)] == [3, 3, 0]
    assert [run.stderr.count("\n") for run in (first_run, second_run, third_run)] == [1, 0, 0]
