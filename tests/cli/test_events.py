"""`specfeat events`: what is written is what was found, in every format, and nothing is lost or replaced unasked."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import soundfile

from helpers.handmade_outputs import write_output
from helpers.specfeat_command import FinishedRun, run_in_this_process
from specfeat.segments.formats import find_segment_format

CLIPS = "{frames: 50, tail: drop}"
# Rows of 0.5 s: a wren at 0.5 to 1.5 s and at 2.0 to 2.5 s, an owl at 1.0 to 1.5 s.
SCORES = [[0.1, 0.2], [0.8, 0.1], [0.6, 0.9], [0.2, 0.3], [0.7, 0.1]]
EVENTS = [("a b.wav", 0.5, 1.5, "wren"), ("a b.wav", 1.0, 1.5, "barn owl"), ("a b.wav", 2.0, 2.5, "wren")]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of an output, `out.npy`, with a sound that has events, one without, and one that failed."""
    rows = {"a b.wav": SCORES, "x/quiet.wav": [[0.0, 0.1]] * 3, "x/text.wav": None}
    write_output(tmp_path / "out.npy", rows, labels=("wren", "barn owl"), clips=CLIPS)
    return tmp_path


def run_events(folder: Path, *words: object) -> FinishedRun:
    return run_in_this_process(folder, "events", "out.npy", *words)


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def list_events(lines: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(line["path"], float(line["start"]), float(line["end"]), line["label"]) for line in lines]


def test_a_table_is_printed(run: Path) -> None:
    """Without options: CSV on stdout, what was done on stderr, the threshold 0.5, and the scores of each event."""
    done = run_events(run)

    lines = read_csv(done.stdout)
    assert (done.returncode, done.stderr) == (0, "specfeat: stdout: 3 events in 1 file\n")
    assert list_events(lines) == EVENTS
    assert [(line["mean"], line["max"]) for line in lines] == [("0.7", "0.8"), ("0.9", "0.9"), ("0.7", "0.7")]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--on", "wren=0.75", "--off", "0.5", "--class", "wren"], EVENTS[:1]),
        (["--max-gap", "0.5"], [("a b.wav", 0.5, 2.5, "wren"), EVENTS[1]]),
        (["--min-length", "1"], EVENTS[:1]),
        (["--top", "1"], [("a b.wav", 0.5, 1.0, "wren"), *EVENTS[1:]]),
        (["--on", "0.65", "--smooth", "3"], []),
        (["--on", "0.6", "--smooth", "median:3"], [("a b.wav", 0.5, 2.0, "wren")]),
        (["--names", '"ab, c",d', "--class", "ab, c", "--min-length", "1"], [("a b.wav", 0.5, 1.5, "ab, c")]),
    ],
)
def test_options_change_the_events(run: Path, words: list[str], wanted: list[tuple[Any, ...]]) -> None:
    """Each option alone does what it says; the thresholds are compared as float32, as the scores are."""
    assert list_events(read_csv(run_events(run, *words, "-q").stdout)) == wanted


def test_thresholds_come_from_a_table(run: Path) -> None:
    """An option for a class is stronger than its line in the table."""
    (run / "t.csv").write_text("label,on,off\nwren,0.75,0.65\nbarn owl,0.95,\n")

    assert list_events(read_csv(run_events(run, "--thresholds", "t.csv").stdout)) == [
        ("a b.wav", 0.5, 1.0, "wren")
    ]
    done = run_events(run, "--thresholds", "t.csv", "--on", "barn owl=0.9", "--class", "barn owl")
    assert list_events(read_csv(done.stdout)) == EVENTS[1:2]


def test_csv_and_raven_are_tables_of_segments(run: Path) -> None:
    """`extract --segments` reads files, times and labels of the events again."""
    for name in ("events.csv", "events.selections.txt"):
        assert run_events(run, "-o", name).stderr == f"specfeat: {name}: 3 events in 1 file\n"
        table = find_segment_format(run / name, None).read_table(run / name, {})
        found = [
            (
                Path(line.paths[0]).name,
                line.part.start_s,
                line.part.end_s,
                line.values[table.columns.index(label)],
            )
            for line in table.lines
            for label in table.columns
            if label in ("label", "Annotation")
        ]
        assert found == EVENTS


