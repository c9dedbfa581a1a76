"""The index: a line for each row, that any reader of CSV reads back exactly."""

import csv
import io
import os
import tracemalloc
from pathlib import Path

import pytest

from helpers.sample_records import make_entry
from specfeat.config import load_config
from specfeat.config.clip_grid import ClipSpan
from specfeat.output.index import COLUMNS, IndexWriter, SoundColumns, write_index


def _read(path: Path) -> list[dict[str, str]]:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_index_reads_back_exactly(tmp_path: Path) -> None:
    """Names with commas, quotes, newlines and bytes that are not UTF-8, and times that give the sample again."""
    names = [
        "a, b.wav",
        'say "hi".wav',
        "new\nline.wav",
        "carriage\rreturn.wav",
        os.fsdecode(b"\xff.wav"),
        "Größe.wav",
        "gro\u0308ße.wav",
    ]
    with (tmp_path / "i.csv").open("wb") as file:
        index = IndexWriter(file, "mix", 44_100)
        for k, name in enumerate(names):
            spans = [ClipSpan(k, k + 441), ClipSpan(7 * k, 7 * k + 441)]
            index.add_sound(make_entry(name, 2, samples=600), spans)
    lines = _read(tmp_path / "i.csv")
    count = len(names)

    assert tuple(lines[0]) == COLUMNS
    assert [int(line["row"]) for line in lines] == list(range(2 * count))
    assert [line["path"] for line in lines[::2]] == names
    assert [float(line["start_s"]) for line in lines[1::2]] == [7 * k / 44_100 for k in range(count)]
    assert [round(float(line["end_s"]) * 44_100) for line in lines[1::2]] == [
        7 * k + 441 for k in range(count)
    ]
    assert {line["channel"] for line in lines} == {"mix"}


@pytest.mark.parametrize(("samples", "padded"), [(1000, "0"), (75, "0.25"), (10, "0.9"), (100, "0")])
def test_padded_is_the_share_of_silence(tmp_path: Path, samples: int, padded: str) -> None:
    """`padded` is the share of the clip that lies after the end of the sound."""
    with (tmp_path / "i.csv").open("wb") as file:
        IndexWriter(file, 0, 100).add_sound(make_entry("x", 1, samples=samples), [ClipSpan(0, 100)])

    assert (tmp_path / "i.csv").read_text().splitlines()[1] == f"0,x,0,0.0,1.0,{padded},ok"


def test_a_part_has_the_seconds_of_its_file(tmp_path: Path) -> None:
    """A part that begins at 2.5 s has its first row there; its channel, times, id and label have their columns."""
    part = make_entry(
        "a.wav", 2, channel=1, start_s=2.5, end_s=4.0, id="call, 7", columns=("wren",), samples=150
    )
    columns = SoundColumns(has_times=True, has_ids=True, additional=("label",))
    with (tmp_path / "i.csv").open("wb") as file:
        index = IndexWriter(file, "mix", 100, columns)
        index.add_sound(part, [ClipSpan(0, 100), ClipSpan(100, 200)])
        index.add_sound(make_entry("b.wav", 1, columns=("a\rb",), samples=100), [ClipSpan(0, 100)])

    assert (tmp_path / "i.csv").read_bytes().decode() == (
        "row,path,channel,start_s,end_s,padded,status,segment_start_s,segment_end_s,id,label\n"
        '0,a.wav,1,2.5,3.5,0,ok,2.5,4.0,"call, 7",wren\n'
        '1,a.wav,1,3.5,4.5,0.5,ok,2.5,4.0,"call, 7",wren\n'
        '"2","b.wav","mix","0.0","1.0","0","ok","","","","a\rb"\n'
    )


def test_the_index_of_an_output(tmp_path: Path) -> None:
    """Sounds without rows have no line; there is a column of ids only if a sound has one."""
    settings = load_config("minimal").settings
    samples = settings.clip_grid.clip_samples + settings.clip_grid.hop_samples
    entries = [
        make_entry("a.wav", settings.clip_grid.count_rows(samples), samples=samples),
        make_entry("b.wav", 0, samples=0, status="empty"),
        make_entry("c.wav", 1, samples=1, status="partial"),
    ]
    for last in (entries[2], make_entry("c.wav", 1, samples=1, id="x", status="partial")):
        with (tmp_path / "i.csv").open("wb") as file:
            write_index(settings, [*entries[:2], last], (), file)
        lines = _read(tmp_path / "i.csv")
        assert [(line["path"], line["status"]) for line in lines] == [
            *[("a.wav", "ok")] * entries[0].rows,
            ("c.wav", "partial"),
        ]
        assert ("id" in lines[0]) == (last.id is not None)


@pytest.mark.slow
def test_the_lines_of_a_long_file_do_not_fill_the_memory(tmp_path: Path) -> None:
    """The lines of a long file are written as they are made: what waits in memory stays small."""
    tracemalloc.start()
    with (tmp_path / "index.csv").open("wb") as file:
        index = IndexWriter(file, "mix", 10)
        spans = (ClipSpan(k, k + 9) for k in range(30_000))
        index.add_sound(make_entry("day.wav", 30_000, samples=29_000), spans)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 2_000_000
    lines = (tmp_path / "index.csv").read_text().splitlines()
    assert len(lines) == 30_001
    assert lines[-1].startswith("29999,day.wav,mix,2999.9,")
