"""Tables of text with a header: CSV, TSV, and tables with semicolons."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from specfeat.delimited_text import find_delimiter, read_delimited_lines
from specfeat.errors import Remedy, UsageError
from specfeat.files import format_path
from specfeat.segments.base import (
    FIELDS,
    SegmentFormat,
    SegmentLine,
    SegmentTable,
    describe_missing_column,
    format_place,
    make_reading_error,
    read_channel,
    read_time,
)
from specfeat.sound import SoundPart

# `duration` is used only if the user names its column, because it is often the length of the file.
_DEFAULT_COLUMNS = {field: field for field in FIELDS if field != "duration"}
MAX_COLUMNS = 1000


class ColumnsFormat(SegmentFormat):
    """A table with the column `path`; it can also have `start`, `end`, `channel`, `id` and other columns."""

    def is_format_of(self, path: Path, start: str) -> bool:
        """See `SegmentFormat`."""
        return path.suffix.lower() in (".csv", ".tsv", ".txt") and bool(start.strip())

    def read_table(self, path: Path, columns: Mapping[str, str]) -> SegmentTable:
        """See `SegmentFormat`."""
        lines = read_delimited_lines(
            path, "the table of segments", choose_delimiter(path), encoding_errors="surrogateescape"
        )
        names = next(lines, (0, []))[1]
        layout = find_layout(path, names, columns)
        return SegmentTable(
            columns=tuple(names[k] for k in layout.other_columns),
            lines=_read_lines(path, layout, lines),
            has_times=layout.has_times,
        )


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """Where the fields of a segment are in a line.

    Attributes:
        fields: for each field, the number and the name of its column.
        other_columns: the numbers of the other columns.
    """

    fields: Mapping[str, tuple[int, str]]
    other_columns: tuple[int, ...]

    @property
    def has_times(self) -> bool:
        """Whether a column has times."""
        return not self.fields.keys().isdisjoint(("start", "end", "duration"))

    def make_line(self, number: int, values: Sequence[str], place: str) -> SegmentLine:
        """Return the segment of a line.

        Args:
            number: the number of the line.
            values: the values of all columns.
            place: the table and the line, for messages.

        Raises:
            UsageError: a value is wrong.
        """

        def get_value_and_column(field: str) -> tuple[str, str]:
            column = self.fields.get(field)
            return ("", "") if column is None else (values[column[0]], column[1])

        path, path_column = get_value_and_column("path")
        if not path:
            raise UsageError(f"{place}: {path_column} is empty; give the name of a file")
        start, end, duration = (
            read_time(*get_value_and_column(field), place) for field in ("start", "end", "duration")
        )
        if duration is not None:
            if end is not None:
                raise UsageError(f"{place}: has an end and a duration; give one of them")
            end = add_seconds(start or 0.0, duration)
        channel = read_channel(*get_value_and_column("channel"), place)
        part = SoundPart(channel, start, end, get_value_and_column("id")[0] or None)
        other_values = tuple(values[k] for k in self.other_columns)
        return SegmentLine(number=number, paths=(path,), part=part, values=other_values)


def add_seconds(start_s: float, duration_s: float) -> float:
    """Return the sum of two times, with the digits of the sum of their decimal numbers."""
    return float(Decimal(repr(start_s)) + Decimal(repr(duration_s)))


def choose_delimiter(path: Path) -> str:
    """Return the delimiter of a table: a tab or a semicolon if its header has no comma but one of these.

    Raises:
        UsageError: the table cannot be read.
    """
    delimiter = find_delimiter(path)
    if delimiter == "\t":
        return delimiter
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            header = file.readline(100_000)
    except OSError as e:
        raise make_reading_error(path, "the table of segments", e) from e
    return next((mark for mark in (",", "\t", ";") if mark in header), delimiter)


def find_layout(path: Path, names: Sequence[str], columns: Mapping[str, str]) -> ColumnLayout:
    """Find the columns of the fields.

    Args:
        path: the table, for messages.
        names: the names of all columns.
        columns: see `SegmentFormat.read_table`.

    Raises:
        UsageError: a column that is needed is missing, or two columns have the same name.
    """
    table = format_path(str(path))
    if len(names) > MAX_COLUMNS:
        raise UsageError(f"{table}: has {len(names)} columns; a table of segments has at most {MAX_COLUMNS}")
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{table}: has two columns with the name {name!r}; rename or remove one of them")
    fields = {}
    for field, name in {**_DEFAULT_COLUMNS, **columns}.items():
        if name in names:
            fields[field] = (names.index(name), name)
        elif field == "path" or field in columns:
            raise UsageError(describe_missing_column(path, name, names), remedy=Remedy.NAME_COLUMN)
    field_columns = {number for number, _ in fields.values()}
    if "id" in columns:  # a column that the user names for the id, e.g. the label, is also kept as a column
        field_columns.discard(fields["id"][0])
    other_columns = tuple(number for number in range(len(names)) if number not in field_columns)
    return ColumnLayout(fields, other_columns)


def _read_lines(
    path: Path, layout: ColumnLayout, lines: Iterator[tuple[int, list[str]]]
) -> Iterator[SegmentLine]:
    for number, values in lines:
        yield layout.make_line(number, values, format_place(path, number))


FORMAT = ColumnsFormat()
