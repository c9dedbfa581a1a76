"""Files that libsndfile refuses: the message says what they are."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile

from specfeat.audio.audio_file import AudioFile
from specfeat.errors import AudioError

ID3V2_TAG = b"ID3\x04\0\0\0\0\x20\0" + b"TIT2".ljust(4096, b"\0")


def encode(container: str) -> bytes:
    """Return a short file of noise."""
    with BytesIO() as file:
        samples = np.random.default_rng(1).normal(scale=0.1, size=4000)
        soundfile.write(file, samples, 16_000, "PCM_16", format=container)
        return file.getvalue()


def make_flac(bits: int) -> bytes:
    """Return the header of a FLAC file with another number of bits."""
    content = bytearray(encode("FLAC"))
    fields = int.from_bytes(content[18:26])
    content[18:26] = (fields & ~(31 << 36) | (bits - 1) << 36).to_bytes(8)
    return bytes(content[:26]) + bytes(100)


@pytest.mark.usefixtures("_without_ffmpeg")
@pytest.mark.parametrize(
    ("content", "message", "cause"),
    [
        (ID3V2_TAG, "it has a tag, but no MPEG frame behind it", "not audio"),
        (ID3V2_TAG + bytes(500), "it has a tag, but no MPEG frame behind it", "not audio"),
        (b"OggS\0\x02" + bytes(22) + b"\x7fFLAC" + bytes(60), "it is FLAC in Ogg", "not audio"),
        (b"OggS\0\x02" + bytes(22) + b"Speex   " + bytes(60), "it is Speex in Ogg", "not audio"),
        (b"\0\0\0\x20ftypM4A " + bytes(60), "it is an MP4 file", "not audio"),
        (b"\x1aE\xdf\xa3" + bytes(60), "it is a Matroska or WebM file", "not audio"),
        (make_flac(12), "it is FLAC of 12 bits", "not audio"),
        (encode("WAV") * 2, "has another file behind its end", "header"),
        (encode("AIFF") * 2, "has another file behind its end", "header"),
        (encode("SVX") * 2, "has another file behind its end", "header"),
    ],
)
def test_the_message_says_what_the_file_is(tmp_path: Path, content: bytes, message: str, cause: str) -> None:
    """The words of libsndfile are about its own internals, or wrong."""
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(AudioError, match=message) as caught:
        AudioFile(str(tmp_path / "a.bin"))

    assert (caught.value.stage, caught.value.cause) == ("open", cause)
