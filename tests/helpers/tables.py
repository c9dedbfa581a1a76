"""Makes tables of features with an index, writes them in a format, and reads them back."""

from pathlib import Path

import numpy as np

from specfeat.output.feature_table import ArrayLayout, Rows
from specfeat.output.formats import get_format
from specfeat.output.records import SoundEntry
from specfeat.output.table_source import open_table

# Names that need care: quotes, commas, line breaks, other alphabets; the last one is not UTF-8.
NAMES = (
    "in/a b.wav",
    'in/"x",y.wav',
    "in/line\r\nbreak.wav",
    "in/früh\N{PILE OF POO}.wav",
    "in/\udcff\udcfe.wav",
)
# The same names in a format that stores Unicode text.
TEXT_NAMES = (*NAMES[:4], "in/\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}.wav")
ROW_COUNTS = (1, 3, 2, 4, 2)  # of these files
WIDTH = 5


def make_rows(width: int = WIDTH, dtype: str = "<f4") -> Rows:
    """Make the rows of all files: values of every size, and -0.0."""
    generator = np.random.default_rng(0)
    shape = (sum(ROW_COUNTS), width)
    exponents = generator.integers(-20, 20, shape) if dtype == "<f4" else generator.integers(-3, 3, shape)
    rows = (generator.normal(size=shape) * 10.0**exponents).astype(dtype)
    rows[0, :2] = -0.0, 0.0
    return rows


def list_paths(names: tuple[str, ...] = TEXT_NAMES) -> list[str]:
    """Return the name of the file of each row."""
    return [name for name, count in zip(names, ROW_COUNTS, strict=True) for _ in range(count)]


def make_layout(rows: Rows, feature_names: tuple[str, ...] = ()) -> ArrayLayout:
    """Return the layout of the rows."""
    entries = tuple(
        SoundEntry(path=name, size=1, mtime_ns=1, status="ok", rows=count, samples=1, seconds=0.0)
        for name, count in zip(NAMES, ROW_COUNTS, strict=True)
    )
    return ArrayLayout(
        rows=len(rows),
        width=rows.shape[1],
        dtype=rows.dtype,
        entries=entries,
        feature_names=feature_names,
    )


def write_index(path: Path) -> None:
    """Write the index of the rows, with a column `label` that a table of the user has added."""
    lines = ["row,path,channel,start_s,end_s,padded,status,label"]
    for row, name in enumerate(list_paths(NAMES)):
        quoted = '"' + name.replace('"', '""') + '"'
        lines.append(f"{row},{quoted},mix,{row / 10},{row / 10 + 1},0.5,ok,owl")
    path.write_bytes(("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"))


def write_array(
    path: Path,
    rows: Rows,
    format_name: str = "",
    block_rows: int = 5,
    feature_names: tuple[str, ...] = (),
) -> None:
    """Write the rows in the format of the path's extension."""
    output_format = get_format(format_name or path.suffix[1:])
    index = path.parent / "index.csv"
    write_index(index)
    path.mkdir() if output_format.is_folder else path.touch()
    metadata = {"specfeat": "1", "config_sha256": "ab", "config": '{"a": 1}'}
    parts = [rows[first : first + block_rows] for first in range(0, len(rows), block_rows)]
    layout = make_layout(rows, feature_names)
    with open_table(path, layout, index, metadata, lambda: iter(parts)) as table:
        output_format.write_table(path, table)
