"""A file that libsndfile cannot read and ffmpeg can: without PyAV, the error has the command that converts it."""

from pathlib import Path

import pytest

from specfeat.audio.audio_file import AudioFile
from specfeat.errors import AudioError

MP4 = bytes.fromhex("0000001c667479704d344120")


def _get_error(path: str) -> str:
    with pytest.raises(AudioError) as caught:
        AudioFile(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "front",
    [
        MP4,
        bytes.fromhex("fff1604039fffcde02004c61"),  # AAC
        bytes.fromhex("3026b2758e66cf11a6d900aa"),  # WMA
        bytes.fromhex("1a45dfa39f4286810142f781"),  # WebM
        b"OggS\0\2" + bytes(20) + b"\0\1\x13Speex   ",
        b"wvpk" + bytes(20),
    ],
    ids=["m4a", "aac", "wma", "webm", "ogg", "wv"],
)
@pytest.mark.usefixtures("_in_an_empty_folder", "_without_ffmpeg")
def test_a_file_for_ffmpeg_is_told_so(front: bytes) -> None:
    """The command has the names of this file; the file is known by its bytes and not by its name."""
    Path("a.xyz").write_bytes(front + bytes(1000))

    assert _get_error("a.xyz").startswith("is not audio that libsndfile reads: ")
    assert _get_error("a.xyz").endswith(
        "; read it with FFmpeg (pip install 'specfeat[av]'), or convert it with ffmpeg: ffmpeg -i a.xyz a.wav"
    )


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("two words.m4a", "ffmpeg -i 'two words.m4a' 'two words.wav'"),
        ("it's; rm.m4a", """ffmpeg -i 'it'"'"'s; rm.m4a' 'it'"'"'s; rm.wav'"""),
        ("a.WAV", "ffmpeg -i a.WAV a.converted.wav"),
        ("-y.m4a", "ffmpeg -i ./-y.m4a ./-y.wav"),
        ("12:30.m4a", "ffmpeg -i ./12:30.m4a ./12:30.wav"),
        ("odd\udcff.m4a", "ffmpeg -i FILE FILE.wav"),
        ("two\nlines.m4a", "ffmpeg -i FILE FILE.wav"),
        ("none", "ffmpeg -i none none.wav"),
    ],
)
@pytest.mark.usefixtures("_in_an_empty_folder", "_without_ffmpeg")
def test_names_are_quoted_for_the_shell(name: str, command: str) -> None:
    """The command can be pasted: it reads this file, overwrites none that it reads, and runs nothing else."""
    Path(name).write_bytes(MP4 + bytes(1000))

    assert _get_error(name).endswith(f": {command}")


@pytest.mark.usefixtures("_in_an_empty_folder")
def test_a_file_without_sound_gets_no_command() -> None:
    """Nothing can convert a text."""
    Path("letter.m4a").write_text("This is a letter, and no sound.\n" * 20)

    assert "ffmpeg" not in _get_error("letter.m4a")


@pytest.mark.usefixtures("_in_an_empty_folder")
def test_an_mp3_file_without_a_frame_is_there_but_has_no_sound() -> None:
    """A tag alone is what some programs write for an empty track; libsndfile says that it does not exist."""
    Path("tag.mp3").write_bytes(b"ID3\x04\0\0\0\0\0\x0a" + bytes(10))

    assert (
        _get_error("tag.mp3")
        == "is not audio that libsndfile reads: it has a tag, but no MPEG frame behind it; "
        "leave this file out, or check how it was made"
    )
