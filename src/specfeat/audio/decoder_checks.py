"""Checks that a decoder has given what the file holds.

libsndfile believes wrong headers and reports no error:

* It repeats samples when a file in a block coding (GSM, ADPCM) ends before the length in its header.
* It stops where the header of a WAV file says that the sound ends, although more sound follows.
* It reads only the first of several Ogg streams that follow each other.
"""

import struct
from pathlib import Path
from typing import BinaryIO

# The most samples that one byte can hold, in codings whose decoders go on after the last byte.
MAX_SAMPLES_PER_BYTE = {
    "GSM610": 5,
    **dict.fromkeys(("IMA_ADPCM", "MS_ADPCM", "G721_32", "NMS_ADPCM_32", "VOX_ADPCM", "G723_40"), 2),
    **dict.fromkeys(("G723_24", "NMS_ADPCM_24"), 3),
    "NMS_ADPCM_16": 4,
}
# A program that writes a WAV file to a pipe does not know the length, and puts a number of bytes near 2**31
# or 2**32 into the header.
UNKNOWN_LENGTH = 2**31 - 2**20
ALLOWED_TRAILING_BYTES = 4096  # padding, or a damaged chunk, after the sound of a WAV file
OGG_TAIL_BYTES = 2**17  # twice the largest Ogg page, so the last page begins in it


def describe_unread_data(path: str, container: str) -> str | None:
    """Describe the sound that the decoder has not read, although it has come to its end.

    Args:
        path: the file.
        container: libsndfile's name of the file format, e.g. "WAV".

    Returns:
        The second half of an error message; None if everything has been read.

    Raises:
        OSError: the file cannot be read any more.
    """
    if container not in ("WAV", "WAVEX", "OGG"):
        return None
    with Path(path).open("rb") as file:
        return _describe_ogg_streams(file) if container == "OGG" else _describe_wav_rest(file)


def _describe_wav_rest(file: BinaryIO) -> str | None:
    """Describe bytes after the sound of a WAV file that belong to no chunk.

    Other chunks, or nothing, follow the sound (the chunk `data`). Anything else means that the length in the
    header is too small.
    """
    size = file.seek(0, 2)
    position, is_after_data = 12, False
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"data" and position + 8 == size and 0 < length < UNKNOWN_LENGTH:
            return f"its header says that {length:,} bytes of sound follow, but there are none"
        is_chunk = name.isascii() and name.decode().isprintable() and position + length <= size
        if is_after_data and not is_chunk:
            break
        is_after_data = is_after_data or name == b"data"
        position += 8 + length + length % 2  # chunks have an even length
    if is_after_data and size - position > ALLOWED_TRAILING_BYTES:
        return f"its header says that the sound ends there, but {size - position:,} more bytes follow"
    return None


def _describe_ogg_streams(file: BinaryIO) -> str | None:
    """Describe a second stream in an Ogg file: its last page has another serial number than its first."""
    first_serial = file.read(18)[14:]
    file.seek(max(0, file.seek(0, 2) - OGG_TAIL_BYTES))
    tail = file.read()
    page = tail.rfind(b"OggS\0")
    if page >= 0 and len(tail) >= page + 18 and tail[page + 14 : page + 18] != first_serial:
        return (
            "the file has several streams, one after another, and only the first can be read; split the file"
        )
    return None
