"""Streams one after another, changes of the rate, wrong lengths and tags: in MP3, FLAC and Ogg.

The rule of every test: all of the samples, or an error with the cause `header`.
"""

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.sample_data import Float
from specfeat.audio.audio_file import AudioFile
from specfeat.errors import AudioError

RATE = 16_000
ID3V1_TAG = b"TAG" + b"A title".ljust(125, b"\0")
APE_ITEM = struct.pack("<II", 5, 0) + b"Title\0A tag"
APE_TAG = APE_ITEM + b"APETAGEX" + struct.pack("<IIII", 2000, len(APE_ITEM) + 32, 1, 0) + bytes(8)
TAILS = {
    "id3v1": ID3V1_TAG,
    "ape": APE_TAG,
    "both": APE_TAG + ID3V1_TAG,
    "zeros": bytes(200_000),
    "zeros and a tag": bytes(5_000) + ID3V1_TAG,
}


def make_tone(seconds: float, *, level: float = 0.3, rate: int = RATE) -> Float:
    """Make noise and a tone, which no encoder leaves out."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(1).normal(scale=level / 3, size=len(time))
    return (level * np.sin(2 * np.pi * 440 * time) + noise).astype(np.float32)


def encode(samples: Float, container: str, *, rate: int = RATE, subtype: str | None = None) -> bytes:
    """Return the bytes that libsndfile writes for some samples."""
    with BytesIO() as file:
        soundfile.write(file, samples, rate, subtype, format=container)
        return file.getvalue()


def encode_mp3(samples: Float, *, mode: str, rate: int = RATE) -> bytes:
    """Return an MP3 with a constant or variable bit rate."""
    with BytesIO() as file:
        with soundfile.SoundFile(
            file, "w", rate, 1, format="MP3", bitrate_mode=mode, compression_level=0.2
        ) as mp3:
            mp3.write(samples)
        return file.getvalue()


def remove_length_frame(content: bytes) -> bytes:
    """Remove the first frame of an MP3, which declares the length; all of its frames have the same sync bytes."""
    assert b"Xing" in content[:192] or b"Info" in content[:192]
    return content[content.index(content[:2], 4) :]


def read_content(path: Path, content: bytes) -> Float:
    """Write a file, and return its samples of the first channel."""
    path.write_bytes(content)
    with AudioFile(str(path)) as file:
        return np.concatenate([np.empty(0, np.float32), *(block[:, 0] for block in file.read_blocks(5_000))])


def get_header_error(path: Path, content: bytes) -> str:
    """Write a file, and return the error of reading it, whose cause is `header`."""
    with pytest.raises(AudioError) as caught:
        read_content(path, content)
    assert caught.value.cause == "header"
    return str(caught.value)


def test_an_mp3_of_variable_bit_rate_without_its_length_is_read_to_its_end(tmp_path: Path) -> None:
    """The first frames have a high bit rate, and most of the sound is silence of the lowest bit rate."""
    samples = np.concatenate([make_tone(1.0), np.zeros(9 * RATE, np.float32)])
    content = remove_length_frame(encode_mp3(samples, mode="VARIABLE"))

    assert len(read_content(tmp_path / "a.mp3", content)) >= len(samples)


@pytest.mark.parametrize("tail", TAILS)
def test_an_mp3_without_its_length_has_the_same_samples_with_a_tag_behind_it(
    tmp_path: Path, tail: str
) -> None:
    """What stands behind the last frame is not sound."""
    content = remove_length_frame(encode_mp3(make_tone(2.0), mode="CONSTANT"))
    expected = read_content(tmp_path / "a.mp3", content)

    assert len(expected) >= 2 * RATE
    np.testing.assert_array_equal(read_content(tmp_path / "b.mp3", content + TAILS[tail]), expected)


def test_two_mp3s_that_are_joined_are_an_error(tmp_path: Path) -> None:
    """The first one declares its own length, and libsndfile stops there."""
    first, second = encode_mp3(make_tone(1.0), mode="CONSTANT"), encode_mp3(make_tone(2.0), mode="CONSTANT")

    for content in (first + second, first + first):
        error = get_header_error(tmp_path / "a.mp3", content)
        assert error.startswith(
            "ends at sample 16000: more frames follow, because its header declares too few"
        )


def test_an_mp3_that_declares_half_of_its_frames_is_an_error(tmp_path: Path) -> None:
    """The number of frames stands 8 bytes behind the mark of the first frame."""
    content = bytearray(encode_mp3(make_tone(4.0), mode="CONSTANT"))
    place = max(content.find(b"Info"), content.find(b"Xing")) + 8
    frames = int.from_bytes(content[place : place + 4])
    content[place : place + 4] = (frames // 2).to_bytes(4)

    assert "more frames follow" in get_header_error(tmp_path / "a.mp3", bytes(content))


def test_an_mp3_whose_rate_changes_is_an_error(tmp_path: Path) -> None:
    """The frames of the other rate cannot be decoded together with the first ones."""
    first = remove_length_frame(encode_mp3(make_tone(1.0), mode="CONSTANT"))
    second = remove_length_frame(encode_mp3(make_tone(1.0, rate=44_100), mode="CONSTANT", rate=44_100))

    assert "sample rate or the channels change" in get_header_error(tmp_path / "a.mp3", first + second)


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("is_length_known", [True, False])
def test_a_flac_file_with_a_tag_behind_it_is_read(tmp_path: Path, tail: str, is_length_known: bool) -> None:
    """The decoder loses its way in a tag, but all frames are whole."""
    samples = make_tone(2.0)
    content = bytearray(encode(samples, "FLAC"))
    if not is_length_known:
        content[21:26] = (int.from_bytes(content[21:26]) >> 36 << 36).to_bytes(5)

    decoded = read_content(tmp_path / "a.flac", bytes(content) + TAILS[tail])
    np.testing.assert_allclose(decoded, samples, atol=2**-15)


@pytest.mark.parametrize("length", [16_000, 1])
def test_a_flac_file_that_declares_less_than_it_has_is_an_error(tmp_path: Path, length: int) -> None:
    """The header has 36 bits for the number of samples (RFC 9639, section 8.2)."""
    content = bytearray(encode(make_tone(2.0), "FLAC"))
    content[21:26] = (int.from_bytes(content[21:26]) >> 36 << 36 | length).to_bytes(5)

    assert f"ends at sample {length}: " in get_header_error(tmp_path / "a.flac", bytes(content))


@pytest.mark.parametrize("seconds", [1.0, 30.0])
def test_two_flac_files_that_are_joined_are_an_error(tmp_path: Path, seconds: float) -> None:
    """The second stream may begin near the end of the file or far from it."""
    content = encode(make_tone(seconds), "FLAC")

    assert "another FLAC stream follows" in get_header_error(tmp_path / "a.flac", content + content)


@pytest.mark.parametrize(("rate", "other_rate"), [(16_000, 48_000), (44_100, 22_050), (11_025, 12_345)])
def test_a_flac_file_whose_rate_changes_is_an_error(tmp_path: Path, rate: int, other_rate: int) -> None:
    """Frames of another rate in the middle would be given as if they had the first rate."""
    outer = encode(make_tone(12.0, rate=rate), "FLAC", rate=rate)
    inner = encode(make_tone(12.0, rate=other_rate), "FLAC", rate=other_rate)
    first_frame = [content.index(b"\xff\xf8") for content in (outer, inner)]
    content = outer + inner[first_frame[1] :] + outer[first_frame[0] :]

    message = f"its sample rate changes from {rate} to {other_rate} Hz"
    assert message in get_header_error(tmp_path / "a.flac", content)


def test_ogg_streams_that_are_joined_are_an_error(tmp_path: Path) -> None:
    """Also if they have the same serial number, if the last is the first again, or if zeros follow."""
    first, second = (encode(make_tone(seconds), "OGG") for seconds in (1.0, 2.0))
    for content in (first + first, first + second, first + second + first, first + first + bytes(200_000)):
        assert "has several streams" in get_header_error(tmp_path / "a.ogg", content)


@pytest.mark.parametrize("tail", TAILS)
def test_an_ogg_file_with_something_behind_it_is_read(tmp_path: Path, tail: str) -> None:
    """A tag or zeros are no stream."""
    content = encode(make_tone(1.0), "OGG")

    assert len(read_content(tmp_path / "a.ogg", content + TAILS[tail])) == RATE
