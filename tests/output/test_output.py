"""The three files of an output: whole or absent, and readable by others."""

import csv
import gc
import io
import itertools
import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from helpers.interruption_points import Interrupted
from specfeat import atomic_file
from specfeat.atomic_file import AtomicFile
from specfeat.config.clip_grid import ClipSpan
from specfeat.errors import UsageError
from specfeat.output.array import ArrayWriter
from specfeat.output.index import COLUMNS, IndexWriter
from specfeat.output.paths import OutputPaths
from specfeat.output.record import format_record


@pytest.mark.parametrize(
    ("name", "index", "record"),
    [
        ("out.npy", "out.index.csv", "out.run.json"),
        ("out", "out.index.csv", "out.run.json"),
        ("v1.2", "v1.2.index.csv", "v1.2.run.json"),
        ("a.npy.npy", "a.npy.index.csv", "a.npy.run.json"),
    ],
)
def test_the_array_has_the_name_that_was_given(name: str, index: str, record: str) -> None:
    """The name is exactly the one given; the other two stand beside it."""
    place = OutputPaths(Path("folder") / name)

    assert (place.array.name, place.index.name, place.record.name) == (name, index, record)
    assert place.index.parent == place.array.parent


def test_rows_are_numpys(tmp_path: Path) -> None:
    """What is appended is what NumPy loads, at every number of rows, and by memory map."""
    expected = np.random.default_rng(0).normal(size=(1234, 5)).astype(np.float32)
    for count in (0, 1, 9, 10, 1234):
        writer = ArrayWriter(tmp_path / "out.npy", 5)
        for start in range(0, count, 100):
            writer.append(expected[start : min(count, start + 100)])
        writer.finish()
        writer.close()

        np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), expected[:count])
        np.testing.assert_array_equal(
            np.load(tmp_path / "out.npy", mmap_mode="r" if count else None), expected[:count]
        )


def test_rows_can_be_taken_back(tmp_path: Path) -> None:
    """The rows of a file that broke are gone, and those after it stand where they belong."""
    writer = ArrayWriter(tmp_path / "out.npy", 2)
    writer.append(np.full((3, 2), 1, np.float32))
    writer.append(np.full((4, 2), 2, np.float32))
    writer.take_back(4)
    writer.append(np.full((1, 2), 3, np.float32))
    writer.finish()
    writer.close()

    np.testing.assert_array_equal(np.load(tmp_path / "out.npy")[:, 0], [1, 1, 1, 3])


def test_nothing_stands_there_before_the_end(tmp_path: Path) -> None:
    """A failure leaves what was there before, and no other file."""
    (tmp_path / "out.npy").write_text("old")
    with AtomicFile(tmp_path / "out.npy") as partial:
        partial.file.write(b"new")
        assert (tmp_path / "out.npy").read_text() == "old"

    assert [path.name for path in tmp_path.iterdir()] == ["out.npy"]
    assert (tmp_path / "out.npy").read_text() == "old"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file that was just opened
def test_a_signal_leaves_one_file_or_none(tmp_path: Path) -> None:
    """Wherever it is answered, nothing but the file itself is there, and that it is, is known."""
    for number in itertools.count(1):
        partial = AtomicFile(tmp_path / f"{number}")
        with Interrupted(number, atomic_file.__file__) as signal, partial:
            partial.file.write(b"new")
            partial.sync()
            partial.finish()
        assert partial.is_finished == partial.path.exists()
        assert not list(tmp_path.glob(".*"))
        if not signal.came:
            break

    gc.collect()
    assert number > 20


