"""`--include` and `--exclude` in a whole run."""

import json
from pathlib import Path

import pytest

from helpers.command_runs import SMALL_BATCH, read_output, run_extract, write_sound

pytestmark = pytest.mark.slow


def write_folders(folder: Path) -> None:
    for k, name in enumerate(("in/a.wav", "in/noise/b.wav", "in/c.wav")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_sound(folder / name, 1.0, k)


def read_names(folder: Path) -> list[str]:
    return [entry["path"] for entry in json.loads((folder / "out.run.json").read_text())["files"]]


def test_patterns_choose_the_files_of_a_run(tmp_path: Path) -> None:
    """The output is that of the chosen files alone, and an update drops the rows of a file that is now left out."""
    write_folders(tmp_path)
    run = run_extract(tmp_path, "in", "out.npy", "--exclude", "noise/", "--include", "*.wav", *SMALL_BATCH)

    assert run.returncode == 0
    assert read_names(tmp_path) == ["in/a.wav", "in/c.wav"]
    assert run_extract(tmp_path, "in/a.wav", "in/c.wav", "named.npy", *SMALL_BATCH).returncode == 0
    assert read_output(tmp_path) == read_output(tmp_path, "named")
    assert run_extract(tmp_path, "in", "out.npy", "--update", "--include=a.*", *SMALL_BATCH).returncode == 0
    assert read_names(tmp_path) == ["in/a.wav"]


def test_patterns_that_choose_nothing_end_the_run(tmp_path: Path) -> None:
    """Exit code 4 as for a folder without audio; an empty pattern is a usage error."""
    write_folders(tmp_path)

    assert run_extract(tmp_path, "in", "out.npy", "--include", "*.wvv").returncode == 4
    assert run_extract(tmp_path, "in", "out.npy", "--exclude", "").returncode == 2
    assert not (tmp_path / "out.npy").exists()
