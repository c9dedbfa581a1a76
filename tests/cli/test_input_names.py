"""Names of inputs, from a list and on the command line: whatever bytes they have, each file keeps its name."""

import codecs
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from helpers.broken_audio import write_good_file
from helpers.forked_commands import run_forked
from helpers.specfeat_command import read_log, write_noise
from specfeat.audio.discovery import find_sounds
from specfeat.cli.app import run_command_line
from specfeat.cli.input_list import read_input_list
from specfeat.errors import NoUsableAudioError, UsageError

NAMES = [
    b"a/same.wav",
    b"b/same.wav",
    b"a/same.flac",
    b"new\nline.wav",
    b"-dash.wav",
    b"--files-from.wav",
    b"# no comment.wav",
    b" spaces .wav ",
    b"odd\xff\xfe.wav",
    "caf\u00e9.wav".encode(),
    "cafe\u0301.wav".encode(),
    b"quote\"'.wav",
    b"return\r.wav",
    "\u2028\u202e.wav".encode(),
]


@pytest.mark.parametrize("null", [True, False])
def test_names_are_read_as_bytes(tmp_path: Path, null: bool) -> None:
    """Each name keeps all its bytes: dashes, hashes, spaces and bytes that are not UTF-8 have no special meaning."""
    names = [name for name in NAMES if null or b"\n" not in name]
    end = b"\0" if null else b"\n"
    path = tmp_path / "list"

    path.write_bytes(end.join(names) + end)
    assert [os.fsencode(name) for name in read_input_list(str(path), null=null)] == names
    path.write_bytes(end.join(names))  # the last name without an end
    assert [os.fsencode(name) for name in read_input_list(str(path), null=null)] == names


def test_a_wrong_list_is_refused(tmp_path: Path) -> None:
    """A list that is empty, does not exist, is a folder, or has NUL bytes without --null: one sentence for each."""
    (tmp_path / "empty").write_bytes(b"\n\n")
    (tmp_path / "nulls").write_bytes(b"a.wav\0b.wav\0")

    with pytest.raises(NoUsableAudioError, match="names no file"):
        read_input_list(str(tmp_path / "empty"), null=False)
    with pytest.raises(UsageError, match="add -0 if names end in them"):
        read_input_list(str(tmp_path / "nulls"), null=False)
    for name in ("nowhere", "."):
        with pytest.raises(UsageError, match="cannot be read"):
            read_input_list(str(tmp_path / name), null=True)


@pytest.mark.parametrize("null", [True, False])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", ["rec/a.wav\r\nrec/b.wav\r\n", "rec/a.wav", "rec/音.wav\nrec/x.wav\n"])
def test_a_list_in_utf16_is_refused(tmp_path: Path, text: str, encoding: str, null: bool) -> None:
    """With -0 it would name the files r, e and c and the folder /, so nobody is told to add it."""
    path = tmp_path / "list"
    path.write_bytes(text.encode(encoding))
    if encoding == "utf-16":
        path.write_bytes(codecs.BOM_UTF16_BE + text.encode("utf-16-be"))

    with pytest.raises(
        UsageError, match="is text in UTF-16 or UTF-32, in which no name can be read; save it as UTF-8"
    ):
        read_input_list(str(path), null=null)


@pytest.mark.parametrize(
    "names",
    [[b"\xff\xfeodd.wav", b"b.wav"], [b"a", b"b", b"c"], [b"./a", b"./b"], [b"\xfe\xff"], [b"a.b", b"c.d"]],
)
def test_names_that_look_like_utf16_are_read(tmp_path: Path, names: list[bytes]) -> None:
    """Names of single bytes, or that begin with the mark of UTF-16, are names in a list with NUL bytes."""
    (tmp_path / "list").write_bytes(b"\0".join(names) + b"\0")

    assert [os.fsencode(name) for name in read_input_list(str(tmp_path / "list"), null=True)] == names


