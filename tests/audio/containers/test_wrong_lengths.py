"""Each container that libsndfile writes, with wrong lengths, with something behind it, and joined to itself.

The rule of every test: all of the samples that were written and no others, or an error with the cause `header`.
"""

import re
import struct
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from helpers.sample_data import Float
from specfeat.audio.audio_file import AudioFile
from specfeat.errors import AudioError

RATE = 16_000
SAMPLES = 12_000
SOUND_BYTES = 2 * SAMPLES
CONTAINERS = [
    *("AIFF", "AU", "AVR", "CAF", "IRCAM", "MAT4", "MAT5", "MPC2K", "NIST", "PAF", "PVF", "RF64", "SDS"),
    *("SVX", "VOC", "W64", "WAV", "WAVEX", "XI"),
]
W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
ID3V1_TAG = b"TAG" + b"A title".ljust(125, b"\0")
ID3V2_TAG = b"ID3\x04\0\0\0\0\x20\0" + b"TIT2".ljust(4096, b"\0")
APE_ITEM = struct.pack("<II", 5, 0) + b"Title\0A tag"
APE_TAG = APE_ITEM + b"APETAGEX" + struct.pack("<IIII", 2000, len(APE_ITEM) + 32, 1, 0) + bytes(8)
GARBAGE = np.random.default_rng(7).bytes(20_000)


class LengthField(NamedTuple):
    """Where a header has the length of the sound.

    Attributes:
        mark: the bytes by which it is found.
        distance: from the beginning of the mark, in bytes.
        layout: for the module `struct`.
        extra: what it counts besides the bytes of the sound.
        unit: the bytes that it counts as one.
    """

    mark: bytes
    distance: int
    layout: str
    extra: int = 0
    unit: int = 1


LENGTH_FIELDS = {
    "AIFF": LengthField(b"SSND", 4, ">I", 8),
    "AU": LengthField(b".snd", 8, ">I"),
    "AVR": LengthField(b"2BIT", 26, ">I", unit=2),
    "CAF": LengthField(b"data", 4, ">Q", 4),
    "MAT4": LengthField(b"\x09\0\0\0wavedata", -8, "<I", unit=2),
    "MPC2K": LengthField(b"\x01\x04", 30, "<I", unit=2),
    "RF64": LengthField(b"ds64", 16, "<Q"),
    "SVX": LengthField(b"BODY", 4, ">I"),
    "W64": LengthField(W64_DATA, 16, "<Q", 24),
    "WAV": LengthField(b"data", 4, "<I"),
    "WAVEX": LengthField(b"data", 4, "<I"),
}
TAILS = {
    "id3v1": ID3V1_TAG,
    "id3v2": ID3V2_TAG,
    "ape": APE_TAG,
    "zeros": bytes(100_000),
    "zeros and a tag": bytes(2_000) + ID3V1_TAG,
    "garbage": GARBAGE,
}
# The headers of these containers have no length, so what follows the sound is sound, if it is not a tag.
WITHOUT_LENGTH = ("IRCAM", "PAF", "PVF", "XI")


def make_sound(samples: int = SAMPLES, rate: int = RATE) -> Float:
    """Make noise, and a tone, whose samples 16 bits hold exactly; the last samples are not 0."""
    noise = np.random.default_rng(3).integers(-9_000, 9_000, samples)
    tone = 9_000 * np.sin(np.arange(samples) * 440 * 2 * np.pi / rate)
    sound: Float = ((noise + tone.astype(int) + 1) / 32_768).astype(np.float32)
    return sound


def encode(container: str, samples: Float, *, subtype: str | None = "PCM_16") -> bytes:
    """Return the bytes that libsndfile writes for some samples."""
    with BytesIO() as file:
        subtype = "DPCM_16" if container == "XI" else subtype
        soundfile.write(file, samples, 44_100 if container == "XI" else RATE, subtype, format=container)
        return file.getvalue()


def read_content(path: Path, content: bytes) -> Float:
    """Write a file and return its samples of the first channel."""
    path.write_bytes(content)
    with AudioFile(str(path)) as file:
        return np.concatenate([np.empty(0, np.float32), *(block[:, 0] for block in file.read_blocks(5_000))])


def check_content(folder: Path, content: bytes, expected: Float, *, tolerance: float = 0) -> str:
    """Check the rule of this module; return "" if all samples were read, or else the error."""
    try:
        decoded = read_content(folder / "a.bin", content)
    except AudioError as e:
        error, cause = str(e), e.cause
    else:
        np.testing.assert_allclose(decoded, expected, rtol=0, atol=tolerance)
        return ""
    assert cause == "header", error
    return error


def set_length(content: bytes, field: LengthField, value: int) -> bytes:
    """Return a file with another length in its header."""
    changed = bytearray(content)
    struct.pack_into(field.layout, changed, content.index(field.mark) + field.distance, value)
    return bytes(changed)


