"""Runs over segments: the command, its output, and interruptions."""

import contextlib
import csv
import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from helpers.command_runs import COMMAND, list_outputs, read_output, run_command, run_extract, write_sound

pytestmark = pytest.mark.slow

TABLE = (
    "path,start,end,label\n"
    "b.wav,1,3,wren\n"
    "a.wav,2,3.5,crow\n"
    "a.wav,0,2,owl\n"
    "b.wav,5,99,too long\n"
    "none.wav,0,1,missing\n"
    "a.wav,2,1,backwards\n"
    "b.wav,0,1.5,\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    write_sound(tmp_path / "in/a.wav", 4, 1)
    write_sound(tmp_path / "in/b.wav", 6, 2)
    (tmp_path / "t.csv").write_text(TABLE)
    return tmp_path


def read_index(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "out.index.csv").read_text().splitlines()))


def test_an_output_of_segments(folder: Path) -> None:
    """The rows have the order of the table and are those of the segments alone; wrong segments fail by name."""
    done = run_extract(folder, "in", "out.npy", "--segments", "t.csv")
    assert done.returncode == 3
    failures = sorted(line.removeprefix("specfeat: ") for line in done.stderr.splitlines())
    assert failures[:-1] == [
        "in/a.wav: the part from 2 s to 1 s ends before it begins",
        "in/b.wav: the part from 5 s to 99 s ends after the end of the file, at 6 s",
    ]
    assert failures[-1].startswith("in/none.wav (0 s to 1 s): cannot be opened: ")

    index = read_index(folder)
    assert list(index[0])[7:] == ["segment_start_s", "segment_end_s", "label"]
    assert list(dict.fromkeys((line["path"], line["segment_start_s"], line["label"]) for line in index)) == [
        ("in/b.wav", "1.0", "wren"),
        ("in/a.wav", "2.0", "crow"),
        ("in/a.wav", "0.0", "owl"),
        ("in/b.wav", "0.0", ""),
    ]
    (folder / "one.csv").write_text("path,start,end\na.wav,2,3.5\n")
    run_extract(folder, "in", "one.npy", "--segments", "one.csv")
    rows = np.load(folder / "out.npy")[[line["label"] == "crow" for line in index]]
    np.testing.assert_array_equal(rows, np.load(folder / "one.npy"))


def test_an_update_after_a_change_of_the_table(folder: Path) -> None:
    """New segments are extracted, old ones are kept, and new labels come into the index; then nothing is to do."""
    run_extract(folder, "in", "out.npy", "--segments", "t.csv")
    (folder / "t.csv").write_text(TABLE.replace("wren", "robin") + "a.wav,3,4,new\n")
    command = ("in", "out.npy", "--segments", "t.csv", "--update")
    done = run_command(folder, *command, "-c", "minimal", "--workers", "1", "-v")
    assert "in/a.wav (3 s to 4 s): " in done.stderr
    assert "(1 s to 3 s)" not in done.stderr
    assert " from 5 segments, " in done.stderr
    run_extract(folder, "in", "new.npy", "--segments", "t.csv")
    assert read_output(folder)[:2] == read_output(folder, "new")[:2]
    assert read_output(folder)[2] == read_output(folder, "new")[2]
    before = (folder / "out.run.json").read_bytes()
    assert run_extract(folder, *command).returncode == 3
    assert (folder / "out.run.json").read_bytes() == before


