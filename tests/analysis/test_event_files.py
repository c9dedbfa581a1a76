"""Tables of events: what the readers of segments read in them is what was written."""

from pathlib import Path

import pytest

from specfeat.analysis.audio_events import AudioEvent, EventFile, EventTable
from specfeat.analysis.event_files import find_event_format, list_table_names, write_event_table
from specfeat.analysis.event_formats import FORMATS
from specfeat.errors import Remedy, UsageError
from specfeat.segments.base import SegmentLine
from specfeat.segments.formats import find_segment_format

FILES = (
    EventFile(name="x/a.wav", path="/rec/x/a.wav", length_s=10.5),
    EventFile(name="x/quiet.wav", path="/rec/x/quiet.wav", length_s=4.0),
    EventFile(name="b,1.flac", path="/rec/b,1.flac", length_s=2.0),
)
EVENTS = (
    AudioEvent(name="b,1.flac", start_s=0.25, end_s=1e-5 + 1, label="wren", channel=1, values=("0.9",)),
    AudioEvent(name="x/a.wav", start_s=0.0, end_s=0.96, label="two\tparts\n", values=("0.5",)),
)
TABLE = EventTable(events=EVENTS, files=FILES, columns=("score",), high_hz=8000.0)


def read_lines(path: Path) -> list[SegmentLine]:
    return list(find_segment_format(path, None).read_table(path, {}).lines)


@pytest.mark.parametrize("name", ["out.csv", "out.selections.txt"])
def test_a_table_of_all_files_is_read_again(name: str, tmp_path: Path) -> None:
    """File, exact times and channel of each event come back from a CSV table and from Raven's selection table."""
    path = tmp_path / name
    write_event_table(TABLE, str(path), find_event_format(name))

    lines = read_lines(path)
    assert [(line.part.start_s, line.part.end_s) for line in lines] == [(0.25, 1.00001), (0.0, 0.96)]
    assert [line.part.channel for line in lines] == ([1, None] if name == "out.csv" else [1, 0])
    assert [line.paths[0].rpartition("/")[2] for line in lines] == ["b,1.flac", "a.wav"]


def test_raven_counts_from_the_start_of_the_first_file(tmp_path: Path) -> None:
    """Begin Time counts over all files, also those without an event; Begin Path and File Offset name the place."""
    write_event_table(TABLE, str(tmp_path / "t.txt"), FORMATS["raven"])

    lines = [line.split("\t") for line in (tmp_path / "t.txt").read_text().splitlines()]
    first = dict(zip(lines[0], lines[1], strict=True))
    assert first["Begin Time (s)"] == "14.75"
    assert (first["Begin Path"], first["File Offset (s)"]) == ("/rec/b,1.flac", "0.25")
    assert (first["Channel"], first["High Freq (Hz)"], first["Annotation"]) == ("2", "8000", "wren")
    assert len({len(line) for line in lines}) == 1


def test_a_folder_gets_a_label_track_for_each_file(tmp_path: Path) -> None:
    """A label track of Audacity belongs to one file; a tab or a line break in a label becomes a space."""
    written = write_event_table(TABLE, f"{tmp_path}/labels/", FORMATS["audacity"])

    assert [str(path.relative_to(tmp_path)) for path in written] == ["labels/x/a.txt", "labels/b,1.txt"]
    assert written[0].read_text() == "0.0\t0.96\ttwo parts \n"
    assert read_lines(written[1])[0].part.end_s == 1.00001
    with pytest.raises(UsageError, match="belongs to one audio file, but there are 3; give a folder"):
        write_event_table(TABLE, str(tmp_path / "all.txt"), FORMATS["audacity"])


def test_no_table_leaves_its_folder_or_has_the_name_of_another() -> None:
    """The names of tables have no '..' and are different, also where names differ only in capitals or extension."""
    paths = ["/r/a/x.wav", "/r/a/../../r/b/x.wav", "/r/a/X.flac", "/q/../r/c/...wav"]
    names = list_table_names([EventFile(name=path, path=path, length_s=1.0) for path in paths], ".txt")

    assert names == ["a/x.wav.txt", "b/x.txt", "a/X.flac.txt", "c/...wav.txt"]
    assert list_table_names([EventFile(name="../a", path="/a.wav", length_s=1.0)], ".csv") == ["a.csv"]


def test_no_table_replaces_a_file_unasked(tmp_path: Path) -> None:
    """If one file of several exists, nothing is written without `force`."""
    (tmp_path / "b,1.csv").write_text("precious")
    with pytest.raises(UsageError, match="exists already") as caught:
        write_event_table(TABLE, f"{tmp_path}", FORMATS["csv"])
    assert caught.value.remedy is Remedy.RENAME_OR_REPLACE_OUTPUT
    assert [path.name for path in tmp_path.iterdir()] == ["b,1.csv"]

    write_event_table(TABLE, f"{tmp_path}", FORMATS["csv"], force=True)
    assert (tmp_path / "b,1.csv").read_text().startswith("path,start,end,channel,label,score\n")


def test_a_name_keeps_its_bytes_and_a_tab_in_it_is_refused(tmp_path: Path) -> None:
    """A name that is not UTF-8 has its bytes in the table; Raven's table has no place for a tab in a path."""
    file = EventFile(name="\udcff\r.wav", path="/rec/\udcff\r.wav", length_s=1.0)
    events = [AudioEvent(name=file.name, start_s=0.0, end_s=1.0)]
    table = EventTable(events=events, files=[file], high_hz=1.0)
    path = tmp_path / "t.csv"
    write_event_table(table, str(path), FORMATS["csv"])

    assert path.read_bytes() == b'path,start,end,label\n"\xff\r.wav","0.0","1.0",""\n'
    assert read_lines(path)[0].paths == (file.name,)
    with pytest.raises(UsageError, match="a tab or a line break"):
        write_event_table(table, str(tmp_path / "t.selections.txt"), FORMATS["raven"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize(
    ("path", "name", "extension"),
    [
        ("a.txt", None, ".txt"),
        ("A.Selections.TXT", None, ".selections.txt"),
        ("x/", "raven", ".selections.txt"),
    ],
)
def test_the_name_or_the_user_chooses_the_format(path: str, name: str | None, extension: str) -> None:
    """The end of the name of a table decides, unless the user names the format."""
    assert find_event_format(path, name).extension == extension


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, "ends in .csv, .selections.txt, .txt, .TextGrid, .rttm or .parquet"),
        ("ravn", r"did you mean 'raven'\?"),
    ],
)
def test_an_unknown_format_is_refused(name: str | None, message: str) -> None:
    """The message names what is possible."""
    with pytest.raises(UsageError, match=message):
        find_event_format("out/", name)
