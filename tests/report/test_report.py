"""The report of an output contains what the output has."""

import base64
import json
import os
import re
import zipfile
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from helpers.handmade_outputs import write_output
from helpers.handmade_runs import HandmadeRuns
from helpers.sample_records import make_entry, make_record
from helpers.specfeat_command import run_in_this_process
from specfeat.audio.clips import ClipMaker
from specfeat.audio.decode import read_samples
from specfeat.audio.inputs.registry import find_input_kind
from specfeat.config import load_config
from specfeat.errors import OutputError, UsageError
from specfeat.report import description
from specfeat.report.recorded_sounds import RecordedSounds
from specfeat.report.report import ReportOptions, write_report
from specfeat.report.sound_files import find_playing_problem
from specfeat.report.thumbnails import MAX_BINS, shrink_clip
from specfeat.run.shard import Shard

ROWS = {
    "birds/a b%.wav": np.array([[3, 0, 1], [3, 0, 0], [0, 2, 0]]),
    "bad.wav": None,
    "b.flac": np.array([[0, 1, 5], [1, 1, 1]]),
}
LABELS = ("wren", "</script>", "rain")


def read_page(page: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the description and the arrays of a page, as its script reads them."""
    text = page.read_text()
    facts = json.loads(text.split('id="description">')[1].split("</script>")[0])
    data = text.split('id="data">')[1].split("</script>")[0]
    if not data:
        beside = page.with_suffix(".data.js").read_text()
        data = json.loads(beside.removeprefix("window.specfeatData = ").removesuffix(";\n"))["data"]
    content = zlib.decompress(base64.b64decode(data))
    arrays = {
        one["name"]: np.frombuffer(
            content, one["type"], offset=one["offset"], count=int(np.prod(one["shape"], dtype=np.int64))
        ).reshape(one["shape"])
        for one in facts["arrays"]
    }
    return facts, arrays


def write_and_read(
    folder: Path, rows: Any = ROWS, page: Path | None = None, **options: Any
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Write an output in a folder and its report, and read the page."""
    write_output(folder / "out.npy", rows, labels=LABELS if rows is ROWS else ())
    summary = write_report(folder / "out.npy", page, ReportOptions(**options))
    return read_page(summary.page)


@pytest.mark.parametrize("has_data_beside", [False, True])
def test_rows_have_their_file_and_time(has_data_beside: bool, tmp_path: Path) -> None:
    """The page has a point for each row, with its file and its times; failures are listed."""
    facts, arrays = write_and_read(tmp_path, has_data_beside=has_data_beside)

    assert [facts["files"][number][0] for number in arrays["file"]] == ["birds/a b%.wav"] * 3 + ["b.flac"] * 2
    assert arrays["start_s"].tolist() == [0, 0.5, 1, 0, 0.5]
    assert arrays["end_s"].tolist() == [0.5, 1, 1.5, 0.5, 1]
    assert facts["output"]["problems"] == [["bad.wav", "failed", "cannot be opened as audio", None, 0]]
    assert facts["output"]["counts"]["failed"] == 1
    distances = np.hypot(arrays["x"] - arrays["x"][0], arrays["y"] - arrays["y"][0])
    assert distances.argsort(kind="stable")[:2].tolist() == [0, 1]
    assert arrays["neighbors"].shape == (5, 4)
    assert arrays["neighbors"][0, 0] == 1


def test_columns_are_those_of_the_index_and_of_the_scores(tmp_path: Path) -> None:
    """Points can be coloured by folder, by each column of the index, by the best class and by each score."""
    facts, arrays = write_and_read(tmp_path)
    columns = {
        column["name"]: arrays[f"column{number}"].tolist()
        if column["categories"] is None
        else [column["categories"][code] for code in arrays[f"column{number}"]]
        for number, column in enumerate(facts["columns"])
    }

    assert columns["folder"] == ["birds"] * 3 + ["."] * 2
    assert columns["status"] == columns["sound"] == ["ok"] * 5
    assert columns["class with the highest score"] == ["wren", "wren", "</script>", "rain", "wren"]
    assert columns["highest score"] == [3, 3, 2, 5, 1]
    assert columns["score: rain"] == [1, 0, 0, 5, 1]
    assert columns["start_s"] == [0, 0.5, 1, 0, 0.5]


def test_the_scores_are_those_of_the_layer_with_the_classes(tmp_path: Path) -> None:
    """If the columns belong to several layers, the best class is one of the classes, not a feature of a layer."""
    rows = np.array([[9, 9, 9, 0.1, 0.8], [9, 9, 9, 0.7, 0.2]])
    write_output(tmp_path / "out.npy", {"a.wav": rows}, labels=("wren", "rain"), embedding=3)
    facts, arrays = read_page(write_report(tmp_path / "out.npy", None, ReportOptions()).page)
    numbers = {column["name"]: number for number, column in enumerate(facts["columns"])}
    best = numbers["class with the highest score"]

    categories = facts["columns"][best]["categories"]
    assert [categories[code] for code in arrays[f"column{best}"]] == ["rain", "wren"]
    assert arrays[f"column{numbers['highest score']}"] == pytest.approx([0.8, 0.7])
    assert [name for name in numbers if name.startswith("score: ")] == ["score: wren", "score: rain"]


def test_thumbnails_are_the_clips_of_the_network(tmp_path: Path) -> None:
    """A thumbnail has the values of the clip that the network has got, in 256 steps."""
    facts, arrays = write_and_read(tmp_path)
    config = load_config(str(tmp_path / "out.npy.yaml"))
    samples, _ = soundfile.read(tmp_path / "birds" / "a b%.wav", dtype="float32")
    clips = [clip.copy() for clip in ClipMaker(config.settings).make_clips([samples])]
    step = (facts["thumbnails"]["highest"] - facts["thumbnails"]["lowest"]) / 255
    shown = arrays["thumbnails"] * step + facts["thumbnails"]["lowest"]

    assert arrays["thumbnail_rows"].tolist() == [0, 1, 2, 3, 4]
    for place in range(3):
        np.testing.assert_allclose(shown[place], shrink_clip(clips[place]), atol=step / 2 * 1.01)


def test_large_clips_are_averaged() -> None:
    """Each value of a smaller picture is the mean of a group of bins and frames; a small clip stays as it is."""
    clip = np.arange(100 * 2 * MAX_BINS, dtype=np.float32).reshape(100, 2 * MAX_BINS, 1)
    picture = shrink_clip(clip)

    assert picture[0, 0] == clip[:1, :2, 0].mean()
    assert picture[5, 1] == clip[1:3, 10:12, 0].mean()
    assert shrink_clip(clip[:9, :5]).tolist() == clip[:9, :5, 0].T.tolist()


def test_snippets_are_the_samples_around_the_row(tmp_path: Path) -> None:
    """The embedded audio is the clip with half a second before and after it, first of files that cannot be played."""
    rows = {"a.wav": np.ones((4, 2)), "b.aiff": np.ones((5, 2))}
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, 20000).astype(np.float32)
    soundfile.write(tmp_path / "b.aiff", noise, 8000, subtype="PCM_16")
    facts, arrays = write_and_read(tmp_path, rows, embedded_audio=6)
    samples, _ = soundfile.read(tmp_path / "b.aiff", dtype="float32")
    begins = [0, *arrays["snippet_ends"].tolist()]

    assert facts["files"][1][2] == "browsers do not play .aiff files"
    assert arrays["snippet_rows"].tolist() == [0, 4, 5, 6, 7, 8]
    assert arrays["snippet_starts_s"].tolist() == [0, 0, 0, 0.5, 1, 1.5]
    for place, (start, end) in enumerate(
        [(0, 8000), (0, 12000), (4000, 16000), (8000, 20000), (12000, 20000)], 1
    ):
        piece = arrays["snippet_samples"][begins[place] : begins[place + 1]] / 32767
        np.testing.assert_allclose(piece, samples[start:end], atol=1e-4)