def test_audacity_has_a_label_track_for_each_file(run: Path) -> None:
    """A label track has no path, so several files need a folder; files without events have no label track."""
    refused = run_events(run, "-o", "labels.txt")
    done = run_events(run, "--format", "audacity", "-o", "labels/")

    assert (refused.returncode, "belongs to one audio file, but there are 3" in refused.stderr) == (2, True)
    assert done.stderr == "specfeat: labels/: 3 events in 1 file, 1 file written\n"
    assert (run / "labels/a b.txt").read_text() == "0.5\t1.5\twren\n1.0\t1.5\tbarn owl\n2.0\t2.5\twren\n"
    assert [path.name for path in (run / "labels").rglob("*")] == ["a b.txt"]
    printed = run_events(run, "--format", "audacity")
    assert (printed.returncode, "name a folder with -o" in printed.stderr) == (2, True)


def test_parquet_has_numbers(run: Path) -> None:
    """PyArrow reads the same events as in the CSV table, with times and scores as float64."""
    run_events(run, "-o", "events.parquet")
    table = pyarrow.parquet.read_table(run / "events.parquet")

    assert table.schema.names == ["path", "start", "end", "label", "mean", "max"]
    assert {str(table.schema.field(name).type) for name in ("start", "end", "mean", "max")} == {"double"}
    assert list_events(table.to_pylist()) == EVENTS
    done = run_events(run, "--format", "parquet")
    assert (done.returncode, "Parquet is not written to stdout" in done.stderr) == (2, True)


def read_text_grid(text: str) -> dict[str, list[tuple[float, float, str]]]:
    """Read the tiers of a TextGrid, as Praat's manual describes the long form; every interval is returned."""
    assert text.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\n')
    tiers = {}
    for item in re.split(r"\n    item \[\d+\]:\n", text)[1:]:
        (name,) = re.findall(r'^        name = "((?:[^"]|"")*)"', item, re.M)
        numbers = [*map(float, re.findall(r"^            xm(?:in|ax) = (\S+)", item, re.M))]
        texts = [
            one.replace('""', '"') for one in re.findall(r'^            text = "((?:[^"]|"")*)"', item, re.M)
        ]
        (size,) = re.findall(r"intervals: size = (\d+)", item)
        assert int(size) == len(texts)
        tiers[name.replace('""', '"')] = [*zip(numbers[::2], numbers[1::2], texts, strict=True)]
    (count,) = re.findall(r"^size = (\d+)$", text, re.M)
    assert int(count) == len(tiers)
    return tiers


def test_text_grid_fills_the_time_of_each_tier(run: Path) -> None:
    """A tier for each class; its intervals follow each other from 0 to the end of the file."""
    run_events(run, "--format", "textgrid", "-o", "grids/", "--names", 'wr"en,barn owl')
    tiers = read_text_grid((run / "grids/a b.TextGrid").read_text())

    assert tiers == {
        'wr"en': [(0, 0.5, ""), (0.5, 1.5, 'wr"en'), (1.5, 2.0, ""), (2.0, 2.5, 'wr"en')],
        "barn owl": [(0, 1.0, ""), (1.0, 1.5, "barn owl"), (1.5, 2.5, "")],
    }


def test_rttm_has_no_space_in_a_value(run: Path) -> None:
    """Ten values in each line; white space becomes an underscore."""
    run_events(run, "-o", "events.rttm")
    lines = [line.split(" ") for line in (run / "events.rttm").read_text().splitlines()]

    assert {len(line) for line in lines} == {10}
    assert {(line[0], line[2], *line[5:7], *line[8:]) for line in lines} == {
        ("SPEAKER", "1", "<NA>", "<NA>", "<NA>", "<NA>")
    }
    assert [(line[1], float(line[3]), float(line[3]) + float(line[4]), line[7]) for line in lines] == [
        (path.removesuffix(".wav").replace(" ", "_"), start, end, label.replace(" ", "_"))
        for path, start, end, label in EVENTS
    ]