def test_a_killed_run_continues(folder: Path) -> None:
    """After SIGKILL at any time, a resumed run gives the bytes of a run that was not interrupted."""
    lines = [f"{'ab'[k % 2]}.wav,{k / 100},{k / 100 + 1},{k}\n" for k in range(300)]
    (folder / "t.csv").write_text("path,start,end,label\n" + "".join(lines))
    words = ("in", "out.npy", "--segments", "t.csv", "-c", "minimal", "-q", "--workers", "2")
    run_extract(folder, *words[:4])
    expected = read_output(folder)
    environment = {**os.environ, "FAKE_NETWORK_PAUSE_S": "0.05", "FAKE_NETWORK_SYNC_INTERVAL_S": "0"}
    for name in list_outputs(folder):
        (folder / name).unlink()
    journal, kills = folder / "out.partial/journal", 0
    for wanted in (40, 110, 220):
        command = [*COMMAND, *words, "--resume", "--set", "model.batch=16"]
        process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            with contextlib.suppress(FileNotFoundError):
                if journal.read_bytes().count(b"\n") > wanted:
                    process.kill()
                    kills += 1
                    break
            time.sleep(0.002)  # between two looks at the journal
        process.wait()
    run_extract(folder, *words[:4], "--resume", "--set", "model.batch=16")

    assert kills == 3
    array, index, record = read_output(folder)
    assert (array, index) == expected[:2]
    assert record["files"] == expected[2]["files"]


def test_the_same_part_of_all_files(folder: Path) -> None:
    """With --start and --duration, the rows are those of this part; a short file is read to its end."""
    run_extract(folder, "in", "out.npy", "--start", "0:03", "--duration", "2.5", "--label-from", "parent")
    record = json.loads((folder / "out.run.json").read_text())
    assert [entry["samples"] for entry in record["files"]] == [16_000, 40_000]
    assert {line["label"] for line in read_index(folder)} == {"in"}
    assert (
        run_extract(folder, "in", "out.npy", "--start", "0:03", "--duration", "2.5", "--resume").returncode
        == 2
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--segments", "x.csv"), "x.csv: the table of segments cannot be read: No such file"),
        (("--column", "path=x"), "--column is about a table of segments; give the table with --segments"),
        (("--segments", "t.csv", "--column", "x"), "--column x: write FIELD=COLUMN, where FIELD is one of path,"),
        (("--segments", "t.csv", "--column", "path=pth"), "has no column 'pth' (did you mean 'path'?)"),
        (("--segments", "t.csv", "--start", "1"), "a table of segments has times of its own"),
        (("--segments", "t.csv", "--segments-format", "x"), "there is no format of segment tables 'x'"),
        (("--segments", "twice.csv"), "or use --column id=COLUMN with a column in which they differ"),
    ],
)  # fmt: skip
def test_wrong_commands(folder: Path, words: tuple[str, ...], message: str) -> None:
    """A mistake ends the command with exit code 2 and one line that says what to do; nothing is written."""
    (folder / "twice.csv").write_text("path,start\na.wav,1\na.wav,1\n")
    done = run_extract(folder, "in", "out.npy", *words)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert message in done.stderr
    assert list_outputs(folder) == []


def test_the_output_is_not_written_over_the_table(folder: Path) -> None:
    """The index of an output can be a table of segments, but not for an output of the same name."""
    run_extract(folder, "in", "out.npy")
    columns = ("--column", "start=start_s", "--column", "end=end_s")
    refused = run_extract(folder, "out.npy", "--segments", "out.index.csv", *columns, "--force")
    assert (refused.returncode, "would be written over the input" in refused.stderr) == (2, True)


def test_a_playlist(folder: Path) -> None:
    """A playlist is a list of inputs in its folder; comments are skipped; addresses are refused."""
    playlist = folder / "in/list.m3u8"
    playlist.write_text(
        "\ufeff#EXTM3U\r\n#EXTINF:4,A - B\r\nb.wav\r\n\r\nfile://" + str(folder) + "/in/%61.wav\r\n"
    )
    run_extract(folder, "out.npy", "--files-from", "in/list.m3u8")
    paths = [entry["path"] for entry in json.loads((folder / "out.run.json").read_text())["files"]]
    assert paths == ["in/b.wav", f"{folder}/in/a.wav"]
    for text, message in (
        ("http://x/a.mp3\n", "line 1: is an address"),
        ("#EXT-X-VERSION:3\n", "of a stream"),
    ):
        playlist.write_text(text)
        done = run_extract(folder, "new.npy", "--files-from", "in/list.m3u8")
        assert (done.returncode, message in done.stderr) == (2, True)