def test_addresses_lead_to_the_files(tmp_path: Path) -> None:
    """The address of a file is relative to the page, also for odd names and names that are not UTF-8."""
    name = os.fsdecode(b"x\xff#?%:.wav")
    page = tmp_path / "pages" / "page.html"
    page.parent.mkdir()
    (tmp_path / "http:").mkdir()
    soundfile.write(tmp_path / "a.wav", np.zeros(4000), 8000)
    (tmp_path / "a.wav").rename(tmp_path / "http:" / name)
    facts, _ = write_and_read(tmp_path, {f"http:/{name}": np.ones((1, 2))}, page)
    ((shown, address, problem),) = facts["files"]

    assert shown == "http:/x\ufffd#?%:.wav"
    assert problem == ""
    assert re.fullmatch(r"[\w./%~-]+", address)
    assert Path(os.fsdecode(bytes(page.parent) + b"/" + unquote_to_bytes(address))).samefile(
        tmp_path / "http:" / name
    )


def test_missing_and_changed_files_have_no_thumbnail(tmp_path: Path) -> None:
    """A file that is gone, or that has changed since the run, is said to be so; the page has its rows all the same."""
    write_output(tmp_path / "out.npy", ROWS)
    (tmp_path / "b.flac").unlink()
    with (tmp_path / "birds" / "a b%.wav").open("ab") as file:
        file.write(b"\0")
    summary = write_report(tmp_path / "out.npy", None, ReportOptions())
    facts, arrays = read_page(summary.page)

    assert (summary.missing_sounds, summary.thumbnails, summary.rows) == (2, 0, 5)
    assert arrays["thumbnails"].shape == (0, 0, 0)
    assert [problem for _, _, problem in facts["files"]] == ["", "", "the file is not there"]


