"""The sounds of a run from tables of segments: their files, their columns, and what is refused."""

import os
from pathlib import Path

import pytest

from specfeat.errors import NoUsableAudioError, Remedy, UsageError
from specfeat.run.selection_options import SoundSelection, make_time_range
from specfeat.run.sound_selection import select_sounds
from specfeat.segments import SegmentOptions, SegmentSounds, read_segments
from specfeat.sound import SoundPart, format_sound
from specfeat.time_text import parse_seconds

EXTENSIONS = ("wav", "flac")


def read(*tables: Path, inputs: tuple[Path, ...] = (), **columns: str) -> SegmentSounds:
    options = SegmentOptions(tables=tuple(map(str, tables)), columns=columns)
    return read_segments(options, tuple(map(str, inputs)), EXTENSIONS, ("row", "status", "start_s"))


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_where_files_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is searched in the inputs, beside the table, and in the current folder; absolute names are used as they are."""
    table = write(
        tmp_path / "tables/t.csv", f"path\na.wav\nsub/b.wav\nc.wav\nd.wav\n{tmp_path}/e.wav\nnone.wav\n"
    )
    for name in ("in/a.wav", "tables/a.wav", "files/sub/b.wav", "tables/c.wav", "d.wav", "e.wav"):
        write(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    sounds = read(Path("tables/t.csv"), inputs=(Path("in"), Path("files/sub/b.wav"))).sounds

    assert [sound.path for sound in sounds] == [
        "in/a.wav",
        "files/sub/b.wav",
        "tables/c.wav",
        "d.wav",
        f"{tmp_path}/e.wav",
        "in/none.wav",
    ]
    assert [sound.file.size for sound in sounds] == [1, 1, 1, 1, 1, None]
    assert table.exists()


def test_the_file_of_a_table_without_names(tmp_path: Path) -> None:
    """Labels belong to the only input, or to the audio file with the name of the table."""
    labels = write(tmp_path / "rec.1.Table.txt", "0\t1\tx\n")
    with pytest.raises(UsageError, match="names no file, and there is no audio file with its name"):
        read(labels)
    audio = write(tmp_path / "rec.1.wav")
    write(tmp_path / "rec.1.Table.csv")
    assert [sound.path for sound in read(labels).sounds] == [str(audio)]
    other = write(tmp_path / "in/other.flac")
    assert [sound.path for sound in read(labels, inputs=(other,)).sounds] == [str(other)]
    write(tmp_path / "rec.1.flac")
    with pytest.raises(UsageError, match=r"it can belong to .*rec\.1\.flac or .*rec\.1\.wav; give the file"):
        read(labels)


def test_columns_of_several_tables(tmp_path: Path) -> None:
    """All columns are kept, in the order of the tables; a name that the index has itself gets a prefix."""
    first = write(tmp_path / "1.csv", "path,label,status\na.wav,wren,new\n")
    second = write(tmp_path / "2.csv", "path,note,label\nb.wav,far,crow\n")
    write(tmp_path / "a.wav")
    sounds = read(first, second)

    assert sounds.columns == ("label", "table_status", "note")
    assert [sound.columns for sound in sounds.sounds] == [("wren", "new", ""), ("crow", "", "far")]
    assert [note.rpartition("/")[2] for note in sounds.notes] == [
        f"{k}.csv: no column says where a segment begins or ends, so each of its 1 line is a whole file"
        for k in (1, 2)
    ]


def test_a_segment_is_named_once(tmp_path: Path) -> None:
    """Two lines with the same file, times, channel and id are refused; an id makes them different."""
    write(tmp_path / "a.wav")
    table = write(tmp_path / "t.csv", "path,start,end,label\na.wav,1,2,x\n./a.wav,1,2.0,y\n")
    with pytest.raises(
        UsageError, match="line 3: has the same file, times, channel and id as line 2"
    ) as caught:
        read(table)
    assert caught.value.remedy is Remedy.NAME_ID_COLUMN
    assert [sound.part.id for sound in read(table, id="label").sounds] == ["x", "y"]


def test_tables_without_anything(tmp_path: Path) -> None:
    """A table without lines has no audio; one whose files are all missing is a mistake."""
    with pytest.raises(NoUsableAudioError, match="has no segments"):
        read(write(tmp_path / "t.csv", "path,start\n"))
    with pytest.raises(UsageError, match=r"none of the files exists, e\.g\. .*a\.wav; names are relative"):
        read(write(tmp_path / "t.csv", "path,start\na.wav,1\n"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90.5", 90.5),
        ("1:30.5", 90.5),
        ("1:01:30", 3690.0),
        ("0:00:00.009", 0.009),
        (" 7 ", 7.0),
        ("1e2", 100.0),
        ("-1", -1.0),
        ("1:60", None),
        ("1:2:3:4", None),
        ("", None),
        ("1,5", None),
        ("inf", None),
        ("\u0661", None),
        ("9" * 5000, None),
    ],
)
def test_times(text: str, seconds: float | None) -> None:
    """Seconds, m:s and h:m:s are read; everything else is no time."""
    assert parse_seconds(text) == seconds


def test_the_same_part_of_each_file(tmp_path: Path) -> None:
    """Start and duration hold for all files; a file that is shorter may end early."""
    write(tmp_path / "wren/a.wav")
    write(tmp_path / "crow/b.wav")
    time_range = make_time_range("0:01", None, 1.5)
    selection = SoundSelection(time_range=time_range, label_from="parent")
    found = select_sounds(selection, [str(tmp_path)], [])

    assert {sound.part for sound in found.sounds} == {SoundPart(None, 1.0, 2.5, None, may_end_early=True)}
    assert (found.columns, [sound.columns for sound in found.sounds]) == (("label",), [("crow",), ("wren",)])
    assert make_time_range("0") == SoundPart()


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (("x", None, None), "the start is 'x'; give seconds"),
        ((None, -1, None), "the end is '-1'"),
        ((None, 1, 2), "both an end and a duration"),
        ((5, 5, None), r"the end \(5 s\) is not after the start \(5 s\)"),
        ((None, None, 0), "is not after"),
    ],
)
def test_wrong_times(times: tuple[str | float | None, ...], message: str) -> None:
    """Times that give no part are refused before anything is read."""
    with pytest.raises(UsageError, match=message):
        make_time_range(*times)


def test_labels_of_folders_and_of_a_table(tmp_path: Path) -> None:
    """The names of folders do not replace the labels of a table; times for all files do not replace its times."""
    write(tmp_path / "a.wav")
    table = str(write(tmp_path / "t.csv", "path,label\na.wav,x\n"))
    with pytest.raises(UsageError, match="has a column 'label' already"):
        select_sounds(SoundSelection(segments=SegmentOptions(tables=(table,)), label_from="parent"), [], [])
    with pytest.raises(UsageError, match="has times of its own"):
        SoundSelection(segments=SegmentOptions(tables=(table,)), time_range=make_time_range(1))


def test_the_name_of_a_segment(tmp_path: Path) -> None:
    """Messages name file, times, channel and id, on one line."""
    write(tmp_path / "a.wav")
    table = write(tmp_path / "t.csv", 'path,start,end,channel,id\na.wav,1.5,,1,"call\n7"\n')
    names = [format_sound(sound) for sound in read(table).sounds]
    assert names == [f"{tmp_path}/a.wav (1.5 s to the end, channel 1, call\\n7)"]


def test_a_file_whose_name_is_not_text(tmp_path: Path) -> None:
    """The bytes of a name in a table are those of the file."""
    name = os.fsdecode(b"\xff.wav")
    write(tmp_path / name)
    table = tmp_path / "t.csv"
    table.write_bytes(b"path\n\xff.wav\n")
    assert read(table).sounds[0].file.size == 1
