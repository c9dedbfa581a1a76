"""Searching a finished output: nearest rows, hits that do not overlap, and examples."""

import contextlib
import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from helpers.handmade_outputs import write_output
from specfeat.analysis.example import extend_example, parse_example
from specfeat.analysis.nearest_rows import Metric, NearestRows
from specfeat.analysis.recorded_config import load_recorded_config
from specfeat.cli import run_command_line
from specfeat.config import load_config
from specfeat.errors import UsageError
from specfeat.output.finished_output import open_output
from specfeat.sound import Sound, SoundPart


def compare_in_float64(rows: Any, examples: Any, metric: Metric) -> Any:
    """Return how near each row is to the nearest example, by the definition of the metric."""
    a, b = (np.asarray(values, np.float64) for values in (rows, examples))
    a, b = a[:, np.newaxis], b[np.newaxis]
    if metric == "cosine":
        return ((a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)).max(1)
    return -np.sqrt(((a - b) ** 2).sum(-1)).min(1)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_all_rows_are_compared(metric: Metric, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order and the values are those of the definition, over the borders of blocks and for several examples."""
    monkeypatch.setattr("specfeat.analysis.nearest_rows._BLOCK_VALUES", 100)
    rows = np.random.default_rng(0).standard_normal((57, 6)).astype(dtype)
    examples = rows[[3, 40]].astype(np.float32) + 0.01
    truth = compare_in_float64(rows, examples, metric)

    nearest = NearestRows(rows, examples, metric)
    assert nearest.order.tolist() == np.argsort(-truth, kind="stable").tolist()
    values = nearest.measure(np.array([40, 0]))
    assert values == pytest.approx(np.abs(truth[[40, 0]]) if metric == "euclidean" else truth[[40, 0]])


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_rows_that_are_almost_equal_have_their_exact_order(metric: Metric) -> None:
    """Differences that float32 sums cannot show decide; equal rows have the order of the array and a distance of 0."""
    base = np.full(300, 100, np.float32)
    rows = np.tile(base, (6, 1))
    for row, step in ((0, 3), (1, 2), (4, 1)):
        rows[row, 0] = base[0] + step * 2e-5
    nearest = NearestRows(rows, base[np.newaxis], metric)

    assert nearest.order.tolist() == [2, 3, 5, 4, 1, 0]
    if metric == "euclidean":
        assert nearest.measure(np.array([3]))[0] == 0


def test_rows_that_cannot_be_compared_are_no_hits() -> None:
    """A row with NaN is left out, and for cosine a row of zeros; large values are compared where float32 overflows."""
    rows = np.array([[0, 0], [np.nan, 1], [1e30, 1e30], [-1, 0], [np.inf, 1]], np.float32)

    assert NearestRows(rows, np.ones((1, 2)), "cosine").order.tolist() == [2, 3]
    assert NearestRows(rows, np.ones((1, 2)), "euclidean").order.tolist() == [0, 3, 2]
    with pytest.raises(UsageError, match="all features of the example are 0"):
        NearestRows(rows, np.zeros((1, 2)), "cosine")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write an output with clips of 0.5 s that follow each other, and go to its folder."""
    monkeypatch.chdir(tmp_path)
    rows: dict[str, Any] = {
        "a.wav": [[1, 0], [0.9, 0.1], [0, 1]],
        "d/b.wav": [[0.8, 0.3], [-1, 0]],
        "bad.wav": None,
    }
    write_output(tmp_path / "out.npy", rows)
    return tmp_path


def search(*words: str, code: int = 0) -> None:
    assert run_command_line(["search", "out.npy", *words]) == code


def test_hits_are_printed_as_a_table(run: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The nearest row comes first, and the row that is the example is left out."""
    search("--row", "0", "-k", "2")

    lines = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))
    assert [(line["path"], line["start"], line["end"], line["row"]) for line in lines] == [
        ("a.wav", "0.5", "1.0", "1"),
        ("d/b.wav", "0.0", "0.5", "3"),
    ]
    assert float(lines[0]["similarity"]) == pytest.approx(0.9 / np.hypot(0.9, 0.1), abs=1e-6)


def test_stdout_can_be_a_stream_of_text(run: Path) -> None:
    """A program can put a stream without bytes in the place of stdout; hits and scores are written to it."""
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        search("--row", "0", "-k", "2")

    assert stdout.getvalue().splitlines()[1].startswith("a.wav,0.5,1.0,")


def test_hits_of_one_file_are_limited(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --per-file 1, each file has its nearest hit only; --json has the same hits as one object."""
    search("--row", "0", "--per-file", "1", "--metric", "euclidean", "--json")

    printed = json.loads(capsys.readouterr().out)
    assert printed["schema"] == 1
    assert [hit["row"] for hit in printed["hits"]] == [1, 3]
    assert printed["hits"][1] == {
        "path": "d/b.wav",
        "channel": None,
        "start_s": 0.0,
        "end_s": 0.5,
        "row": 3,
        "distance": pytest.approx(np.hypot(0.2, 0.3)),
    }


def test_no_time_is_guessed_if_the_length_of_a_file_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A selection table of Raven for all files needs the length of each; a file that failed has none."""
    monkeypatch.chdir(tmp_path)
    rows: dict[str, Any] = {"bad.wav": None, "a.wav": [[1, 0], [0.9, 0.1]]}
    write_output(tmp_path / "out.npy", rows)
    search("--row", "0", "-o", "hits.selections.txt", code=2)
    assert "the length of a file is not known" in capsys.readouterr().err
    search("--row", "0", "-o", "hits/", "--table-format", "raven")

    assert "\t0.5\t1.0\t" in Path("hits/a.selections.txt").read_text()


def test_a_target_is_checked_before_the_search(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An existing table, and a file of the output itself even with --force, are refused before rows are compared."""
    from specfeat.analysis import search as module

    monkeypatch.setattr(module, "search_output", lambda *_: pytest.fail("rows are compared"))
    content, _ = (run / "out.index.csv").read_bytes(), (run / "hits.csv").write_text("precious")
    search("--row", "0", "-o", "hits.csv", code=2)
    assert "hits.csv: exists already" in capsys.readouterr().err
    search("--row", "0", "-o", "out.index.csv", "--force", code=2)
    assert "out.index.csv: is a file of the output itself" in capsys.readouterr().err

    assert (run / "out.index.csv").read_bytes() == content


def test_json_has_no_name_that_is_not_utf8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name of other bytes has U+FFFD and its bytes in hexadecimal, as in the log."""
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", np.zeros(8000), 8000)
    Path("a.wav").rename("caf\udce9.wav")
    rows: dict[str, Any] = {"caf\udce9.wav": [[1, 0], [0.9, 0.1]]}
    write_output(tmp_path / "out.npy", rows)
    search("--row", "0", "--json")

    hit = json.loads(capsys.readouterr().out)["hits"][0]
    assert (hit["path"], hit["path_hex"]) == ("caf\ufffd.wav", b"caf\xe9.wav".hex())


def test_of_hits_that_overlap_only_the_nearest_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rows of one file with a time in common are one hit, and so are a row and the example."""
    from specfeat.analysis.hits import choose_hits
    from specfeat.analysis.row_places import RowPlaces

    starts = np.array([0.0, 0.5, 1.0, 0.5, 2.0, 3.0])
    tracks = np.array([0, 0, 0, 1, 0, 0])
    places = RowPlaces((), tracks, starts, starts + 1.0, tracks, tracks)

    assert choose_hits([1, 0, 2, 3, 4, 5], places, 10) == [1, 3, 4, 5]
    assert choose_hits([1, 0, 2, 3, 4], places, 2) == [1, 3]
    assert choose_hits([0, 2, 1, 3, 4], places, 10, per_file=2) == [0, 2, 3]
    assert places.find_overlaps(0, 0.25, 1.0).tolist() == [True, True, False, False, False, False]


def test_the_sound_of_hits_is_written(run: Path) -> None:
    """Each hit becomes a WAV file with the samples of its time; a second search replaces none of them."""
    search("--row", "0", "-k", "2", "--clips", "found", "-o", "hits.csv")

    assert sorted(path.name for path in (run / "found").iterdir()) == [
        "0001_a_0.50-1.00.wav",
        "0002_b_0.00-0.50.wav",
    ]
    samples, rate = soundfile.read("found/0001_a_0.50-1.00.wav")
    truth, true_rate = soundfile.read("a.wav")
    assert rate == true_rate
    assert np.array_equal(samples, truth[rate // 2 : rate])
    before = (run / "found/0002_b_0.00-0.50.wav").stat().st_mtime_ns
    search("--row", "0", "-k", "2", "--clips", "found", code=2)
    assert (run / "found/0002_b_0.00-0.50.wav").stat().st_mtime_ns == before


def test_a_hit_whose_file_is_gone_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other clips and the table are written, and the exit code is 3."""
    (run / "a.wav").unlink()
    search("--row", "0", "-k", "2", "--clips", "found", "-o", "hits.csv", code=3)

    assert [path.name for path in (run / "found").iterdir()] == ["0002_b_0.00-0.50.wav"]
    assert "0001_a_0.50-1.00.wav: not written: " in capsys.readouterr().err
    assert len((run / "hits.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a@b.wav", (None, None)),
        ("a@b.wav@3-4.5", (3.0, 4.5)),
        ("a@b.wav@0:01-1:00:01", (1.0, 3601.0)),
        ("c@1-2", (None, None)),
    ],
)
def test_an_example_is_a_file_or_a_part_of_it(
    text: str, part: tuple[float | None, float | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The times come after the last @; a file that has such a name itself is the whole file."""
    monkeypatch.chdir(tmp_path)
    for name in ("a@b.wav", "c@1-2"):
        Path(name).write_bytes(b"x")
    sound = parse_example(text)

    assert (sound.path, sound.part.start_s, sound.part.end_s) == (text.partition(".wav@")[0] + (
        ".wav" if ".wav@" in text else ""), *part)  # fmt: skip


@pytest.mark.parametrize(
    "words", [("--like", "none.wav@3-4"), ("--like", "a.wav@4-3"), ("--like", "a.wav@3")]
)
def test_a_wrong_example_is_refused(
    words: tuple[str, str], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the file before anything is loaded."""
    search(*words, code=2)

    assert words[1].partition("@")[0] in capsys.readouterr().err


def test_a_short_example_is_a_clip_with_its_surroundings() -> None:
    """An example that is shorter than a clip is extended on both sides, but not before the start of the file."""
    settings = load_config("minimal").settings
    clip_s = settings.clip_grid.clip_samples / settings.audio.sample_rate

    def extend(start_s: float, end_s: float) -> tuple[float | None, float | None]:
        part = extend_example(Sound("a", SoundPart(start_s=start_s, end_s=end_s)), settings).part
        return part.start_s, part.end_s

    assert extend(10.0, 10.1) == pytest.approx((10.05 - clip_s / 2, 10.05 + clip_s / 2))
    assert extend(0.0, 0.1) == pytest.approx((0.0, clip_s))
    assert extend(3.0, 90.0) == (3.0, 90.0)


def test_the_config_of_a_run_comes_from_its_record(run: Path) -> None:
    """The settings of the record are those of the run; settings that do not have its SHA-256 are refused."""
    output = open_output("out.npy")
    assert load_recorded_config(output).settings == load_config("out.npy.yaml").settings

    record = json.loads(Path("out.run.json").read_text())
    record["config"]["resolved"]["clips"]["frames"] = 60
    Path("out.run.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match="has settings that this version of specfeat does not read"):
        load_recorded_config(open_output("out.npy"))


def test_an_example_of_another_version_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Features are compared only if they were computed alike; the message names what differs, and loads no network."""
    record = json.loads(Path("out.run.json").read_text())
    record["versions"]["librosa"] = "0.1"
    Path("out.run.json").write_text(json.dumps(record))
    search("--like", "a.wav@0-0.5", code=2)

    message = capsys.readouterr().err
    assert "(librosa: 0.1, now " in message
    assert "use --row N" in message