def test_a_line_for_each_file_and_class(run: Path) -> None:
    """The mean, the largest score and its time are those of NumPy; `--top` lists the classes with the highest mean."""
    scores = np.array(SCORES, np.float32)
    run_events(run, "--per", "file", "-o", "files.parquet")
    lines = pyarrow.parquet.read_table(run / "files.parquet").to_pylist()

    assert [(line["path"], line["label"]) for line in lines] == [
        (path, label) for path in ("a b.wav", "x/quiet.wav") for label in ("wren", "barn owl")
    ]
    np.testing.assert_allclose([line["mean"] for line in lines[:2]], scores.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose([line["max"] for line in lines[:2]], scores.max(axis=0), rtol=1e-6)
    assert [(line["max_start"], line["max_end"]) for line in lines[:2]] == [(0.5, 1.0), (1.0, 1.5)]
    best = read_csv(run_events(run, "--per", "file", "--top", "1").stdout)
    assert [line["label"] for line in best] == ["wren", "barn owl"]
    done = run_events(run, "--per", "file", "--format", "raven")
    assert (done.returncode, "a table in CSV or Parquet, not raven" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--on", "wrn=0.5"], "there is no class 'wrn' among the 2 scores (did you mean 'wren'?)"),
        (["--class", "zzz"], "there is no class 'zzz' among the 2 scores; the first class is 'wren'"),
        (["--on", "high"], "--on: 'high' is not a threshold; give a number, e.g. 0.5"),
        (["--smooth", "4"], "--smooth: '4' is not an odd number of rows; give e.g. 5 or median:5"),
        (["--min-length", "-1"], "--min-length: -1.0 is not a length; give a number of seconds from 0"),
        (["--top", "0"], "--top: 0 is not a number of classes; give a number from 1"),
        (["--names", "a"], "has 2 columns, but 1 name were given; give a name for each column"),
        (["--names", "a,a"], "the name 'a' of a class is empty or given twice; give different names"),
        (["--gender", "out.npy"], "--gender needs --method inaspeech; add it, or leave --gender out"),
        (["--method", "inaspeech", "--on", "1"], "--on has no effect with --method inaspeech"),
        (["--per", "file", "--max-gap", "1"], "--max-gap has no effect with --per file"),
        (
            ["--method", "inaspeech"],
            "has no scores of speech, music and noise or of speech and music; extract",
        ),
        (["-o", "out.index.csv", "--force"], "out.index.csv: is a file of the output itself"),
        (["-o", "events.doc"], "the end of this name belongs to no format of tables of events"),
        (["-o", "a b.wav.csv"], "a b.wav.csv: exists already; give the output another name, or use --force"),
    ],
)
def test_wrong_usage_is_one_sentence(run: Path, words: list[str], message: str) -> None:
    """Exit code 2, nothing on stdout, and no file is written or replaced."""
    (run / "a b.wav.csv").write_text("precious")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    done = run_events(run, *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_an_existing_table_is_refused_before_the_work(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only after all scores have been read."""
    from specfeat.analysis import event_table

    monkeypatch.setattr(event_table, "make_event_table", lambda *_: pytest.fail("scores are read"))
    (run / "events.csv").write_text("precious")
    done = run_events(run, "-o", "events.csv")

    assert (done.returncode, "events.csv: exists already" in done.stderr) == (2, True)


def test_columns_without_names_are_refused(tmp_path: Path) -> None:
    """The message says both ways to name them; an output without a row has no events."""
    write_output(tmp_path / "out.npy", {"a.wav": SCORES})
    done = run_events(tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "has no model.labels; use --names NAME,NAME,..." in done.stderr
    assert len(read_csv(run_events(tmp_path, "--names", "a,b").stdout)) == 3


def test_names_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    """CSV keeps the bytes of a path; Parquet has them in hexadecimal, as the index of an output in Parquet."""
    name = "caf\udce9.wav"
    soundfile.write(tmp_path / "a.wav", np.zeros(20_000), 8000)
    (tmp_path / "a.wav").rename(tmp_path / name)
    write_output(tmp_path / "out.npy", {name: SCORES}, labels=("a", "b"), clips=CLIPS)
    run_events(tmp_path, "-o", "e.csv", "--force")
    run_events(tmp_path, "-o", "e.parquet")

    assert (tmp_path / "e.csv").read_bytes().split(b"\n")[1].startswith(b"caf\xe9.wav,0.5,1.5,")
    first = pyarrow.parquet.read_table(tmp_path / "e.parquet").to_pylist()[0]
    assert (first["path"], first["path_hex"]) == ("caf\ufffd.wav", b"caf\xe9.wav".hex())