def test_an_output_without_rows_has_a_page(tmp_path: Path) -> None:
    """The output of a shard may have no rows; its page has no point."""
    (tmp_path / "0").touch()
    HandmadeRuns(tmp_path).run([str(tmp_path / "0")], shard=Shard(1, 2))
    summary = write_report(tmp_path / "out.npy", None, ReportOptions(embedded_audio=3))
    facts, arrays = read_page(summary.page)

    assert (summary.rows, arrays["x"].shape, arrays["thumbnails"].shape) == (0, (0,), (0, 0, 0))
    assert facts["output"]["problems"] == []


def test_neighbours_are_left_out_if_they_take_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With very many rows there are no neighbours, and the summary says so, unless their number is given."""
    monkeypatch.setattr(description, "MAX_AUTOMATIC_MULTIPLICATIONS", 74)
    facts, arrays = write_and_read(tmp_path)
    assert facts["neighbors"] == {"count": 0, "isLeftOut": True}
    assert arrays["neighbors"].shape == (5, 0)
    write_report(tmp_path / "out.npy", None, ReportOptions(neighbors=2, replaces=True))
    assert read_page(tmp_path / "out.report.html")[1]["neighbors"].shape == (5, 2)


def test_what_a_page_cannot_be_is_refused(tmp_path: Path) -> None:
    """A page never replaces another file unasked, never the output, and its folder must exist."""
    write_output(tmp_path / "out.npy", ROWS)
    array = (tmp_path / "out.npy").read_bytes()
    (tmp_path / "page.html").write_text("mine")
    (tmp_path / "page.data.js").write_text("mine")
    with pytest.raises(UsageError, match=r"page\.html: exists already"):
        write_report(tmp_path / "out.npy", tmp_path / "page.html", ReportOptions())
    (tmp_path / "page.html").unlink()
    with pytest.raises(UsageError, match=r"page\.data\.js: exists already"):
        write_report(tmp_path / "out.npy", tmp_path / "page.html", ReportOptions(has_data_beside=True))
    with pytest.raises(UsageError, match=r"ends in \.html"):
        write_report(tmp_path / "out.npy", tmp_path / "out.npy", ReportOptions(replaces=True))
    with pytest.raises(UsageError, match="no such folder for the page"):
        write_report(tmp_path / "out.npy", tmp_path / "no" / "page.html", ReportOptions())
    with pytest.raises(UsageError, match="embed the audio of at most 8333 rows"):
        write_report(tmp_path / "out.npy", None, ReportOptions(embedded_audio=10_000))

    assert (tmp_path / "out.npy").read_bytes() == array
    assert not (tmp_path / "out.report.html").exists()


def test_the_command_says_what_it_has_written(tmp_path: Path) -> None:
    """`specfeat report` names the page; it refuses an existing page with exit code 2, and names the option."""
    write_output(tmp_path / "out.npy", {"a.aiff": np.ones((1, 2))})
    first = run_in_this_process(tmp_path, "report", "out.npy")
    second = run_in_this_process(tmp_path, "report", "out.npy")
    third = run_in_this_process(tmp_path, "report", "out.npy", "--force", "-q", "--embed-audio", "1")

    assert first.returncode == third.returncode == 0
    assert first.stderr.startswith("specfeat: out.report.html: 1 point, 1 spectrogram, ")
    assert "cannot play 1 file; use --embed-audio" in first.stderr
    assert (second.returncode, third.stderr) == (2, "")
    assert "use --force to replace it" in second.stderr


def test_sounds_in_archives_are_found(tmp_path: Path) -> None:
    """A sound in a zip archive is found by its path and checksum; another content is not the sound of the run."""
    path = tmp_path / "a.zip"
    soundfile.write(tmp_path / "x.wav", np.full(2000, 0.5), 8000)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path / "x.wav", "in/x.wav")
    kind = find_input_kind(str(path))
    assert kind is not None
    (listed,) = kind.list_files(str(path), lambda _: True).files
    entries = [make_entry("sub/a.zip/in/x.wav", 1, size=listed.identity.size, mtime_ns=listed.identity.mtime_ns, version=version)
               for version in (listed.identity.version, "other")]  # fmt: skip
    output: Any = SimpleNamespace(record=make_record(*entries), find_file=lambda _: path / "in" / "x.wav")
    sounds = RecordedSounds(output)
    sound = sounds.find_sound(entries[0])
    settings = load_config("minimal").settings

    assert sounds.find_sound(entries[1]) is None
    assert sound is not None
    assert (
        sum(len(block) for block in read_samples(sound, settings.audio))
        == 2000 * settings.audio.sample_rate // 8000
    )
    assert find_playing_problem(path / "in" / "x.wav") == "browsers cannot read files in archives"


@pytest.mark.parametrize(
    ("subtype", "is_played"),
    [
        ("PCM_16", True),
        ("PCM_24", True),
        ("FLOAT", True),
        ("ULAW", True),
        ("DOUBLE", False),
        ("IMA_ADPCM", False),
    ],
)
def test_codings_that_browsers_do_not_play_are_known(subtype: str, is_played: bool, tmp_path: Path) -> None:
    """The coding of a WAV file is read from its header; which of them play was tried in Chromium."""
    path = tmp_path / "a.WAV"
    soundfile.write(path, np.zeros(1000), 8000, format="WAV", subtype=subtype)

    assert (find_playing_problem(path) == "") == is_played


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk refuses, the error names the page, and no part of it is left."""
    write_output(tmp_path / "out.npy", ROWS)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("specfeat.atomic_file.sync_open_file", refuse)
    with pytest.raises(OutputError, match=r"out\.report\.html: cannot be written"):
        write_report(tmp_path / "out.npy", None, ReportOptions())

    assert sorted(path.name for path in tmp_path.glob("*html*")) == []
