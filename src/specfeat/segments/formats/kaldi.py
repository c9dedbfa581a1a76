"""Data folders of Kaldi: `wav.scp` names the recordings, and `segments` their parts.

The files are described in Kaldi's documentation, "Data preparation". A recording in `wav.scp` may be a
command, or a place in an archive; both are refused.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from specfeat.errors import UsageError
from specfeat.segments.base import (
    SegmentFormat,
    SegmentLine,
    SegmentTable,
    check_fixed_fields,
    format_place,
    read_channel,
    read_time,
)
from specfeat.segments.text_lines import read_text_lines
from specfeat.sound import SoundPart

_RECORDINGS, _SEGMENTS = "wav.scp", "segments"
_COLUMNS = ("recording",)
_END_OF_FILE = -1.0  # as the end of a segment


class KaldiFormat(SegmentFormat):
    """A folder with `wav.scp`, or one of the two files. Without `segments`, each recording is one segment."""

    def is_format_of(self, path: Path, start: str) -> bool:
        """See `SegmentFormat`."""
        return path.name in (_RECORDINGS, _SEGMENTS) or (path / _RECORDINGS).is_file()

    def read_table(self, path: Path, columns: Mapping[str, str]) -> SegmentTable:
        """See `SegmentFormat`."""
        check_fixed_fields(path, columns)
        folder = path if path.is_dir() else path.parent
        recordings = _read_recordings(folder / _RECORDINGS)
        segments = folder / _SEGMENTS
        if path.name == _RECORDINGS or not segments.exists():
            lines = _make_whole_files(recordings)
            return SegmentTable(columns=_COLUMNS, lines=lines)
        return SegmentTable(columns=_COLUMNS, lines=_read_segments(segments, recordings))


def _read_recordings(path: Path) -> dict[str, tuple[int, str]]:
    """Return the line number and the file of each recording, by the name of the recording.

    Raises:
        UsageError: `wav.scp` cannot be read, a recording is not a file, or two have the same name.
    """
    recordings: dict[str, tuple[int, str]] = {}
    for number, line in _read_lines(path):
        place = format_place(path, number)
        # The name ends at the first space or tab; the name of the file may contain more of them.
        name, *rest = re.split(r"[ \t]+", line, maxsplit=1)
        file = rest[0] if rest else ""
        if name in recordings:
            raise UsageError(
                f"{place}: the recording {name!r} is in line {recordings[name][0]} already; "
                "give each recording a name of its own"
            )
        if file.endswith("|") or file.startswith("|"):
            raise UsageError(
                f"{place}: {name!r} is a command, and specfeat runs no commands; "
                "run it yourself, and write the name of the resulting file here"
            )
        if re.search(r":\d+(\[[^]]*\])?$", file):
            raise UsageError(
                f"{place}: {name!r} is a place in an archive, which specfeat does not read; "
                "copy the recordings to files, and write their names here"
            )
        if file in ("", "-"):
            raise UsageError(f"{place}: {name!r} names no file")
        recordings[name] = (number, file)
    return recordings


def _make_whole_files(recordings: Mapping[str, tuple[int, str]]) -> Iterator[SegmentLine]:
    for name, (number, file) in recordings.items():
        yield SegmentLine(number=number, paths=(file,), part=SoundPart(id=name), values=(name,))


def _read_segments(path: Path, recordings: Mapping[str, tuple[int, str]]) -> Iterator[SegmentLine]:
    for number, line in _read_lines(path):
        place = format_place(path, number)
        values = line.split()
        if len(values) not in (4, 5):
            raise UsageError(
                f"{place}: has {len(values)} values; wanted a name, a recording, a start and an end"
            )
        name, recording = values[:2]
        if recording not in recordings:
            raise UsageError(f"{place}: the recording {recording!r} is not in {_RECORDINGS}")
        start, end = read_time(values[2], "start", place), read_time(values[3], "end", place)
        channel = read_channel(values[4], "channel", place) if len(values) == 5 else None
        part = SoundPart(channel, start, None if end == _END_OF_FILE else end, name)
        yield SegmentLine(number=number, paths=(recordings[recording][1],), part=part, values=(recording,))


def _read_lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in read_text_lines(path, f"the Kaldi file {path.name!r}"):
        yield number, line.strip()


FORMAT = KaldiFormat()
