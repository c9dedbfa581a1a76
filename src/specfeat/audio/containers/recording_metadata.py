"""Reads when a WAV file was recorded, from the metadata of recorders for bats and birds.

GUANO: https://guano-md.org. AudioMoth writes one sentence as the comment of the file.
"""

import os
import re
from datetime import datetime, timedelta, timezone

from specfeat.audio.containers.chunks import LAYOUTS, Chunk, iterate_chunks
from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.files import inspect_file

MAX_METADATA_BYTES = 2**16
_GUANO_TIME = re.compile(r"^Timestamp:[ \t]*(\S+(?: \S+)?)[ \t]*\r?$", re.MULTILINE)
_AUDIO_MOTH_TIME = re.compile(
    rb"Recorded at (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d\d)/(\d\d)/(\d{4}) "
    rb"\(UTC(?:([+-])(\d{1,2})(?::(\d\d))?)?\)"
)


def read_recording_time(path: str) -> datetime | None:
    """Return when a WAV file was recorded; None if it does not say so, or cannot be read.

    Args:
        path: the path of a file of any kind.
    """
    try:
        if inspect_file(path)[0] != "file":  # opening a FIFO would wait for its other end
            return None
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return _read_time(FileBytes(descriptor))
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return None


def _read_time(file: FileBytes) -> datetime | None:
    if file.read(0, 4) not in (b"RIFF", b"RF64", b"BW64") or file.read(8, 4) != b"WAVE":
        return None
    comment_time = None
    for chunk in iterate_chunks(file, LAYOUTS["WAV"]):
        if chunk.name == b"guan" and (time := _parse_guano(_read_content(file, chunk))):
            return time
        if chunk.name == b"LIST" and comment_time is None:
            comment_time = _parse_comment(_read_content(file, chunk))
    return comment_time


def _read_content(file: FileBytes, chunk: Chunk) -> bytes:
    return file.read(chunk.start, min(chunk.length, MAX_METADATA_BYTES))


def _parse_guano(content: bytes) -> datetime | None:
    match = _GUANO_TIME.search(content.decode("utf-8", "replace").replace("\0", ""))
    try:
        return datetime.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def _parse_comment(content: bytes) -> datetime | None:
    match = _AUDIO_MOTH_TIME.search(content)
    if match is None:
        return None
    hour, minute, second, day, month, year = (int(match[number]) for number in range(1, 7))
    offset = timedelta(hours=int(match[8] or 0), minutes=int(match[9] or 0)) * (-1 if match[7] == b"-" else 1)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
    except ValueError:
        return None
