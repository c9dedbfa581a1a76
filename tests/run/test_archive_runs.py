"""Runs over archives: the rows are those of the files, and a later run knows each member again."""

import csv
import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from helpers import without_tensorflow
from helpers.archives import make_wav, write_archive
from helpers.command_runs import run_extract
from helpers.handmade_runs import InterruptingListener, InterruptionError
from specfeat.run.extract_to import extract_to
from specfeat.run.selection_options import SoundSelection
from specfeat.run.sound_selection import select_sounds
from specfeat.segments import SegmentOptions

FILES = {"b/1.wav": make_wav(1.1, 1), "2.wav": make_wav(2.0, 2), "3.wav": make_wav(1.5, 3)}


def read_paths(folder: Path) -> list[str]:
    """Return the path of each row in the index."""
    lines = csv.DictReader(io.StringIO((folder / "out.index.csv").read_text()))
    return [line["path"] for line in lines]


def read_seconds(folder: Path) -> dict[str, float]:
    """Return how long it took to read each file, which a run keeps for the rows that it takes from an earlier run."""
    files = json.loads((folder / "out.run.json").read_text())["files"]
    return {file["path"]: file["seconds"] for file in files}


@pytest.mark.slow
def test_rows_of_members_and_an_update(tmp_path: Path) -> None:
    """The rows are those of the unpacked files; an update computes the new and the changed members only."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    write_archive(tmp_path / "a.zip", FILES)
    write_archive(tmp_path / "shard.tar", {"0.wav": FILES["2.wav"], "0.json": b"{}"})
    assert run_extract(tmp_path, *FILES, "files.npy").returncode == 0
    assert run_extract(tmp_path, "a.zip", "shard.tar", "out.npy").returncode == 0
    rows, files = np.load(tmp_path / "out.npy"), np.load(tmp_path / "files.npy")
    paths = read_paths(tmp_path)

    np.testing.assert_array_equal(rows[: len(files)], files)
    assert [*dict.fromkeys(paths)] == ["a.zip/b/1.wav", "a.zip/2.wav", "a.zip/3.wav", "shard.tar/0.wav"]

    before = read_seconds(tmp_path)
    write_archive(tmp_path / "a.zip", FILES | {"2.wav": make_wav(2.0, 9), "4.wav": make_wav(1.2, 4)})
    os.utime(tmp_path / "a.zip", (0, 0))
    assert run_extract(tmp_path, "a.zip", "shard.tar", "out.npy", "--update").returncode == 0
    after = read_seconds(tmp_path)

    assert [path for path in after if after[path] != before.get(path)] == ["a.zip/2.wav", "a.zip/4.wav"]
    assert run_extract(tmp_path, "a.zip", "shard.tar", "new.npy").returncode == 0
    assert (tmp_path / "out.npy").read_bytes() == (tmp_path / "new.npy").read_bytes()


@pytest.mark.slow
def test_each_channel_of_a_member(tmp_path: Path) -> None:
    """`channels: each` counts the channels of members, too."""
    write_archive(tmp_path / "a.tar", FILES)
    run = run_extract(tmp_path, "a.tar", "out.npy", "--set", "audio.channels=each")

    assert run.returncode == 0
    lines = csv.DictReader(io.StringIO((tmp_path / "out.index.csv").read_text()))
    assert {line["channel"] for line in lines} == {"0"}


def test_segments_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table names members by their paths below the archive, and a label track belongs to the member with its name."""
    monkeypatch.chdir(tmp_path)
    write_archive(Path("a.zip"), FILES)
    Path("t.csv").write_text("path,start,end\nb/1.wav,0.1,0.5\n2.wav,0,1\nmissing.wav,0,1\n")
    Path("3.txt").write_text("0.5\t1.0\tcall\n")
    found = select_sounds(SoundSelection(segments=SegmentOptions(tables=("t.csv", "3.txt"))), ["a.zip"], [])
    expected = ["a.zip/b/1.wav", "a.zip/2.wav", "a.zip/missing.wav", "a.zip/3.wav"]

    assert [sound.path for sound in found.sounds] == expected
    assert [sound.source is None for sound in found.sounds] == [False, False, True, False]
    assert [sound.columns for sound in found.sounds][-1] == ("call",)


def test_an_archive_is_not_written_over(tmp_path: Path) -> None:
    """A run does not replace its archive, under whatever name."""
    write_archive(tmp_path / "a.zip", FILES)
    os.link(tmp_path / "a.zip", tmp_path / "out.npy")
    run = run_extract(tmp_path, "a.zip", "out.npy", "--force")

    assert run.returncode == 2
    assert "would be written over the input 'a.zip'" in run.stderr
    assert zipfile.is_zipfile(tmp_path / "a.zip")


@pytest.mark.slow
def test_an_interrupted_run_over_an_archive_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finished members are kept, and only the others are read; the result is that of an unbroken run."""
    without_tensorflow.install_fake_network(monkeypatch.setitem)
    monkeypatch.chdir(tmp_path)
    write_archive(tmp_path / "a.tar.gz", FILES)
    with pytest.raises(InterruptionError):
        extract_to("a.tar.gz", "out.npy", "minimal", workers=1, listener=InterruptingListener(2))
    listener = InterruptingListener(-1)
    extract_to("a.tar.gz", "out.npy", "minimal", workers=1, resume=True, listener=listener)
    extract_to("a.tar.gz", "full.npy", "minimal", workers=1)

    assert listener.ended_sounds == ["a.tar.gz/3.wav"]
    assert (tmp_path / "out.npy").read_bytes() == (tmp_path / "full.npy").read_bytes()
