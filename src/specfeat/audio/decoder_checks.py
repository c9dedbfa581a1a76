"""Whether a decoder gave what the file holds: libsndfile believes headers that lie, and says nothing.

It gives samples that no byte stands for when a coding of blocks ends early, stops where the header of a WAV
file says although sound follows, and reads the first alone of several Ogg streams.
"""

import struct
from pathlib import Path

# Samples that a byte can hold, at most, in codings whose decoders go on after the last one.
MAX_SAMPLES_PER_BYTE = {
    "GSM610": 5,
    **dict.fromkeys(("IMA_ADPCM", "MS_ADPCM", "G721_32", "NMS_ADPCM_32", "VOX_ADPCM", "G723_40"), 2),
    **dict.fromkeys(("G723_24", "NMS_ADPCM_24"), 3),
    "NMS_ADPCM_16": 4,
}
UNKNOWN = 2**31 - 2**20  # bytes; a WAV file's sound of so many or more was written to a pipe: nobody knows
SLACK = 4096  # bytes after a WAV file's sound that may be anything: padding, or half a chunk
LAST_PAGE = 2**17  # bytes that surely have an Ogg stream's last page


def describe_unread_data(path: str, container: str) -> str | None:
    """Say what of a file its decoder, which has come to its end, has not read; None if nothing."""
    if container in ("WAV", "WAVEX"):
        return _after_data(path)
    return _second_stream(path) if container == "OGG" else None


def _after_data(path: str) -> str | None:
    """After the sound of a WAV file come other chunks, or nothing: else the header says too little."""
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        at, sound_ends = 12, False
        while at + 8 <= size:
            file.seek(at)
            name, length = struct.unpack("<4sI", file.read(8))
            if name == b"data" and at + 8 == size and 0 < length < UNKNOWN:
                return f"its header says that {length:,} bytes of sound follow, and none does"
            if sound_ends and not (name.isascii() and name.decode().isprintable() and at + length <= size):
                break
            sound_ends = sound_ends or name == b"data"
            at += 8 + length + length % 2
    if size - at > SLACK and sound_ends:
        return f"its header says that the sound ends there, but {size - at:,} bytes follow that are no chunk"
    return None


def _second_stream(path: str) -> str | None:
    """The last page of an Ogg file is of the stream that its first page began."""
    with Path(path).open("rb") as file:
        first = file.read(18)[14:]
        file.seek(max(0, file.seek(0, 2) - LAST_PAGE))
        rest = file.read()
    at = rest.rfind(b"OggS\0")
    if at >= 0 and len(rest) >= at + 18 and rest[at + 14 : at + 18] != first:
        return "several streams follow each other in it, and the first alone can be read; split it"
    return None
