"""Data folders of Kaldi: `wav.scp` names the recordings, and `segments` their parts.

The files are described in Kaldi's documentation, "Data preparation". A recording in `wav.scp` may be a
command, or a place in an archive; both are refused.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from specfeat.errors import CHECK_PATH_HINT, UsageError
from specfeat.files import describe_os_error, format_path
from specfeat.segments.base import (
    MAX_LINE_LENGTH,
    SegmentFormat,
    SegmentLine,
    SegmentTable,
    format_place,
    get_id_column,
    read_channel,
    read_time,
)
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
        get_id_column(path, {field: name for field, name in columns.items() if field != "id"}, ())
        folder = path if path.is_dir() else path.parent
        recordings = dict(_read_recordings(folder / _RECORDINGS))
        segments = folder / _SEGMENTS
        if path.name == _RECORDINGS or not segments.exists():
            lines = _make_whole_files(recordings)
            return SegmentTable(columns=_COLUMNS, lines=lines)
        return SegmentTable(columns=_COLUMNS, lines=_read_segments(segments, recordings))


def _read_recordings(path: Path) -> Iterator[tuple[str, tuple[int, str]]]:
    """Yield the name of each recording, and the line number and the file.

    Raises:
        UsageError: the file cannot be read, or a recording is not a file.
    """
    for number, line in _read_lines(path):
        place = format_place(path, number)
        name, _, rest = line.partition(" " if " " in line else "\t")
        rest = rest.strip()
        if rest.endswith("|") or rest.startswith("|"):
            raise UsageError(
                f"{place}: {name!r} is a command, and specfeat runs no commands; "
                "run it yourself, and write the name of the resulting file here"
            )
        if re.search(r":\d+(\[[^]]*\])?$", rest):
            raise UsageError(
                f"{place}: {name!r} is a place in an archive, which specfeat does not read; "
                "copy the recordings to files, and write their names here"
            )
        if rest in ("", "-"):
            raise UsageError(f"{place}: {name!r} names no file")
        yield name, (number, rest)


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
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            number = 0
            while line := file.readline(MAX_LINE_LENGTH):
                number += 1
                if line.strip():
                    yield number, line.strip()
    except OSError as e:
        hint = f"; {CHECK_PATH_HINT}" if isinstance(e, FileNotFoundError) else ""
        raise UsageError(f"{format_path(str(path))}: cannot be read: {describe_os_error(e)}{hint}") from e


FORMAT = KaldiFormat()
