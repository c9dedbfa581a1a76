"""When a sound was recorded, from its metadata or its name."""

import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from helpers.archives import make_wav, write_archive
from helpers.command_runs import run_extract
from specfeat.audio.recording_time import find_recording_time, find_time_in_name
from specfeat.errors import UsageError
from specfeat.run.selection_options import SoundSelection
from specfeat.run.sound_selection import select_sounds
from specfeat.segments import SegmentOptions
from specfeat.sound import Sound

TIME = "2024-01-31T23:59:58"
NAMES = {
    "20240131_235958.WAV": TIME,  # AudioMoth
    "20240131_235958T.WAV": TIME,  # AudioMoth, triggered
    "SM4_20240131_235958.wav": TIME,  # Song Meter
    "S4A00001_20240131$235958.wac": TIME,  # Song Meter, triggered
    "AM_1_2024-01-31T23-59-58.flac": TIME,
    "2024-01-31 23.59.58.m4a": TIME,
    "2024-01-31_23:59:58.wav": TIME,
    "20240131235958.wav": TIME,
    "ZOOM_2024_01_31_23_59_58.wav": TIME,
    "20240131T235958+1000_rec.wav": f"{TIME}+10:00",  # BAR
    "20240131T235958Z.wav": f"{TIME}+00:00",
    "20240131_235958-0001.wav": TIME,  # a number, and no offset
    "a_20249931_235958_20240131_235958.wav": TIME,  # the first is no date
    "20240131_235958_20240201_010203.wav": TIME,  # start and end
    "5678.240131235958.wav": TIME,  # SoundTrap
    "5D3C8A70.WAV": datetime.fromtimestamp(0x5D3C8A70, UTC).isoformat(),  # the first AudioMoth
    "20240131.wav": "",
    "20240131_2359581.wav": "",
    "120240131_235958.wav": "",
    "20240131_245958.wav": "",
    "XC12345678.wav": "",
    "12345678.WAV": "",
    "5D3C8A70.wav": "",
    "recording.wav": "",
}


@pytest.mark.parametrize(("name", "time"), NAMES.items())
def test_times_in_names(name: str, time: str) -> None:
    """The names of common recorders have a time; a number that is no time gives none."""
    assert find_time_in_name(name) == time


def make_chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a WAV file, padded to an even length."""
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def make_comment(text: str) -> bytes:
    """Return the chunk with a comment, as AudioMoth writes it."""
    return make_chunk(b"LIST", b"INFO" + make_chunk(b"ICMT", text.encode() + b"\0"))


def read_time(path: Path, *chunks: bytes) -> str:
    """Write a WAV file whose sound is followed by chunks, and return its time."""
    path.write_bytes(make_wav(0.1) + b"".join(chunks))
    return find_recording_time(Sound(str(path)))


GUANO = "GUANO|Version: 1.0\nMake: Wildlife\nTimestamp: {}\nNote: é\n"
MOTH = "Recorded at 19:17:30 19/11/2019 ({}) by AudioMoth 24F319055FDF2D5B at gain setting 2"


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("2017-04-06T21:30:00-05:00", "2017-04-06T21:30:00-05:00"),
        ("2017-04-06T21:30:00Z\r", "2017-04-06T21:30:00+00:00"),
        ("2017-04-06 21:30:00.250", "2017-04-06T21:30:00.250000"),
        ("yesterday", TIME),
    ],
)
def test_guano(tmp_path: Path, stamp: str, time: str) -> None:
    """GUANO's Timestamp is ISO 8601, and comes before the name; a wrong one does not count."""
    chunk = make_chunk(b"guan", GUANO.format(stamp).encode())

    assert read_time(tmp_path / "20240131_235958.wav", make_chunk(b"abcd", b"123"), chunk) == time


@pytest.mark.parametrize(
    ("zone", "offset"), [("UTC", "+00:00"), ("UTC+1", "+01:00"), ("UTC-3:30", "-03:30"), ("UTC+10", "+10:00")]
)
def test_comment_of_audio_moth(tmp_path: Path, zone: str, offset: str) -> None:
    """The sentence has the time of day first, then the date, and the offset to UTC."""
    assert read_time(tmp_path / "a.wav", make_comment(MOTH.format(zone))) == f"2019-11-19T19:17:30{offset}"


def test_guano_comes_before_a_comment(tmp_path: Path) -> None:
    """A file of AudioMoth can have both."""
    chunks = make_comment(MOTH.format("UTC")), make_chunk(b"guan", GUANO.format(TIME).encode())

    assert read_time(tmp_path / "a.wav", *chunks) == TIME


def test_what_is_no_metadata(tmp_path: Path) -> None:
    """Damaged chunks, a day that does not exist, a folder and a missing file say nothing."""
    bad_day = MOTH.replace("19/11", "31/11").format("UTC")
    chunks = make_comment(bad_day), b"guan" + struct.pack("<I", 2**32 - 1) + b"Timestamp: x"

    assert read_time(tmp_path / "a.wav", *chunks) == ""
    assert find_recording_time(Sound(str(tmp_path))) == ""
    assert find_recording_time(Sound(str(tmp_path / "none\0.wav"))) == ""


def test_the_column_of_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and members of archives have the column, after those of a table; a note counts the files without a time."""
    monkeypatch.chdir(tmp_path)
    write_archive(Path("a.zip"), {"20240131_235958.wav": make_wav(0.1), "b.wav": make_wav(0.1)})
    found = select_sounds(SoundSelection(recorded_at="auto"), ["a.zip"], [])
    assert found.columns == ("recorded_at",)
    assert [sound.columns for sound in found.sounds] == [(TIME,), ("",)]
    assert found.notes == ("1 of 2 files do not say when they were recorded",)

    Path("t.csv").write_text("path,end,kind\nb.wav,0.05,x\n")
    selection = SoundSelection(recorded_at="auto", segments=SegmentOptions(tables=("t.csv",)))
    found = select_sounds(selection, ["a.zip"], [])
    assert (found.columns, found.sounds[0].columns) == (("kind", "recorded_at"), ("x", ""))
    Path("t.csv").write_text("path,end,recorded_at\nb.wav,0.05,x\n")
    with pytest.raises(UsageError, match="has a column 'recorded_at' already"):
        select_sounds(selection, ["a.zip"], [])


@pytest.mark.slow
def test_the_index_of_a_run(tmp_path: Path) -> None:
    """Each row has the time of its file, and an update finds nothing to do."""
    (tmp_path / "20240131_235958.wav").write_bytes(make_wav(2.0))
    words = (".", "out.npy", "--recorded-at", "auto")
    assert run_extract(tmp_path, *words).returncode == 0
    lines = (tmp_path / "out.index.csv").read_text().splitlines()
    before = (tmp_path / "out.npy").stat().st_mtime_ns
    assert run_extract(tmp_path, *words, "--update").returncode == 0

    assert lines[0].endswith(",status,recorded_at")
    assert len(lines) > 2
    assert all(line.endswith(f",ok,{TIME}") for line in lines[1:])
    assert (tmp_path / "out.npy").stat().st_mtime_ns == before
