"""The formats of segment tables: what is read from each, and what is refused."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from specfeat.errors import UsageError
from specfeat.segments import SegmentLine, SegmentTable, text_lines
from specfeat.segments.formats import FORMATS, find_segment_format
from specfeat.sound import SoundPart


def read(table_path: Path, **columns: str) -> tuple[SegmentTable, list[SegmentLine]]:
    table = find_segment_format(table_path, None).read_table(table_path, columns)
    return table, list(table.lines)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


CSV = 'path,start,end,channel,id,label,note\na b.wav,0.5,1:02.25,1,x,wren,"two, words"\nc.wav,,,,,,\n'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", CSV),
        ("t.csv", "\ufeff" + CSV.replace("\n", "\r\n")),
        ("t.tsv", CSV.replace(",", "\t").replace("two\t", "two,").replace('"', "")),
        ("t.txt", CSV.replace(",", "\t").replace("two\t", "two,").replace('"', "")),
        ("t.csv", CSV.replace(",", ";").replace("two;", "two|").replace('"', "")),
    ],
)
def test_columns(tmp_path: Path, name: str, text: str) -> None:
    """CSV, TSV and tables with semicolons: the fields have their columns, and all other columns are kept."""
    table, lines = read(write(tmp_path, name, text))

    assert table.columns == ("label", "note")
    assert [(line.number, line.paths, line.part) for line in lines] == [
        (2, ("a b.wav",), SoundPart(1, 0.5, 62.25, "x")),
        (3, ("c.wav",), SoundPart()),
    ]
    assert [line.values for line in lines] == [("wren", lines[0].values[1]), ("", "")]
    assert lines[0].values[1].replace("|", ",") == "two, words"


def test_columns_with_other_names(tmp_path: Path) -> None:
    """The user says which columns have the fields; a duration is added to the start in decimal digits."""
    path = write(tmp_path, "t.csv", "file,onset,length,kind\na.wav,0.1,0.2,wren\na.wav,0.1,0.2,crow\n")
    table, lines = read(path, path="file", start="onset", duration="length", id="kind")

    assert table.columns == ("kind",)  # a column that distinguishes the segments stays a column
    assert [line.part for line in lines] == [
        SoundPart(None, 0.1, 0.3, "wren"),
        SoundPart(None, 0.1, 0.3, "crow"),
    ]


def test_a_table_without_times(tmp_path: Path) -> None:
    """If no column has times, each line is a whole file, and the table says so."""
    table, lines = read(write(tmp_path, "t.csv", "path,label\na.wav,wren\n"))
    assert not table.has_times
    assert lines[0].part == SoundPart()


def test_json_lines(tmp_path: Path) -> None:
    """Objects may have different keys; numbers and lists become text, null becomes nothing; gzip is read, too."""
    objects: list[dict[str, object]] = [
        {"path": "ä.wav", "start": 1, "end": 2.5, "score": 0.25},
        {"path": "b.wav", "channel": "left", "id": 7, "tags": ["x", "y"], "score": None},
    ]
    text = "".join(json.dumps(item) + "\n\n" for item in objects)
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    for path in (write(tmp_path, "t.jsonl", text), tmp_path / "t.jsonl.gz"):
        table, lines = read(path)
        assert table.columns == ("score", "tags")
        assert [(line.number, line.paths[0], line.part, line.values) for line in lines] == [
            (1, "ä.wav", SoundPart(None, 1.0, 2.5), ("0.25", "")),
            (3, "b.wav", SoundPart(0, None, None, "7"), ("", '["x", "y"]')),
        ]


RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tBegin Path\tFile Offset (s)\tSpecies\n"
    "1\tWaveform 1\t1\t100.1\t100.4\t\tC:\\rec\\a.wav\t0.1\twren\n"
    "1\tSpectrogram 1\t1\t100.1\t100.4\t200.0\tC:\\rec\\a.wav\t0.1\twren\n"
    "2\tWaveform 1\t2\t101\t102\t\t/rec/b.wav\t5\tcrow\n"
)


def test_raven(tmp_path: Path) -> None:
    """A selection has one segment, that of the spectrogram; channels count from 1; the offset is in the file."""
    table, lines = read(write(tmp_path, "a.Table.1.selections.txt", RAVEN))

    assert table.columns == ("Low Freq (Hz)", "Species")
    assert [(line.paths, line.part, line.values) for line in lines] == [
        (("C:\\rec\\a.wav", "a.wav"), SoundPart(0, 0.1, 0.4, "1"), ("200.0", "wren")),
        (("/rec/b.wav", "b.wav"), SoundPart(1, 5.0, 6.0, "2"), ("", "crow")),
    ]


def test_raven_without_files(tmp_path: Path) -> None:
    """Without a file and an offset, the times count from the start of the file that the table belongs to."""
    text = "Selection\tChannel\tBegin Time (s)\tEnd Time (s)\n1\t1\t2.5\t3\n2\t1\t2.5\t4\n"
    _, lines = read(write(tmp_path, "a.txt", text))
    assert [(line.paths, line.part) for line in lines] == [
        ((), SoundPart(0, 2.5, 3.0, "1")),
        ((), SoundPart(0, 2.5, 4.0, "2")),
    ]


def test_audacity(tmp_path: Path) -> None:
    """A line with a backslash has the frequencies of the label before it; a label may have no text."""
    table, lines = read(write(tmp_path, "a.txt", "0.5\t1.25\twren, two\n\\\t200.0\t4000.5\n3\t3\n"))

    assert table.columns == ("label", "low_hz", "high_hz")
    assert [(line.number, line.paths, line.part, line.values) for line in lines] == [
        (1, (), SoundPart(None, 0.5, 1.25), ("wren, two", "200.0", "4000.5")),
        (3, (), SoundPart(None, 3.0, 3.0), ("", "", "")),
    ]
    table, lines = read(write(tmp_path, "b.txt", "0.5\t1.25\twren\n"), id="label")
    assert (table.columns, lines[0].part.id) == (("label",), "wren")


def test_kaldi(tmp_path: Path) -> None:
    """The end -1 is that of the file; without segments, each recording is one; a channel may follow."""
    write(tmp_path, "wav.scp", "r1 /data/my file.wav\nr2\tb.flac\n")
    _, whole = read(tmp_path)
    assert [(line.paths, line.part, line.values) for line in whole] == [
        (("/data/my file.wav",), SoundPart(id="r1"), ("r1",)),
        (("b.flac",), SoundPart(id="r2"), ("r2",)),
    ]
    write(tmp_path, "segments", "u1 r2 0.5 1.5\nu2 r1 2 -1 1\n")
    for path in (tmp_path, tmp_path / "segments"):
        table, lines = read(path)
        assert table.columns == ("recording",)
        assert [(line.paths[0], line.part, line.values) for line in lines] == [
            ("b.flac", SoundPart(None, 0.5, 1.5, "u1"), ("r2",)),
            ("/data/my file.wav", SoundPart(1, 2.0, None, "u2"), ("r1",)),
        ]
    assert len(read(tmp_path / "wav.scp")[1]) == 2


def test_the_name_of_a_kaldi_recording_ends_at_the_first_blank(tmp_path: Path) -> None:
    """A tab ends the name even if the file has a space in its name; a mark of UTF-8 is not part of the name."""
    write(tmp_path, "wav.scp", "\ufeffr1\t/data/my file.wav\nr2  b.flac\n")
    write(tmp_path, "segments", "u1 r1 0 1\nu2 r2 0 1\n")
    _, lines = read(tmp_path)
    assert [line.paths for line in lines] == [("/data/my file.wav",), ("b.flac",)]


def make_cut(**changes: object) -> dict[str, Any]:
    source = {"type": "file", "channels": [0, 1], "source": "rec/a.wav"}
    recording = {
        "id": "rec-a",
        "sources": [source],
        "sampling_rate": 16000,
        "num_samples": 160000,
        "duration": 10.0,
    }
    labels = [{"id": "s1", "text": "hello", "speaker": "ann"}, {"id": "s2", "text": "you", "speaker": "ann"}]
    cut = {
        "id": "c1",
        "start": 0.1,
        "duration": 0.2,
        "channel": 1,
        "supervisions": labels,
        "recording": recording,
    }
    return cut | {"type": "MonoCut"} | changes


def test_lhotse(tmp_path: Path) -> None:
    """A cut is a part of its recording, with what its supervisions say."""
    cuts = [make_cut(), make_cut(id="c2", type="MultiCut", channel=[0, 1], supervisions=[])]
    text = "".join(json.dumps(cut) + "\n" for cut in cuts)
    for path in (write(tmp_path, "cuts.jsonl", text), tmp_path / "cuts.jsonl.gz"):
        if path.suffix == ".gz":
            path.write_bytes(gzip.compress(text.encode()))
        table, lines = read(path)
        assert table.columns == ("recording", "text", "speaker", "language")
        assert [(line.paths, line.part, line.values) for line in lines] == [
            (("rec/a.wav",), SoundPart(1, 0.1, 0.3, "c1"), ("rec-a", "hello you", "ann", "")),
            (("rec/a.wav",), SoundPart(None, 0.1, 0.3, "c2"), ("rec-a", "", "", "")),
        ]


def make_source(**source: object) -> dict[str, Any]:
    return make_cut(recording={"id": "r", "sources": [{"channels": [0, 1], **source}]})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "path,start\na.wav,abc\n", "line 2: start is 'abc', which is no time"),
        ("t.csv", 'path,start\na.wav,"1,5"\n', "write a point before the decimals"),
        ("t.csv", "path,start\na.wav,nan\n", "is no time"),
        ("t.csv", "path,start\na.wav,1e999\n", "is no time"),
        ("t.csv", "path,start\na.wav\n", "line 2: has 1 values, and the header 2"),
        ("t.csv", "path,start\n,1\n", "line 2: path is empty"),
        ("t.csv", "path,path\na,b\n", "has two columns with the name 'path'"),
        ("t.csv", "file,start\na,1\n", "has no column 'path'; it has file and start"),
        ("t.csv", "path,channel\na,-1\n", "line 2: channel is '-1'; a channel is"),
        ("t.csv", "path,channel\na,mono\n", "channel is 'mono'"),
        ("t.csv", "path\n" + "a" * 1_100_000 + "\n", "field larger than field limit"),
        ("t.csv", ",".join(f"c{k}" for k in range(2000)) + "\n", "has 2000 columns"),
        ("t.foo", "path\na.wav\n", "the format of this table of segments is not recognised"),
        ("t.jsonl", "[1]\n", "line 1: is not a JSON object: the line has no object"),
        ("t.jsonl", '{"path": "a"}\n{"path": \n', "line 2: is not a JSON object"),
        ("t.jsonl", '{"path": "\\ud800"}\n', "is not a JSON object"),
        ("t.jsonl", "[" * 100_000 + "\n", "is not a JSON object"),
        ("t.jsonl.gz", "no gzip", "cannot be read"),
        ("a.txt", "0.5\t1\tx\n1.5 2 y\n", "line 2: has no tab"),
        ("a.txt", "0.5\t1\tx\n\\\t1\n", "line 2: does not have two frequencies"),
        ("wav.scp", "r1 sox a.wav -t wav - |\n", "'r1' is a command, and specfeat runs no commands"),
        ("wav.scp", "r1 a.ark:1234\n", "'r1' is a place in an archive"),
        ("wav.scp", "r1 -\n", "names no file"),
        ("wav.scp", "r1\n", "names no file"),
        ("wav.scp", "r1 a.wav\nr1 b.wav\n", "line 2: the recording 'r1' is in line 1 already"),
        ("cuts.jsonl", json.dumps(make_source(type="command", source="rm -rf /")), "its source is a command"),
        ("cuts.jsonl", json.dumps(make_source(type="url", source="http://x")), "its source is a url"),
        ("cuts.jsonl", json.dumps(make_cut(type="MixedCut")), "is a MixedCut"),
        ("cuts.jsonl", json.dumps(make_cut(channel=5)), "its channels [5] are not in one source"),
        ("cuts.jsonl", json.dumps(make_cut(duration="x")), "is not a cut of lhotse"),
        ("cuts.jsonl", json.dumps(make_cut(recording={"id": 1, "transforms": [{"name": "Speed"}]})), "changes its"),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, name: str, text: str, message: str) -> None:
    """A wrong value ends the run with the number of its line; commands, addresses and archives are refused."""
    path = write(tmp_path, name, text)
    with pytest.raises(UsageError) as caught:
        read(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RAVEN.replace("\tFile Offset (s)", "").replace("\t0.1\tw", "\tw").replace("\t5\t", "\t"), "no column 'File Offset (s)'"),
        (RAVEN.replace("\t1\t100.1\t", "\t0\t100.1\t"), "Channel is 0; Raven counts the channels from 1"),
        (RAVEN.replace("100.4", ""), "has no End Time (s)"),
    ],
)  # fmt: skip
def test_raven_refusals(tmp_path: Path, text: str, message: str) -> None:
    """Times that cannot be assigned to a file are refused, as are wrong channels and missing times."""
    with pytest.raises(UsageError, match=r"Raven|File Offset|has no") as caught:
        read(write(tmp_path, "a.txt", text))
    assert message in str(caught.value)


@pytest.mark.parametrize(("field", "name"), [("path", "Species"), ("id", "Kind")])
def test_only_the_id_of_a_fixed_format_can_be_named(tmp_path: Path, field: str, name: str) -> None:
    """A format with columns of its own takes only another column for the id, which must exist."""
    path = write(tmp_path, "a.txt", RAVEN)
    with pytest.raises(UsageError):
        list(FORMATS["raven"].read_table(path, {field: name}).lines)


@pytest.mark.parametrize("name", ["csv", "jsonl", "raven", "audacity", "kaldi", "lhotse"])
def test_a_table_that_does_not_exist(tmp_path: Path, name: str) -> None:
    """If the user names the format of a table that does not exist, the error is a sentence about the path."""
    with pytest.raises(UsageError, match="cannot be read: No such file or directory; check its name, and"):
        list(FORMATS[name].read_table(tmp_path / "none", {}).lines)


@pytest.mark.parametrize(
    ("name", "text"), [("audacity", "0\t1\tlong label\n"), ("kaldi", "r1 a_long_name.wav\n")]
)
def test_a_line_that_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    """A line above the limit is refused, and not read as two lines; a line of exactly the limit is read."""
    path = write(tmp_path, "wav.scp", text)
    monkeypatch.setattr(text_lines, "MAX_LINE_LENGTH", len(text))
    assert len(list(FORMATS[name].read_table(path, {}).lines)) == 1
    monkeypatch.setattr(text_lines, "MAX_LINE_LENGTH", len(text) - 2)
    with pytest.raises(UsageError, match="line 1: is too long"):
        list(FORMATS[name].read_table(path, {}).lines)


def test_frequencies_without_a_label(tmp_path: Path) -> None:
    """A label track that begins with frequencies is refused."""
    path = write(tmp_path, "a.txt", "\\\t1\t2\n0.5\t1\tx\n")
    with pytest.raises(UsageError, match="line 1: has frequencies, but there is no label before it"):
        list(FORMATS["audacity"].read_table(path, {}).lines)


def test_an_unknown_format(tmp_path: Path) -> None:
    """A wrong name of a format is refused, with a similar name."""
    with pytest.raises(UsageError, match=r"'ravn' .did you mean 'raven'.*; give one of kaldi, lhotse, "):
        find_segment_format(tmp_path, "ravn")


def test_names_of_any_bytes(tmp_path: Path) -> None:
    """A name in a table that is not UTF-8 keeps its bytes."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"path,label\n\xff.wav,\xe9\n")
    line = read(path)[1][0]
    assert line.paths[0].encode("utf-8", "surrogateescape") == b"\xff.wav"
    assert line.values[0].encode("utf-8", "surrogateescape") == b"\xe9"
