"""Reads the lines of an index as the columns of a table."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from specfeat.output.index import TIME_COLUMNS

ColumnKind = Literal["integer", "number", "text"]

# All other columns of an index are text.
_KINDS: dict[str, ColumnKind] = {
    "row": "integer",
    "start_s": "number",
    "end_s": "number",
    "padded": "number",
    **dict.fromkeys(TIME_COLUMNS, "number"),
}


@dataclass(frozen=True, slots=True)
class IndexColumn:
    """A column of the index, as tables have it.

    Attributes:
        name: its name in tables.
        kind: the type of its values: int ("integer"), float ("number") or str ("text").
        position: its position in a line of the index, from 0.
        read: a function that makes the value from the text in the index.
    """

    name: str
    kind: ColumnKind
    position: int
    read: Callable[[str], Any]


class IndexReader:
    """An index, open for reading from its first line to its last.

    A name in the index may have bytes that are not UTF-8, and most formats cannot hold such names. In tables,
    these bytes are U+FFFD, and an additional column (`path_hex` for `path`) has all bytes of these names in
    hexadecimal, and "" for each name that is valid.

    Args:
        path: the index: a CSV file with a header and one line for each row.
        taken_names: names that no column may have in a table; an underscore is appended to such a name.

    Attributes:
        columns: the columns of the table: those of the index, and then the additional ones.
    """

    def __init__(self, path: Path, *taken_names: str) -> None:
        self._file = path.open(encoding="utf-8", errors="surrogateescape", newline="")
        self._lines = csv.reader(self._file)
        self.columns = _list_columns(path, next(self._lines, []), taken_names)

    def read_lines(self, count: int) -> dict[str, list[Any]]:
        """Return the values of each column for the next `count` rows."""
        return read_columns(self._lines, count, self.columns)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "IndexReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def read_columns(
    lines: Iterator[list[str]], count: int, columns: Sequence[IndexColumn]
) -> dict[str, list[Any]]:
    """Return the values of columns for the next lines of an index.

    Args:
        lines: the lines of an index after its header, each as a list of texts.
        count: how many lines to read.
        columns: the columns.
    """
    texts = list(zip(*islice(lines, count), strict=True))
    return {column.name: [*map(column.read, texts[column.position] if texts else ())] for column in columns}


def _list_columns(path: Path, header: list[str], taken_names: tuple[str, ...]) -> tuple[IndexColumn, ...]:
    other_encodings = _find_other_encodings(path)
    names = {*taken_names}
    columns: list[IndexColumn] = []

    def add_column(name: str, kind: ColumnKind, position: int, read: Callable[[str], Any]) -> None:
        while name in names:
            name += "_"
        names.add(name)
        columns.append(IndexColumn(name, kind, position, read))

    header = [*map(_replace_other_bytes, header)]
    for k, name in enumerate(header):
        kind = _KINDS.get(name, "text")
        add_column(name, kind, k, _replace_other_bytes if k in other_encodings else _READERS[kind])
    for k in sorted(other_encodings):
        add_column(f"{header[k]}_hex", "text", k, _write_hexadecimal)
    return tuple(columns)


def _find_other_encodings(path: Path) -> set[int]:
    """Return the positions of the columns in which at least one text is not UTF-8; most indexes have none."""
    with path.open("rb") as file:
        if all(_is_utf8(line) for line in file):
            return set()
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as text:
        return {k for line in csv.reader(text) for k, value in enumerate(line) if _write_hexadecimal(value)}


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read_number(text: str) -> float:
    return float(text) if text else float("nan")


def _replace_other_bytes(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _write_hexadecimal(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return "" if _is_utf8(data) else data.hex()


_READERS: dict[ColumnKind, Callable[[str], Any]] = {"integer": int, "number": _read_number, "text": str}