@pytest.mark.parametrize("container", LENGTH_FIELDS)
def test_a_header_that_declares_less_than_there_is(tmp_path: Path, container: str) -> None:
    """Half of the sound in the header is an error, whether libsndfile stops there or goes on."""
    field, samples = LENGTH_FIELDS[container], make_sound()
    content = set_length(encode(container, samples), field, SOUND_BYTES // 2 // field.unit + field.extra)

    assert "its header says that the sound ends there" in check_content(tmp_path, content, samples)


@pytest.mark.parametrize("container", LENGTH_FIELDS)
def test_a_header_that_declares_more_than_there_is(tmp_path: Path, container: str) -> None:
    """A length beyond the end of the file ends at the end of the file, in every container."""
    field, samples = LENGTH_FIELDS[container], make_sound()
    content = encode(container, samples)
    largest = 2 ** (8 * struct.calcsize(field.layout)) - 1
    values = [2 * SOUND_BYTES // field.unit + field.extra, largest, largest // 2]
    for value in values[:1] if container == "MAT4" else values:  # which has signed numbers
        assert check_content(tmp_path, set_length(content, field, value), samples) == "", value


@pytest.mark.parametrize("container", LENGTH_FIELDS)
def test_a_header_without_a_length(tmp_path: Path, container: str) -> None:
    """Programs that write to a pipe leave 0 in the header, and the sound ends with the file."""
    field, samples = LENGTH_FIELDS[container], make_sound()
    content = encode(container, samples)
    for value in {0, field.extra}:
        error = check_content(tmp_path, set_length(content, field, value), samples)
        assert error == ("" if container != "MAT4" else f"ends at sample 0: the file has {SAMPLES} samples")


@pytest.mark.parametrize("container", CONTAINERS)
def test_something_behind_the_sound(tmp_path: Path, container: str) -> None:
    """Tags and zeros are no sound; other data is an error, because it may be sound that the header leaves out."""
    samples = make_sound()
    sound_file = encode(container, samples)
    tolerance = 2**-15 if container == "XI" else 0  # its differences of samples are rounded
    for name, tail in TAILS.items():
        if container in WITHOUT_LENGTH and name in ("id3v2", "zeros", "zeros and a tag", "garbage"):
            assert len(read_content(tmp_path / "a.bin", sound_file + tail)) > SAMPLES, name
            continue

        error = check_content(tmp_path, sound_file + tail, samples, tolerance=tolerance)
        assert error == "" if name != "garbage" else "more bytes follow" in error, name


@pytest.mark.parametrize("container", [*CONTAINERS, "FLAC", "OGG"])
def test_a_file_that_is_joined_to_itself(tmp_path: Path, container: str) -> None:
    """Libsndfile reads the first file, or takes the header of the second one for sound."""
    content = encode(container, make_sound(), subtype=None if container in ("FLAC", "OGG") else "PCM_16")

    assert check_content(tmp_path, content + content, make_sound(0)) != ""


@pytest.mark.parametrize("blocks", [7, 8])
@pytest.mark.parametrize(
    ("container", "block"), [("WAV", (65, 320)), ("W64", (65, 320)), ("AIFF", (33, 160))]
)
def test_gsm_has_no_more_samples_than_its_blocks(
    tmp_path: Path, container: str, block: tuple[int, int], blocks: int
) -> None:
    """An odd number of blocks has a pad byte behind it, of which libsndfile makes a block of noise."""
    content = encode(container, make_sound(blocks * block[1]), subtype="GSM610")
    expected = read_content(
        tmp_path / "b.bin", encode(container, make_sound(40 * block[1]), subtype="GSM610")
    )

    for end in (b"", b"\0", b"\0" * 40):
        decoded = read_content(tmp_path / "a.bin", content + end)
        assert len(decoded) == blocks * block[1]
        np.testing.assert_array_equal(decoded[: -2 * block[1]], expected[: len(decoded) - 2 * block[1]])


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM"])
def test_adpcm_that_is_cut_off_has_the_samples_before_the_cut(tmp_path: Path, subtype: str) -> None:
    """Libsndfile fills the last block with what the block before it has left in memory."""
    content = encode("WAV", make_sound(), subtype=subtype)
    whole = read_content(tmp_path / "a.wav", content)
    for cut in (1, 100, 700):
        decoded = read_content(tmp_path / "b.wav", content[:-cut])
        assert len(whole) - 4 * cut - 1_024 < len(decoded) < len(whole)
        np.testing.assert_array_equal(decoded, whole[: len(decoded)])


def test_a_voc_file_of_several_blocks_is_an_error(tmp_path: Path) -> None:
    """Libsndfile takes the four bytes in front of each further block for sound."""
    content = encode("VOC", make_sound())
    second = content[26:-1] if content.endswith(b"\0") else content[26:]

    assert "several parts" in check_content(tmp_path, content[:-1] + second, make_sound(0))


def test_a_voc_file_with_a_text_behind_its_sound_is_read(tmp_path: Path) -> None:
    """A block of text, type 5, is no sound."""
    samples = make_sound()
    content = encode("VOC", samples)
    start = 26
    length = int.from_bytes(content[start + 1 : start + 4], "little")
    text = b"\x05" + (500).to_bytes(3, "little") + b"a" * 500
    content = content[: start + 4 + length] + text + b"\0"

    assert check_content(tmp_path, content, samples) == ""


@pytest.mark.parametrize("container", ["WAV", "AIFF", "RF64", "W64", "CAF", "SVX"])
def test_a_chunk_behind_the_sound_is_no_sound(tmp_path: Path, container: str) -> None:
    """Also in W64 and SVX, where libsndfile reads to the end of the file."""
    samples = make_sound()
    header = {
        "W64": b"junk" + W64_DATA[4:] + struct.pack("<Q", 24 + 6000),
        "CAF": b"info" + struct.pack(">Q", 6000),
        **dict.fromkeys(("AIFF", "SVX"), b"ANNO" + struct.pack(">I", 6000)),
    }.get(container, b"JUNK" + struct.pack("<I", 6000))

    assert check_content(tmp_path, encode(container, samples) + header + GARBAGE[:6000], samples) == ""


@pytest.mark.parametrize("padding", [b"", b"\0"])
def test_an_odd_chunk_may_have_no_padding(tmp_path: Path, padding: bytes) -> None:
    """Some programs leave out the pad byte behind sound of an odd number of bytes."""
    samples = make_sound(SAMPLES + 1)
    content = encode("WAV", samples, subtype="PCM_U8")
    start = content.index(b"data") + 8
    content = content[: start + len(samples)] + padding + b"bext" + struct.pack("<I", 6000) + GARBAGE[:6000]

    assert len(read_content(tmp_path / "a.wav", content)) == len(samples)


def test_two_chunks_of_sound_are_an_error(tmp_path: Path) -> None:
    """Libsndfile reads only the last one."""
    content = encode("WAV", make_sound())
    chunk = content[content.index(b"data") :]

    assert "several parts" in check_content(tmp_path, content + chunk, make_sound(0))


def test_a_header_that_stands_in_the_file_twice_is_an_error(tmp_path: Path) -> None:
    """A program that cannot go back in a pipe writes its header again, and behind it the sound."""
    content = set_length(encode("W64", make_sound()), LENGTH_FIELDS["W64"], 23)
    header = content[: content.index(W64_DATA) + 24]

    assert "stands in it twice" in check_content(tmp_path, header + content, make_sound(0))


@pytest.mark.parametrize("size", [0, 2**64 - 1, 2 * SOUND_BYTES, SOUND_BYTES])
def test_bw64_is_read_as_rf64(tmp_path: Path, size: int) -> None:
    """BW64 (ITU-R BS.2088) differs from RF64 in its first four bytes."""
    samples = make_sound()
    content = set_length(encode("RF64", samples), LENGTH_FIELDS["RF64"], size)

    assert check_content(tmp_path, b"BW64" + content[4:], samples) == ""


def test_the_sound_of_an_aiff_may_begin_later(tmp_path: Path) -> None:
    """The chunk SSND begins with the number of bytes between it and the sound."""
    samples = make_sound()
    content = encode("AIFF", samples)
    place = content.index(b"SSND")
    length = struct.unpack_from(">I", content, place + 4)[0]
    chunk = struct.pack(">4sIII", b"SSND", length + 6, 6, 0) + b"xxxxxx" + content[place + 16 :]

    assert check_content(tmp_path, content[:place] + chunk, samples) == ""


@pytest.mark.parametrize("container", ["WAV", "AIFF", "AU"])
def test_a_tag_in_front_of_a_header_changes_nothing(tmp_path: Path, container: str) -> None:
    """Libsndfile reads these containers behind an ID3v2 tag."""
    samples = make_sound()

    assert check_content(tmp_path, ID3V2_TAG + encode(container, samples), samples) == ""


@pytest.mark.parametrize("container", ["WAV", "W64", "AIFF", "CAF", "VOC"])
def test_a_file_of_empty_chunks_ends_soon(tmp_path: Path, container: str) -> None:
    """A chunk of length 0, or one that claims to be longer than the file, is no endless loop."""
    content = encode(container, make_sound())
    head = {"CAF": 8, "W64": 40, "VOC": 26}.get(container, 12)
    for filler in (bytes(4), b"LIST" + bytes(4), b"\xff" * 8, re.escape(b"data") + bytes(4)):
        (tmp_path / "a.bin").write_bytes(content[:head] + filler * 20_000)
        try:
            with AudioFile(str(tmp_path / "a.bin")) as file:
                for _ in file.read_blocks(100_000):
                    pass
        except AudioError:
            continue
