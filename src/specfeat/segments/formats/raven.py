"""Selection tables of Raven, and of programs that write them, such as BirdNET-Analyzer.

The columns are described in the manual of Raven Pro, "Selections and selection tables".
"""

import ntpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from specfeat.delimited_text import read_delimited_lines
from specfeat.errors import UsageError
from specfeat.files import format_path
from specfeat.segments.base import (
    SegmentFormat,
    SegmentLine,
    SegmentTable,
    format_place,
    get_id_column,
    read_channel,
    read_time,
)
from specfeat.segments.formats.columns import add_seconds
from specfeat.sound import SoundPart

_SELECTION, _VIEW, _CHANNEL = "Selection", "View", "Channel"
_BEGIN, _END = "Begin Time (s)", "End Time (s)"
_BEGIN_PATH, _BEGIN_FILE, _OFFSET = "Begin Path", "Begin File", "File Offset (s)"
_Line = tuple[int, dict[str, str]]  # the number of a line, and its values by their columns
# All other columns become columns of the index.
_SELECTION_COLUMNS = (_SELECTION, _VIEW, _CHANNEL, _BEGIN, _END, _BEGIN_PATH, _BEGIN_FILE, _OFFSET)


class RavenFormat(SegmentFormat):
    """A table with tabs and the columns `Selection`, `Begin Time (s)` and `End Time (s)`."""

    def is_format_of(self, path: Path, start: str) -> bool:
        """See `SegmentFormat`."""
        names = start.partition("\n")[0].rstrip("\r").split("\t")
        return {_SELECTION, _BEGIN, _END} <= set(names)

    def read_table(self, path: Path, columns: Mapping[str, str]) -> SegmentTable:
        """See `SegmentFormat`."""
        lines = read_delimited_lines(
            path, "the selection table", delimiter="\t", encoding_errors="surrogateescape"
        )
        names = next(lines, (0, []))[1]
        for name in (_SELECTION, _BEGIN, _END):
            if names.count(name) != 1:
                raise UsageError(
                    f"{format_path(str(path))}: is no selection table, because it has no column {name!r}"
                )
        other_columns = [name for name in names if name not in _SELECTION_COLUMNS]
        selections = _choose_views(
            (number, dict(zip(names, values, strict=True))) for number, values in lines
        )
        _check_files(path, names, selections)
        id_column = get_id_column(path, columns, other_columns)
        return SegmentTable(
            columns=tuple(other_columns), lines=_make_lines(path, selections, other_columns, id_column)
        )


def _choose_views(lines: Iterator[_Line]) -> list[_Line]:
    """Return one line for each selection; if it has a line for each view, that of the spectrogram."""
    chosen: dict[str, _Line] = {}
    for number, line in lines:
        selection = line[_SELECTION]
        if selection in chosen and not _is_other_view(line, chosen[selection][1]):
            selection = f"{selection} in line {number}"  # another selection, as in tables that were joined
        if selection not in chosen or line.get(_VIEW, "").lower().startswith("spectrogram"):
            chosen[selection] = (number, line)
    return list(chosen.values())


def _is_other_view(line: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Return whether two lines are the same selection in different views."""
    names = (_CHANNEL, _BEGIN, _END, _BEGIN_PATH, _BEGIN_FILE)
    return line.get(_VIEW) != other.get(_VIEW) and all(line.get(name) == other.get(name) for name in names)


def _check_files(path: Path, names: Sequence[str], selections: Sequence[_Line]) -> None:
    """Check that the times of the table can be assigned to its files.

    Raises:
        UsageError: the times count from the start of the first of several files.
    """
    if _OFFSET in names:
        return
    files = {line.get(_BEGIN_PATH) or line.get(_BEGIN_FILE) or "" for _, line in selections}
    if len(files) > 1:
        raise UsageError(
            f"{format_path(str(path))}: has selections in {len(files)} files, but no column {_OFFSET!r}, so "
            "its times count from the start of the first file; add this column in Raven, and save it again"
        )


def _make_lines(
    path: Path, selections: Sequence[_Line], other_columns: Sequence[str], id_column: int | None
) -> Iterator[SegmentLine]:
    for number, line in selections:
        place = format_place(path, number)
        begin, end, offset = (read_time(line.get(name, ""), name, place) for name in (_BEGIN, _END, _OFFSET))
        if begin is None or end is None:
            raise UsageError(f"{place}: has no {_BEGIN if begin is None else _END}")
        start = begin if offset is None else offset
        stop = end if offset is None else add_seconds(offset, add_seconds(end, -begin))
        channel = read_channel(line.get(_CHANNEL, ""), _CHANNEL, place)
        if channel == 0:
            raise UsageError(f"{place}: {_CHANNEL} is 0; Raven counts the channels from 1")
        values = tuple(line[name] for name in other_columns)
        part = SoundPart(
            None if channel is None else channel - 1,
            start,
            stop,
            (line[_SELECTION] if id_column is None else values[id_column]) or None,
        )
        yield SegmentLine(number=number, paths=_list_paths(line), part=part, values=values)


def _list_paths(line: Mapping[str, str]) -> tuple[str, ...]:
    """Return the possible names of the file: as written, and its last part, as on another computer."""
    names = [text for text in (line.get(_BEGIN_PATH), line.get(_BEGIN_FILE)) if text]
    # `ntpath`, because Raven runs on Windows, too; it knows both kinds of slashes.
    return tuple(dict.fromkeys([*names, *map(ntpath.basename, names)]))


FORMAT = RavenFormat()
