"""Reads tables of text: CSV, TSV and tables with semicolons."""

import csv
from collections.abc import Iterator
from pathlib import Path

from specfeat.errors import CHECK_PATH_HINT, UsageError
from specfeat.files import describe_os_error, format_path

MAX_FIELD_LENGTH = 1_000_000  # characters of one value of a table


def find_delimiter(path: Path) -> str:
    """Return the delimiter that belongs to the extension of a table: a tab for `.tsv`, else a comma."""
    return "\t" if path.suffix.lower() == ".tsv" else ","


def read_delimited_lines(
    path: Path, noun: str, delimiter: str, encoding_errors: str = "strict"
) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a table that are not empty: the header, and then lines with as many values.

    Args:
        path: the table, in UTF-8.
        noun: what the table is, for messages, e.g. "the table of labels".
        delimiter: the character between two values.
        encoding_errors: what to do about bytes that are not UTF-8, as in `open`.

    Yields:
        The number of the line, counted from 1, and its values.

    Raises:
        UsageError: the table cannot be read, or a line has more or fewer values than the header.
    """
    name = format_path(str(path))
    csv.field_size_limit(MAX_FIELD_LENGTH)
    columns: int | None = None
    try:
        with path.open(encoding="utf-8-sig", errors=encoding_errors, newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            for values in reader:
                if not values:
                    continue
                columns = len(values) if columns is None else columns
                if len(values) != columns:
                    raise UsageError(
                        f"{name}: line {reader.line_num}: has {len(values)} values, and the header {columns}"
                    )
                yield reader.line_num, values
    except OSError as e:
        hint = f"; {CHECK_PATH_HINT}" if isinstance(e, FileNotFoundError) else ""
        raise UsageError(f"{name}: {noun} cannot be read: {describe_os_error(e)}{hint}") from e
    except UnicodeDecodeError as e:
        raise UsageError(f"{name}: is not UTF-8 text (byte {e.start}); save the table as UTF-8") from e
    except csv.Error as e:
        raise UsageError(f"{name}: is not a table: {e}; save it as CSV") from e
