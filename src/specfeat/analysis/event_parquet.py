"""Tables of events, and of the scores of sounds, as Parquet files."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from specfeat.analysis.audio_events import EventTable
from specfeat.output.arrow_tables import import_pyarrow

_BLOCK_LINES = 10_000

Value = str | float | int | None


def format_parquet(table: EventTable) -> Iterator[bytes]:
    """Yield a Parquet file: path, start, end, channel (if an event has one), label, and additional columns.

    Raises:
        InstallError: pyarrow is missing.
    """
    has_channels = any(event.channel is not None for event in table.events)
    is_number = [name in table.number_columns for name in table.columns]
    columns = [
        *(("path", "string"), ("start", "float64"), ("end", "float64")),
        *([("channel", "int64")] if has_channels else []),
        ("label", "string"),
        *(
            (name, "float64" if number else "string")
            for name, number in zip(table.columns, is_number, strict=True)
        ),
    ]

    def iterate_lines() -> Iterator[Sequence[Value]]:
        for event in table.events:
            values = [
                (float(text) if text else None) if number else text
                for text, number in zip(event.values, is_number, strict=True)
            ]
            channel = [event.channel] if has_channels else []
            yield (event.name, event.start_s, event.end_s, *channel, event.label, *values)

    return format_parquet_lines(columns, iterate_lines())


def format_parquet_lines(
    columns: Sequence[tuple[str, str]], lines: Iterable[Sequence[Value]]
) -> Iterator[bytes]:
    """Yield a Parquet file with some lines.

    If a path is not UTF-8, it has U+FFFD in place of the other bytes, and the column `path_hex` has all bytes
    of this path in hexadecimal.

    Args:
        columns: the name and the Arrow type of each column. The first one has the paths.
        lines: the lines, with a value for each column.

    Raises:
        InstallError: pyarrow is missing.
    """
    pa, parquet = import_pyarrow(), import_pyarrow("pyarrow.parquet")
    rows = [*map(_convert_line, lines)]
    if any(row[-1] for row in rows):
        columns = [*columns, ("path_hex", "string")]
    schema = pa.schema([pa.field(name, getattr(pa, kind)()) for name, kind in columns])
    texts = [name for name, kind in columns if kind == "string"]
    sink = pa.BufferOutputStream()
    with parquet.ParquetWriter(sink, schema, compression="zstd", use_dictionary=texts) as writer:
        remaining = iter(rows)
        while block := [*islice(remaining, _BLOCK_LINES)]:
            values = list(zip(*block, strict=True))[: len(columns)]
            arrays = [pa.array(one, field.type) for one, field in zip(values, schema, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    yield sink.getvalue().to_pybytes()


def _convert_line(line: Sequence[Value]) -> tuple[Any, ...]:
    """Return the values of a line as Arrow can have them, and the bytes of its path in hexadecimal."""
    values = tuple(_replace_other_bytes(value) if isinstance(value, str) else value for value in line)
    path = str(line[0])
    return (*values, _encode(path).hex() if values[0] != path else "")


def _replace_other_bytes(text: str) -> str:
    return _encode(text).decode("utf-8", "replace")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
