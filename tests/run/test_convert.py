"""Converting a finished output: the rows, index and entries stay, and the record says from what."""

import json
from pathlib import Path

import numpy as np
import pytest

from helpers.handmade_runs import HandmadeRuns
from helpers.specfeat_command import run_in_this_process
from specfeat.errors import UsageError
from specfeat.output.previous_run import find_output_paths, read_previous_output
from specfeat.run.convert import convert_output


def test_a_converted_output_is_that_of_a_run(tmp_path: Path) -> None:
    """The array has the bytes of a run that writes this format; it can be updated, and converted back."""
    npy, csv = HandmadeRuns(tmp_path), HandmadeRuns(tmp_path, "out.csv")
    files = npy.write_files(3)
    assert npy.run(files)
    assert csv.run(files)
    wanted = csv.paths.array.read_bytes()
    before = {path: path.read_bytes() for path in npy.paths.files}
    with pytest.raises(UsageError, match=r"out.csv: exists already"):
        convert_output(npy.paths.array, csv.paths.array)
    summary = convert_output(npy.paths.array, csv.paths.array, force=True)
    record = json.loads(csv.paths.record.read_text())

    assert csv.paths.array.read_bytes() == wanted
    assert summary.rows == record["rows"]
    assert csv.paths.index.read_bytes() == npy.paths.index.read_bytes()
    assert {path: path.read_bytes() for path in npy.paths.files} == before
    old_record = read_previous_output(npy.paths).record
    assert record["converted_from"] == {
        "output": str(npy.paths.array),
        "sha256": old_record.array.sha256,
    }
    assert read_previous_output(csv.paths).entries == old_record.files
    assert csv.run(files, update=True) is None  # up to date
    assert csv.run(files[1:], update=True)
    convert_output(csv.paths.array, tmp_path / "back.npy")
    np.testing.assert_array_equal(
        np.load(tmp_path / "back.npy"), np.load(npy.paths.array)[old_record.files[0].rows :]
    )


def test_the_format_of_the_source_is_in_its_record(tmp_path: Path) -> None:
    """A folder with a file for each sound, and a name without an extension, are recognised."""
    runs = HandmadeRuns(tmp_path)
    runs.run(runs.write_files(3))
    convert_output(runs.paths.array, tmp_path / "folder/", array_format="npy-files")
    convert_output(tmp_path / "folder", tmp_path / "again.npy")

    assert find_output_paths(tmp_path / "folder").format_name == "npy-files"
    assert (tmp_path / "again.npy").read_bytes() == runs.paths.array.read_bytes()


def test_only_a_complete_output_is_converted(tmp_path: Path) -> None:
    """A missing record, a changed array, the output itself: each is a sentence, and nothing is written."""
    runs = HandmadeRuns(tmp_path)
    runs.run(runs.write_files(2))
    for source, target, message in [
        ("none.npy", "out.csv", "none.npy: is missing, so the output is not complete; only a complete"),
        ("out.npy", "out.npy", "out.npy: would be written over the input"),
        ("out.npy", "no/out.csv", "no such folder for the output"),
    ]:
        with pytest.raises(UsageError, match=message):
            convert_output(tmp_path / source, tmp_path / target)
    array = bytearray(runs.paths.array.read_bytes())
    array[-1] ^= 1
    runs.paths.array.write_bytes(array)
    with pytest.raises(UsageError, match=r"has been changed since it was written; only a complete"):
        convert_output(runs.paths.array, tmp_path / "out.csv")

    assert not list(tmp_path.glob("out.csv*"))


def test_the_command_converts(tmp_path: Path) -> None:
    """One line says what was written; a folder is replaced only if nobody has put a file there."""
    runs = HandmadeRuns(tmp_path)
    runs.run(runs.write_files(2))
    words = ["convert", "out.npy", "each", "--format", "csv-files"]
    done = run_in_this_process(tmp_path, *words)
    refused = run_in_this_process(tmp_path, *words)
    forced = run_in_this_process(tmp_path, *words, "--force", "-q")
    (tmp_path / "each/mine.txt").touch()
    kept = run_in_this_process(tmp_path, *words, "--force")

    rows = len(np.load(runs.paths.array))
    assert (done.returncode, done.stderr) == (0, f"specfeat: each: {rows} rows x 3 features, from out.npy\n")
    assert (refused.returncode, "each: exists already" in refused.stderr) == (2, True)
    assert (forced.returncode, forced.stderr) == (0, "")
    assert (kept.returncode, "each: contains mine.txt, which specfeat has not" in kept.stderr) == (2, True)
    assert (tmp_path / "each/mine.txt").exists()
