"""Tables of segments in JSON Lines: one JSON object on each line, also compressed with gzip."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from specfeat.errors import UsageError
from specfeat.segments.base import (
    MAX_LINE_LENGTH,
    SegmentFormat,
    SegmentTable,
    format_place,
    make_reading_error,
)
from specfeat.segments.formats.columns import find_layout

JsonObject = dict[str, object]
MAX_BYTES = 2**32  # of a table after decompression


class JsonLinesFormat(SegmentFormat):
    """Objects with the key `path`; they can also have `start`, `end`, `channel`, `id` and other keys."""

    def is_format_of(self, path: Path, start: str) -> bool:
        """See `SegmentFormat`."""
        return is_json_lines(path)

    def read_table(self, path: Path, columns: Mapping[str, str]) -> SegmentTable:
        """See `SegmentFormat`."""
        # The table is read twice, because an object may have a key that no object before it has.
        names = list(dict.fromkeys(key for _, data in read_objects(path) for key in data))
        layout = find_layout(path, names, columns)
        return SegmentTable(
            columns=tuple(names[k] for k in layout.other_columns),
            lines=(
                layout.make_line(
                    number, [format_json_value(data.get(name)) for name in names], format_place(path, number)
                )
                for number, data in read_objects(path)
            ),
            has_times=layout.has_times,
        )


def is_json_lines(path: Path) -> bool:
    """Return whether the name of a file is that of JSON Lines."""
    return path.name.lower().endswith((".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz"))


def format_json_value(value: object) -> str:
    """Return a value of JSON as the text of a column: nothing for null, and a text without quotes."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_objects(path: Path) -> Iterator[tuple[int, JsonObject]]:
    """Yield the number and the object of each line that is not empty.

    Raises:
        UsageError: the file cannot be read, is too large, or a line has no object.
    """
    try:
        with _open_table(path) as file:
            total = number = 0
            while line := file.readline(MAX_LINE_LENGTH):
                number += 1
                total += len(line)
                if total > MAX_BYTES or (len(line) == MAX_LINE_LENGTH and not line.endswith(b"\n")):
                    raise UsageError(f"{format_place(path, number)}: is too long for a table of segments")
                if line.strip():
                    yield number, _parse_object(line, format_place(path, number))
    except (OSError, EOFError, zlib.error) as e:
        raise make_reading_error(path, "the table of segments", e) from e


def _open_table(path: Path) -> IO[bytes] | gzip.GzipFile:
    return gzip.GzipFile(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")


def _parse_object(line: bytes, place: str) -> JsonObject:
    try:
        data: object = json.loads(line.decode("utf-8-sig"))
        if not isinstance(data, dict):
            raise ValueError("the line has no object")
        # A JSON text can have half of a surrogate pair, which no file can hold.
        json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogateescape")
    except (ValueError, RecursionError) as e:
        raise UsageError(f"{place}: is not a JSON object: {str(e)[:200]}") from e
    return data


FORMAT = JsonLinesFormat()