def test_a_list_of_windows_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark of UTF-8 and carriage returns belong to a name only if such a file exists, and always with -0."""
    monkeypatch.chdir(tmp_path)
    mark = "\ufeff"
    text = f"{mark}a.wav\r\ngone.wav\r\n\r\nicon\r\nb.wav\nc.wav\r"
    (tmp_path / "list").write_bytes(text.encode())
    (tmp_path / "icon\r").touch()

    assert read_input_list("list", null=False) == ["a.wav", "gone.wav", "icon\r", "b.wav", "c.wav"]
    (tmp_path / f"{mark}a.wav\r").touch()
    assert read_input_list("list", null=False)[0] == f"{mark}a.wav\r"
    assert read_input_list("list", null=True) == [text]


def test_a_listed_file_may_be_missing(tmp_path: Path) -> None:
    """A missing file is one that fails if a list names it, and a mistake on the command line."""
    write_good_file(tmp_path / "a.wav")
    existing, missing = str(tmp_path / "a.wav"), str(tmp_path / "gone.wav")

    assert [sound.path for sound in find_sounds([], [existing, missing]).sounds] == [existing, missing]
    with pytest.raises(UsageError, match="no such file or folder"):
        find_sounds([existing, missing])
    with pytest.raises(UsageError, match="is named twice"):
        find_sounds([existing], [f"{tmp_path}/./a.wav"])


def test_an_input_that_cannot_be_looked_at_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network disk that does not answer costs itself; only a name that nothing has is a mistake of the user."""
    monkeypatch.chdir(tmp_path)
    stat, lstat = os.stat, os.lstat

    def fail_at(call: Callable[..., Any]) -> Callable[..., Any]:
        def fail(path: Any, **options: Any) -> Any:
            if str(path).endswith("stale"):
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            return call(path, **options)

        return fail

    monkeypatch.setattr(os, "stat", fail_at(stat))
    monkeypatch.setattr(os, "lstat", fail_at(lstat))
    code = run_command_line(["extract", "stale", "gone", "o.npy", "-c", "minimal"])

    assert code == 2
    assert capsys.readouterr().err.startswith("specfeat: gone: no such file or folder")


@pytest.mark.tf
@pytest.mark.slow
def test_each_file_keeps_its_identity(tmp_path: Path) -> None:
    """In list, index, record and log, files of one name, odd bytes and names that look alike stay apart."""
    import pandas as pd

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "loop").symlink_to("..")
    for k, name in enumerate(NAMES):
        path = tmp_path / "plain.wav"
        write_good_file(path, 0.3 + k / 10, seed=k)
        if name.endswith(b"flac"):
            soundfile.write(path, *soundfile.read(path), format="FLAC")
        path.rename(tmp_path / os.fsdecode(name))
    names = [*NAMES, b"gone.wav"]
    options = ("--files-from", "-", "-0", "-c", "minimal", "-q", "--log-json", "log")
    input_list = os.fsdecode(b"\0".join(names) + b"\0")
    run = run_forked(tmp_path, "extract", "o.npy", *options, text=input_list)
    index = pd.read_csv(tmp_path / "o.index.csv", encoding_errors="surrogateescape", dtype={"path": object})
    record = json.loads((tmp_path / "o.run.json").read_text())
    events = read_log(tmp_path / "log")
    logged_names = [
        bytes.fromhex(event["path_hex"]) if "path_hex" in event else event["path"].encode()
        for event in events
        if event["event"] == "file"
    ]
    rows = np.load(tmp_path / "o.npy")

    assert (run.returncode, run.stdout) == (3, "")
    assert run.stderr == "specfeat: gone.wav: cannot be opened: No such file or directory\n"
    assert [os.fsencode(path) for path in dict.fromkeys(index["path"])] == NAMES
    assert [os.fsencode(file["path"]) for file in record["files"]] == names
    assert logged_names == names
    assert [event["event"] for event in events[:3]] == ["begin", "built", "warning"]
    assert events[-1].items() >= {"event": "end", "exit_code": 3, "files": 15, "failed": 1}.items()
    assert len({rows[index["path"] == os.fsdecode(name)].tobytes() for name in NAMES}) == len(NAMES)


@pytest.mark.tf
def test_names_in_a_folder_are_kept(tmp_path: Path) -> None:
    """Newlines, a leading dash, commas, odd bytes: each file keeps its name in index and record."""
    names = [b"new\nline.wav", b"-q.wav", b"a,b.wav", b"odd\xff.wav", "grüße.wav".encode()]
    (tmp_path / "in").mkdir()
    for name in names:
        write_noise(tmp_path / "plain.wav", 0.5)
        (tmp_path / "plain.wav").rename(tmp_path / "in" / os.fsdecode(name))
    run = run_forked(tmp_path, "extract", "in", "out.npy", "-c", "minimal", "-v")
    record = json.loads((tmp_path / "out.run.json").read_text())
    index = (tmp_path / "out.index.csv").read_bytes()

    assert run.returncode == 0
    assert [os.fsencode(file["path"]) for file in record["files"]] == [
        b"in/" + name for name in sorted(names)
    ]
    assert all(name in index for name in names)
    assert r"in/new\nline.wav: 2 rows" in run.stderr
    assert r"in/odd\xff.wav: 2 rows" in run.stderr
