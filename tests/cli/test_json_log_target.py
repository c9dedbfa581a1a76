"""`--log-json` is compared with every other file before anything is written to it."""

import os
from pathlib import Path

import pytest

from helpers.broken_audio import write_good_file
from helpers.specfeat_command import run_in_this_process
from specfeat.cli.json_log_target import check_log_target
from specfeat.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_good_file(tmp_path / "a.wav")
    (tmp_path / "list").write_text("a.wav\n")
    (tmp_path / "my.yaml").write_text("model: {}\n")
    (tmp_path / "weights").write_bytes(b"\x89HDF")
    (tmp_path / "one_line.json").write_text('{"model": {}}\n')
    (tmp_path / "link").symlink_to("out.npy")
    (tmp_path / "link.log").symlink_to("weights")
    os.link("list", "hard")
    (tmp_path / "out.partial").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("out.npy", "is the output"),
        ("./out.npy", "is the output"),
        ("link", "is the output"),
        ("out.index.csv", "is its index"),
        ("out.run.json", "is its record"),
        ("out.partial/log", "lies in the work folder out.partial"),
        ("out.partial", "lies in the work folder out.partial"),
        ("a.wav", "is also given as a.wav, which the run reads"),
        ("hard", "is also given as list, which the run reads"),
        ("one_line.json", "is also given as one_line.json, which the run reads"),
        ("my.yaml", "contains something else than a log"),
        ("weights", "contains something else than a log"),
        ("link.log", "contains something else than a log"),
        ("new.WAV", "is named like audio"),
    ],
)
def test_another_file_is_no_log(folder: Path, target: str, sentence: str) -> None:
    """Not under any name, and not if it is not there yet; nothing is written."""
    before = {path.name: path.lstat() for path in folder.iterdir()}
    with pytest.raises(UsageError) as caught:
        check_log_target(target, "out.npy", ["a.wav", "list", None, "one_line.json"])

    assert str(caught.value).startswith(f"--log-json {target}: {sentence}")
    assert str(caught.value).endswith("; name a file of its own, e.g. log.jsonl")
    assert {path.name: path.lstat() for path in folder.iterdir()} == before


def test_a_log_is_appended_to(folder: Path) -> None:
    """A new or empty file, a log, a file of JSON lines, a device and stdout are logs; so is one in an input folder."""
    (folder / "empty").touch()
    (folder / "log").write_text('{"event": "begin", "time"')
    (folder / "lines").write_text('{"level": "info"}\n')
    for target in (
        None,
        "-",
        "new",
        "empty",
        "log",
        "lines",
        "/dev/null",
        "/dev/full",
        "no/folder",
        "minimal",
    ):
        check_log_target(target, "out.npy", [".", None, "minimal"])
    check_log_target("new", "", [])


def test_the_recording_stays_as_it_is(folder: Path) -> None:
    """The command ends with one sentence and exit code 2, and neither the input nor the output is touched."""
    before = (folder / "a.wav").read_bytes()
    for target in ("a.wav", "out.npy"):
        run = run_in_this_process(
            folder, "extract", "a.wav", "out.npy", "-c", "minimal", "--log-json", target
        )

        assert (run.returncode, run.stderr.count("\n")) == (2, 1)
        assert run.stderr.startswith(f"specfeat: --log-json {target}: is ")
    assert (folder / "a.wav").read_bytes() == before
    assert not (folder / "out.npy").exists()
