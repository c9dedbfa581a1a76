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
def test_changed_inputs(sound_folder: Path, option: str) -> None:
    """Changed, added and removed files, and another order: the output is that of a new run over these files."""
    if option == "--resume":
        kill_extract(sound_folder, "in", "out.npy", files=5)
    else:
        assert run_extract(sound_folder, "in", "out.npy", *SMALL_BATCH).returncode == 0
    (sound_folder / "in/01.wav").unlink()
    write_sound(sound_folder / "in/02.wav", 1.5, 99)  # as long as before
    write_sound(sound_folder / "in/00b.wav", 2.0, 98)
    (sound_folder / "in/03.wav").rename(sound_folder / "in/zz.wav")
    os.utime(sound_folder / "in/04.wav")
    run = run_extract(
        sound_folder,
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
    output = read_output(sound_folder)
    assert (
        run_extract(
            sound_folder,
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
    assert output == read_output(sound_folder, "full")
    assert list_outputs(sound_folder) == OUTPUT_NAMES


def test_a_failed_file_is_not_tried_again_until_it_changes(sound_folder: Path) -> None:
    """It is tried again if it has changed or with --retry-failed; it counts as failed in every run."""
    (sound_folder / "in/05.wav").write_text("no sound")
    first_run = run_extract(sound_folder, "in", "out.npy")
    second_run = run_extract(sound_folder, "in", "out.npy", "--update")
    retry_run = run_extract(sound_folder, "in", "out.npy", "--update", "--retry-failed")
    senseless_run = run_extract(sound_folder, "in", "out.npy", "--force", "--retry-failed")
    write_sound(sound_folder / "in/05.wav", 1.0, 5)
    repaired_run = run_extract(sound_folder, "in", "out.npy", "--update")

    assert [run.returncode for run in (first_run, second_run, retry_run, repaired_run)] == [3, 3, 3, 0]
    assert [run.stderr.count("\n") for run in (first_run, second_run, retry_run, repaired_run)] == [
        1,
        0,
        1,
        0,
    ]
    assert (senseless_run.returncode, senseless_run.stderr) == (
        2,
        "specfeat: failed files can be tried again only in a run that continues or updates an earlier one; use --retry-failed together with --resume or --update\n",
    )
    assert [entry["status"] for entry in read_output(sound_folder)[2]["files"]] == ["ok"] * FILE_COUNT


def test_an_output_that_is_up_to_date_is_found_without_tensorflow(sound_folder: Path) -> None:
    """With nothing to do, --update and --resume write nothing and load neither TensorFlow nor workers: exit 0."""
    assert run_extract(sound_folder, "in", "out.npy").returncode == 0
    before = {path: path.stat().st_mtime_ns for path in sound_folder.glob("out*")}
    code = (
        "import sys; from specfeat.cli import main; sys.argv = ['specfeat', *sys.argv[1:]]; code = main();"
        "print(code, *{'tensorflow', 'keras', 'librosa', 'specfeat.audio.worker_pool', 'specfeat.pipeline'} & set(sys.modules))"
    )
    for option in ("--update", "--resume"):
        run = subprocess.run(
            [sys.executable, "-c", code, "extract", "in", "out.npy", "-c", "minimal", option],
            cwd=sound_folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout == "0\n"
        assert run.stderr.startswith("specfeat: out.npy: ")
        assert f"from {FILE_COUNT} files, up to date" in run.stderr
    assert {path: path.stat().st_mtime_ns for path in sound_folder.glob("out*")} == before


def test_unfinished_work_is_removed_when_the_output_is_up_to_date(sound_folder: Path) -> None:
    """The work of a killed update is of no use once its files are again those of the output."""
    assert run_extract(sound_folder, "in", "out.npy", *SMALL_BATCH).returncode == 0
    for k in range(FILE_COUNT):
        os.utime(sound_folder / f"in/{k:02}.wav", ns=(0, k + 1))
    kill_extract(sound_folder, "in", "out.npy", "--update")
    for entry in read_output(sound_folder)[2]["files"]:
        os.utime(sound_folder / entry["path"], ns=(0, entry["mtime_ns"]))
    run = run_extract(sound_folder, "in", "out.npy", "--update", *SMALL_BATCH)

    assert (run.returncode, run.stderr) == (0, "")
    assert list_outputs(sound_folder) == OUTPUT_NAMES


def test_rows_of_removed_files_are_dropped_without_tensorflow(sound_folder: Path) -> None:
    """If files were only removed, no network is needed."""
    assert run_extract(sound_folder, "in", "out.npy").returncode == 0
    (sound_folder / "in/07.wav").unlink()
    run = subprocess.run(
        [sys.executable, "-m", "specfeat", "extract", "in", "out.npy", "-c", "minimal", "-q", "--update"],
        cwd=sound_folder,
        check=False,
    )
    output = read_output(sound_folder)
    assert run_extract(sound_folder, "in", "out.npy", "--force").returncode == 0

    assert run.returncode == 0
    assert output == read_output(sound_folder)


def test_the_record_has_the_hashes_of_array_and_index(sound_folder: Path) -> None:
    """Size and SHA-256 of both are the ones that any tool computes."""
    assert run_extract(sound_folder, "in", "out.npy").returncode == 0
    record = json.loads((sound_folder / "out.run.json").read_text())
    sums = subprocess.run(
        ["sha256sum", "out.npy", "out.index.csv"],
        cwd=sound_folder,
        capture_output=True,
        text=True,
        check=True,
    )

    assert [line.split()[0] for line in sums.stdout.splitlines()] == [
        record[part]["sha256"] for part in ("array", "index")
    ]
    assert record["array"]["bytes"] == (sound_folder / "out.npy").stat().st_size


def test_output_and_work_folder_are_not_inputs(sound_folder: Path) -> None:
    """With the output in an input folder, neither it nor its work folder is in the record, resumed or not."""
    kill_extract(sound_folder, ".", "out.npy")
    assert run_extract(sound_folder, ".", "out.npy", "--resume", *SMALL_BATCH).returncode == 0
    resumed_output = read_output(sound_folder)
    assert run_extract(sound_folder, ".", "out.npy", "--force", *SMALL_BATCH).returncode == 0

    assert resumed_output == read_output(sound_folder)
    assert resumed_output[2]["passed_over"] == []


def test_a_file_that_is_still_unreadable_counts_as_unchanged(sound_folder: Path) -> None:
    """When it can be read, it is extracted."""
    (sound_folder / "in/03.wav").rename(sound_folder / "away.wav")
    (sound_folder / "in/03.wav").symlink_to("../gone.wav")
    first_run = run_extract(sound_folder, "in", "out.npy")
    second_run = run_extract(sound_folder, "in", "out.npy", "--update")
    (sound_folder / "away.wav").rename(sound_folder / "gone.wav")
    third_run = run_extract(sound_folder, "in", "out.npy", "--update")

    assert [run.returncode for run in (first_run, second_run, third_run)] == [3, 3, 0]
    assert [run.stderr.count("\n") for run in (first_run, second_run, third_run)] == [1, 0, 0]