def test_the_index_reads_back_exactly(tmp_path: Path) -> None:
    """Names with commas, quotes, newlines and odd bytes, and times that give the sample again."""
    names = [
        "a, b.wav",
        'say "hi".wav',
        "new\nline.wav",
        os.fsdecode(b"\xff.wav"),
        "Größe.wav",
        "gro\u0308ße.wav",
    ]
    with (tmp_path / "i.csv").open("wb") as file:
        writer = IndexWriter(file)
        for k, name in enumerate(names):
            writer.add(name, "mix", [ClipSpan(k, k + 441), ClipSpan(7 * k, 7 * k + 441)], 600, 44_100)
    text = (tmp_path / "i.csv").read_bytes().decode("utf-8", "surrogateescape")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))

    assert tuple(lines[0]) == COLUMNS
    assert [int(line["row"]) for line in lines] == list(range(12))
    assert [line["path"] for line in lines[::2]] == names
    assert [float(line["start_s"]) for line in lines[1::2]] == [7 * k / 44_100 for k in range(6)]
    assert [round(float(line["end_s"]) * 44_100) for line in lines[1::2]] == [7 * k + 441 for k in range(6)]
    assert {line["channel"] for line in lines} == {"mix"}


@pytest.mark.parametrize(("samples", "padded"), [(1000, "0"), (75, "0.25"), (10, "0.9"), (100, "0")])
def test_padding_is_told(tmp_path: Path, samples: int, padded: str) -> None:
    """`padded` is the share of the clip that lies after the file's end."""
    with (tmp_path / "i.csv").open("wb") as file:
        IndexWriter(file).add("x", 0, [ClipSpan(0, 100)], samples, 100)

    assert (tmp_path / "i.csv").read_text().splitlines()[1] == f"0,x,0,0.0,1.0,{padded},ok"


def test_the_record_is_ascii_json() -> None:
    """Any reader of JSON can read it, whatever bytes a name has; the name comes back whole."""
    name = os.fsdecode(b"odd\xff\n.wav")
    text = b"".join(format_record({"files": [{"path": name}]})).decode("ascii")

    assert json.loads(text) == {"format": 1, "files": [{"path": name}]}


def test_an_output_is_checked_before_any_work(tmp_path: Path) -> None:
    """What exists, is no file, or cannot be written is one sentence that says what to do."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "old.index.csv").write_text("")
    os.mkfifo(tmp_path / "fifo")
    for name, sentence in [
        ("no/out.npy", "no such folder for the output; make it first: mkdir -p "),
        ("folder", "is a folder; wanted the output's file name"),
    ]:
        with pytest.raises(UsageError, match=sentence):
            OutputPaths(tmp_path / name).check_folder()
    with pytest.raises(UsageError, match=r"old.index.csv: exists already; give another name, --update"):
        OutputPaths(tmp_path / "old.npy").check_free()
    OutputPaths(tmp_path / "old.npy").check_files()
    OutputPaths(tmp_path / "new.npy").check_free()
    for path in (tmp_path / "fifo", Path("/dev/null")):
        with pytest.raises(UsageError, match="is not a regular file"):
            OutputPaths(path).check_files()


def test_a_long_files_lines_do_not_pile_up(tmp_path: Path) -> None:
    """A day's file has its lines written as they are made: what waits in memory stays small."""
    tracemalloc.start()
    with (tmp_path / "index.csv").open("wb") as file:
        writer = IndexWriter(file)
        writer.add("day.wav", "mix", (ClipSpan(k, k + 9) for k in range(150_000)), 149_000, 10)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 2_000_000
    lines = (tmp_path / "index.csv").read_text().splitlines()
    assert len(lines) == 150_001
    assert lines[-1].startswith("149999,day.wav,mix,14999.9,")


def test_own_files_are_known_by_whatever_way_they_are_reached(tmp_path: Path) -> None:
    """Through a link to their folder, they are no files that were passed over; others of their names are."""
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    place = OutputPaths(tmp_path / "data/out.npy")
    others = [str(tmp_path / name) for name in ("link/notes.txt", "out.npy", "link/sub/out.run.json")]
    own = [f"{tmp_path}/link/{name}" for name in ("out.npy", "out.index.csv", "out.partial/rows.npy")]

    assert place.without_own([*own, *others]) == others
