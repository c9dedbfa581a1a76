"""What a format of segment tables is, and what it reads from a table."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from specfeat.errors import CHECK_PATH_HINT, Remedy, UsageError
from specfeat.files import describe_os_error, format_path
from specfeat.sound import WHOLE_FILE, SoundPart
from specfeat.text import join_names, suggest_name
from specfeat.time_text import parse_seconds

FIELDS = ("path", "start", "end", "duration", "channel", "id")
MAX_LINE_LENGTH = 10_000_000  # characters
MAX_VALUE_TEXT = 40  # characters of a wrong value that a message repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentLine:
    """One segment of a table.

    Attributes:
        number: the number of its line in the table, counted from 1.
        paths: the possible names of its file; the first one that exists is used. Empty if the table does not
            name the file.
        part: the part of the file.
        values: the values of the other columns, see `SegmentTable.columns`.
    """

    number: int
    paths: tuple[str, ...] = ()
    part: SoundPart = WHOLE_FILE
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentTable:
    """A table of segments.

    Attributes:
        columns: the names of the other columns, i.e. all but those that name the file and its part.
        lines: the segments, in order. The table is read while they are iterated.
        has_times: whether the table says where segments begin and end; if not, all of them are whole files.
    """

    columns: tuple[str, ...] = ()
    lines: Iterator[SegmentLine]
    has_times: bool = True


class SegmentFormat(ABC):
    """A format of tables of segments.

    Another package can add a format: its entry point in the group `specfeat.segment_formats` names an object
    of a subclass of this class.
    """

    @abstractmethod
    def is_format_of(self, path: Path, start: str) -> bool:
        """Return whether a table has this format.

        Args:
            path: the table: a file, or a folder.
            start: the first 65,536 characters of the file, or all if it has fewer; "" for a folder.
        """

    @abstractmethod
    def read_table(self, path: Path, columns: Mapping[str, str]) -> SegmentTable:
        """Read a table.

        Args:
            path: the table.
            columns: for some of the `FIELDS`, the names of the columns that the user has given. If the format
                has columns of its own, it uses `get_id_column`.

        Raises:
            UsageError: the table cannot be read, or is not valid.
        """


def get_id_column(path: Path, columns: Mapping[str, str], names: Sequence[str]) -> int | None:
    """Return the number of the column whose values are the ids; None if the user has named none.

    For formats that have fixed columns, so that no other field can be in a column that the user names.

    Args:
        path: the table.
        columns: see `SegmentFormat.read_table`.
        names: the names of the table's other columns.

    Raises:
        UsageError: the user has named a column for another field, or a column that does not exist.
    """
    check_fixed_fields(path, columns)
    if "id" not in columns:
        return None
    name = columns["id"]
    if name not in names:
        raise UsageError(describe_missing_column(path, name, names), remedy=Remedy.NAME_COLUMN)
    return names.index(name)


def check_fixed_fields(path: Path, columns: Mapping[str, str]) -> None:
    """Check that the user has named no column, except for the id, for a format that has fixed columns.

    Args:
        path: the table.
        columns: see `SegmentFormat.read_table`.

    Raises:
        UsageError: the user has named a column for another field.
    """
    for field in columns:
        if field != "id":
            raise UsageError(
                f"{format_path(str(path))}: the format of this table says where {field!r} is, "
                "so a column can be named only for 'id'"
            )


def describe_missing_column(path: Path, name: str, names: Sequence[str]) -> str:
    """Return a message about a column that a table does not have."""
    existing_names = join_names(names) if names else "no header line"
    return (
        f"{format_path(str(path))}: has no column {name!r}{suggest_name(name, names)}; "
        f"it has {existing_names}"
    )


def make_reading_error(path: Path, noun: str, error: Exception) -> UsageError:
    """Return the error for a table that cannot be read.

    Args:
        path: the table.
        noun: what the table is, e.g. "the label track".
        error: the error of the system.
    """
    hint = f"; {CHECK_PATH_HINT}" if isinstance(error, FileNotFoundError) else ""
    return UsageError(f"{format_path(str(path))}: {noun} cannot be read: {describe_os_error(error)}{hint}")


def format_place(path: Path, number: int) -> str:
    """Return a table and the number of a line, for messages."""
    return f"{format_path(str(path))}: line {number}"


def read_time(text: str, name: str, place: str) -> float | None:
    """Return a time of a table in seconds; None if the text is empty.

    Args:
        text: the text of the time.
        name: the name of its column.
        place: see `format_place`.

    Raises:
        UsageError: the text is not a time.
    """
    if not text.strip():
        return None
    seconds = parse_seconds(text)
    if seconds is None:
        hint = "; write a point before the decimals" if "," in text else ""
        raise UsageError(
            f"{place}: {name} is {text[:MAX_VALUE_TEXT]!r}, which is no time in seconds or h:m:s{hint}"
        )
    return seconds


def read_channel(text: str, name: str, place: str) -> int | None:
    """Return the channel of a table, counted from 0; None for the channels of the config.

    The text is empty or "mix" (as in an index) for the channels of the config.

    Raises:
        UsageError: the text is not a channel.
    """
    text = text.strip().lower()
    if text in ("", "mix"):
        return None
    if text in ("left", "right"):
        return ("left", "right").index(text)
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise UsageError(
            f"{place}: {name} is {text[:MAX_VALUE_TEXT]!r}; a channel is left, right, or a number from 0"
        )
    return int(text)
