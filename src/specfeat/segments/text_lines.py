"""Reads the lines of a text file, for formats whose lines have no header."""

from collections.abc import Iterator
from pathlib import Path

from specfeat.errors import UsageError
from specfeat.segments.base import MAX_LINE_LENGTH, format_place, make_reading_error


def read_text_lines(path: Path, noun: str) -> Iterator[tuple[int, str]]:
    """Yield the number, counted from 1, and the text of each line that is not empty, without the line feed.

    Args:
        path: the file, in UTF-8.
        noun: what the file is, for messages, e.g. "the label track".

    Raises:
        UsageError: the file cannot be read, or a line is too long.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            number = 0
            while line := file.readline(MAX_LINE_LENGTH):
                number += 1
                if len(line) == MAX_LINE_LENGTH and not line.endswith("\n"):
                    raise UsageError(f"{format_place(path, number)}: is too long for a table of segments")
                if line.strip():
                    yield number, line.removesuffix("\n")
    except OSError as e:
        raise make_reading_error(path, noun, e) from e
