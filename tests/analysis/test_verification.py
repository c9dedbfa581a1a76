"""`specfeat verify`: an output that is as the run left it is right, and each change of it is found."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import without_tensorflow
from helpers.command_runs import SMALL_BATCH, run_extract, write_sound
from helpers.specfeat_command import FinishedRun, run_in_this_process
from specfeat.analysis.verification import choose_rows


def _verify(folder: Path, *words: str) -> FinishedRun:
    with pytest.MonkeyPatch.context() as patch:
        without_tensorflow.install_fake_network(patch.setitem)
        return run_in_this_process(folder, "verify", *words)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two sounds and an output of 12 rows."""
    folder = tmp_path_factory.mktemp("made")
    for number in range(2):
        write_sound(folder / f"{number}.wav", 1.6, number)
    assert run_extract(folder, "0.wav", "1.wav", "out.npy", *SMALL_BATCH).returncode == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of the folder; the record names the sounds relative to the folder in which it was made."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    record = json.loads((tmp_path / "out.run.json").read_text())
    (tmp_path / "out.run.json").write_text(json.dumps({**record, "folder": str(tmp_path)}))
    return tmp_path


def _change_record(folder: Path, name: str, **fields: Any) -> None:
    """Change the array, the index or the record as someone would who also adapts the hashes."""
    path = folder / "out.run.json"
    record = json.loads(path.read_text())
    content = (folder / name).read_bytes()
    key = "array" if name == "out.npy" else "index"
    record[key] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    path.write_text(json.dumps({**record, **fields}))


def test_an_unchanged_output_is_right(folder: Path) -> None:
    """All rows have the same bytes when they are computed again, whichever are chosen."""
    done = _verify(folder, "out.npy", "-k", "100")
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 computed again: 12 with the same bytes" in done.stdout
    fields = json.loads(_verify(folder, "out.npy", "-k", "3", "--json").stdout)
    assert (fields["schema"], fields["is_right"], [row["row"] for row in fields["rows"]]) == (
        1,
        True,
        [0, 5, 11],
    )


@pytest.mark.parametrize("array_format", ["csv", "jsonl", "npz", "h5"])
def test_other_formats_are_verified(array_format: str, folder: Path) -> None:
    """The rows of every output format are compared."""
    assert run_in_this_process(folder, "convert", "out.npy", f"new.{array_format}").returncode == 0
    done = _verify(folder, f"new.{array_format}", "-k", "4")

    assert (done.returncode, "4 with the same bytes" in done.stdout) == (0, True)


def test_one_row_of_each_file_has_a_row(made: Path, tmp_path: Path) -> None:
    """With a row for each file, the row is made from all clips again."""
    for number in range(2):
        shutil.copy(made / f"{number}.wav", tmp_path)
    words = ("0.wav", "1.wav", "out.npy", *SMALL_BATCH, "--per", "file", "--pool", "mean+std")
    assert run_extract(tmp_path, *words).returncode == 0
    assert "2 with the same bytes" in _verify(tmp_path, "out.npy").stdout


def test_a_changed_value_is_found(folder: Path) -> None:
    """A byte of the array differs from its hash; with an adapted hash, the computed row differs."""
    rows = np.load(folder / "out.npy")
    rows[11, 2] += 0.5
    np.save(folder / "out.npy", rows)
    done = _verify(folder, "out.npy")
    assert (done.returncode, "out.npy" in done.stderr) == (1, True)
    _change_record(folder, "out.npy")
    done = _verify(folder, "out.npy", "-k", "2")
    assert (done.returncode, "row 11 (1.wav) is not what the audio gives" in done.stderr) == (1, True)


def test_json_has_finite_numbers_and_text_in_utf8(tmp_path: Path) -> None:
    """A difference that is not finite is null, and a name of other bytes has its bytes in hexadecimal."""
    name = "caf\udce9.wav"
    write_sound(tmp_path / "a.wav", 0.4, 0)
    (tmp_path / "a.wav").rename(tmp_path / name)
    assert run_extract(tmp_path, name, "out.npy", *SMALL_BATCH).returncode == 0
    rows = np.load(tmp_path / "out.npy")
    rows[:, 0] = np.inf
    np.save(tmp_path / "out.npy", rows)
    _change_record(tmp_path, "out.npy")
    done = _verify(tmp_path, "out.npy", "-k", "1", "--json")

    row = json.loads(done.stdout, parse_constant=pytest.fail)["rows"][0]
    assert (row["path"], row["path_hex"]) == ("caf\ufffd.wav", b"caf\xe9.wav".hex())
    assert (row["status"], row["largest_difference"]) == ("different", None)


def test_a_changed_index_is_found(folder: Path) -> None:
    """Lines that the record does not give are found, although the hash has been adapted; TensorFlow is not needed."""
    index = folder / "out.index.csv"
    index.write_bytes(index.read_bytes().replace(b"1.wav", b"7.wav"))
    assert _verify(folder, "out.npy", "-k", "0").returncode == 1
    _change_record(folder, "out.index.csv")
    done = run_in_this_process(folder, "verify", "out.npy", "-k", "0")
    assert (done.returncode, "other lines than the sounds in the record" in done.stderr) == (1, True)


def test_missing_and_changed_audio_is_named(folder: Path) -> None:
    """Rows whose file is gone, or has another length, cannot be checked: exit code 1."""
    (folder / "0.wav").unlink()
    write_sound(folder / "1.wav", 1.2, 1)
    done = _verify(folder, "out.npy", "-k", "2")

    assert done.returncode == 1
    assert "row 0 (0.wav) could not be computed again: there is no file 0.wav any more" in done.stderr
    assert "row 11 (1.wav) could not be computed again: the file has been changed" in done.stderr


def test_a_wrong_path_is_a_usage_error(tmp_path: Path) -> None:
    """No output: exit code 2."""
    assert run_in_this_process(tmp_path, "verify", "nothing.npy").returncode == 2


def test_the_rows_are_evenly_spaced() -> None:
    """The first and the last row are always among them."""
    assert choose_rows(5, 9) == [0, 1, 2, 3, 4]
    assert choose_rows(100, 1) == [50]
    assert choose_rows(101, 5) == [0, 25, 50, 75, 100]
