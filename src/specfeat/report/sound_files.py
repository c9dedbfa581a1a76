"""The audio files of an output, as the page of a report plays them."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from specfeat.files import get_extension, to_record_name
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.records import SoundEntry

# The extensions that Chromium plays. It does not play others, such as AIFF. Tested with Chromium 156.
_PLAYED_EXTENSIONS = frozenset({
    "wav", "wave", "bwf", "rf64", "bw64", "flac", "ogg", "oga", "opus", "mp3", "mpga",
    "m4a", "mp4", "aac", "webm", "weba", "mkv", "mov", "m4v", "ogv",
})  # fmt: skip
_WAV_EXTENSIONS = frozenset(["wav", "wave", "bwf", "rf64", "bw64"])
# Codings of WAV files that browsers play, by their format tag: PCM, float, A-law, mu-law, extensible.
# The other tags, such as 2 and 17 (ADPCM), are listed in Microsoft's mmreg.h.
_PLAYED_WAV_TAGS = frozenset([1, 3, 6, 7, 0xFFFE])
_FLOAT_TAG = 3
_HEADER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One audio file, as the page shows it.

    Attributes:
        path: its name in the index; bytes that are not UTF-8 are U+FFFD.
        url: the address of the file, relative to the page.
        problem: why a browser cannot play the file, as the end of a sentence; "" if it can.
    """

    path: str
    url: str
    problem: str


class FileFinder:
    """Finds the audio files of an output.

    Args:
        output: the output.
        folder: the folder of the page.
    """

    def __init__(self, output: FinishedOutput, folder: Path) -> None:
        self._output = output
        self._folder = os.path.realpath(folder)
        # Cached, because many files are in the same few folders.
        self._resolve = cache(os.path.realpath)

    def describe_file(self, entry: SoundEntry) -> ReportFile:
        """Return name, address and playability of the file of a sound."""
        path = self._output.find_file(entry)
        resolved = Path(self._resolve(path.parent), path.name)
        # The bytes of the name are quoted one by one, because a name need not be UTF-8.
        url = quote(os.fsencode(os.path.relpath(resolved, self._folder)))
        # A name with a colon would be taken for the scheme of an address.
        return ReportFile(make_printable(entry.path), f"./{url}", find_playing_problem(path))


def make_printable(name: str) -> str:
    """Return a name of the record with U+FFFD in place of bytes that are not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def find_playing_problem(path: Path) -> str:
    """Return why a browser cannot play a file, e.g. "browsers do not play .aiff files"; "" if it can.

    Only the name and the header are examined. A browser may still refuse the file.
    """
    extension = get_extension(to_record_name(os.fspath(path)))
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES) if extension in _WAV_EXTENSIONS else b""
    except NotADirectoryError:
        return "browsers cannot read files in archives"
    except (OSError, ValueError):
        return "the file is not there"
    if extension not in _PLAYED_EXTENSIONS:
        return f"browsers do not play .{extension} files" if extension else "the file has no known extension"
    if extension in _WAV_EXTENSIONS and not _is_played_wav(header):
        return "browsers do not play this coding of WAV files"
    return ""


def _is_played_wav(header: bytes) -> bool:
    """Return whether a browser plays a WAV file; True if the header does not tell."""
    if header[8:12] != b"WAVE":
        return False
    place = 12
    while place + 8 <= len(header):
        size = int.from_bytes(header[place + 4 : place + 8], "little")
        if header[place : place + 4] == b"fmt " and place + 24 <= len(header):
            tag = int.from_bytes(header[place + 8 : place + 10], "little")
            bits = int.from_bytes(header[place + 22 : place + 24], "little")
            return tag in _PLAYED_WAV_TAGS and not (tag == _FLOAT_TAG and bits == 64)
        place += 8 + size + size % 2
    return True
