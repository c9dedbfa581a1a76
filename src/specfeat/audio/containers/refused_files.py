"""What a file is that libsndfile refuses, where its own words would mislead."""

import struct
from typing import NamedTuple

from specfeat.audio.containers.chunks import find_sound_chunk
from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.flac_frames import read_stream_info
from specfeat.audio.containers.mpeg_frames import find_frames
from specfeat.audio.containers.trailing_data import find_end_without_tags

FLAC_DEPTHS = (8, 16, 24)  # bits of a sample that libsndfile reads
_OGG_CODINGS = {b"\x7fFLAC": "FLAC in Ogg", b"Speex   ": "Speex in Ogg", b"\x01video": "video in Ogg"}


class Refusal(NamedTuple):
    """Why libsndfile refuses a file.

    Attributes:
        message: what the file is, as the end of a sentence.
        cause: the cause of the failure in the record.
    """

    message: str
    cause: str = "not audio"


def describe_refused_file(file: FileBytes) -> Refusal | None:
    """Say what a file is that libsndfile refuses; None if that is not known.

    Args:
        file: the file.

    Raises:
        OSError: the file cannot be read.
    """
    head = file.read(0, 64)
    if head[:4] == b"OggS":
        coding = next((name for mark, name in _OGG_CODINGS.items() if mark in head), None)
        return Refusal(f"it is {coding}") if coding else None
    if head[4:8] == b"ftyp":
        return Refusal("it is an MP4 file")
    if head[:4] == b"\x1aE\xdf\xa3":
        return Refusal("it is a Matroska or WebM file")
    if head[:4] == b"fLaC":
        info = read_stream_info(file)
        if info is None or info.depth in FLAC_DEPTHS:
            return None
        return Refusal(f"it is FLAC of {info.depth} bits")
    if head[:4] in (b"RIFF", b"RIFX", b"FORM"):
        return _describe_joined_files(file, head)
    if head[:3] in (b"ID3", b"TAG") and find_frames(file, 0, find_end_without_tags(file, 0)) < 0:
        return Refusal("it has a tag, but no MPEG frame behind it")
    return None


def _describe_joined_files(file: FileBytes, head: bytes) -> Refusal | None:
    """Describe a second file behind the end that the header gives, or a second part with sound."""
    (length,) = struct.unpack("<I" if head[:4] == b"RIFF" else ">I", head[4:8].ljust(4, b"\0"))
    for place in (8 + length, 8 + length + length % 2):
        if file.read(place, 4) == head[:4]:
            return Refusal("has another file behind its end; split the file", "header")
    sound = find_sound_chunk(file, "WAV") if head[:4] != b"FORM" else None
    if sound and sound.has_other_sound:
        return Refusal("has its sound in several parts, and only one of them can be read", "header")
    return None
