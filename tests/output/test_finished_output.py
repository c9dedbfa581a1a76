"""Finished outputs are opened for reading."""

from pathlib import Path

import numpy as np
import pytest

from helpers.handmade_outputs import write_output
from helpers.handmade_runs import HandmadeRuns
from specfeat.errors import UsageError
from specfeat.output.finished_output import open_output
from specfeat.run.shard import Shard

FIRST, SECOND = np.arange(6).reshape(3, 2), np.array([[-0.0, 7]])
ROWS = {"b/x.wav": FIRST, "a.wav": SECOND, "bad.wav": None}


@pytest.mark.parametrize("name", ["out.npy", "out.csv", "out.npz", "out.h5"])
def test_rows_index_and_entries_belong_together(name: str, tmp_path: Path) -> None:
    """Each format gives the rows that were written, with the line of the index and the sound of each row."""
    write_output(tmp_path / name, ROWS, labels=("cat", "dog"))
    output = open_output(tmp_path / name)
    index = output.read_index()
    paths = [output.record.files[number].path for number in output.list_row_entries()]

    assert np.array_equal(output.load_rows(), np.concatenate([FIRST, SECOND]))
    assert np.array_equal(np.concatenate([*output.read_blocks()]), output.load_rows())
    assert np.signbit(output.load_rows()[3, 0])
    assert index["path"].tolist() == paths == ["b/x.wav"] * 3 + ["a.wav"]
    assert index["row"].tolist() == [0, 1, 2, 3]
    assert index["start_s"].tolist() == [0, 0.5, 1, 0]
    assert output.feature_names == ("cat", "dog")
    assert [entry.status for entry in output.record.files] == ["ok", "ok", "failed"]


def test_an_output_without_rows(tmp_path: Path) -> None:
    """The output of a shard may have no rows; they are an array of shape (0, features)."""
    (tmp_path / "0").touch()
    HandmadeRuns(tmp_path).run([str(tmp_path / "0")], shard=Shard(1, 2))
    output = open_output(tmp_path / "out.npy")

    assert (output.row_count, output.width, output.load_rows().shape) == (0, 3, (0, 3))
    assert output.read_index()["row"].tolist() == []


def test_a_changed_output_is_refused(tmp_path: Path) -> None:
    """An array that does not belong to the record is refused at once, and another value by its hash."""
    write_output(tmp_path / "out.npy", ROWS)
    output = open_output(tmp_path / "out.npy")
    with output.paths.array.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    with pytest.raises(
        UsageError, match=r"changed since it was written; only an unchanged output can be used$"
    ):
        output.verify()
    with output.paths.array.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(UsageError, match=r"does not match out.run.json; only a complete output can be used$"):
        open_output(tmp_path / "out.npy")


def test_a_sound_is_found_beside_the_run_or_the_output(tmp_path: Path) -> None:
    """A relative path belongs to the folder of the run; if that is gone, the folder of the output counts."""
    (tmp_path / "run").mkdir()
    write_output(tmp_path / "run/out.npy", ROWS)
    output = open_output(tmp_path / "run/out.npy")
    assert output.find_file(output.record.files[1]) == tmp_path / "run/a.wav"
    (tmp_path / "run").rename(tmp_path / "moved")
    moved = open_output(tmp_path / "moved/out.npy")
    assert moved.find_file(moved.record.files[1]) == tmp_path / "moved/a.wav"
