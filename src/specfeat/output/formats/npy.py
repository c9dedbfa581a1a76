"""The `.npy` format of NumPy: a header that states type and shape, and the rows one after another.

The description of the format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from specfeat.file_access import open_regular_file
from specfeat.files import wrap_os_errors
from specfeat.output.feature_table import ArrayLayout, FeatureTable, Rows
from specfeat.output.formats import OutputFormat

_BLOCK_BYTES = 2**22
_MAGIC = b"\x93NUMPY"
_VERSION = b"\x01\x00"
# The header that NumPy writes for float32 or float16 of two axes in C order. A file with any other header was
# not written by specfeat. The space is missing if a run is killed while it replaces the number of rows by a
# longer one.
_HEADER_PATTERN = re.compile(
    rb"\{'descr': '(<f[24])', 'fortran_order': False, "
    rb"'shape': \((0|[1-9]\d{0,17}), ?([1-9]\d{0,17})\), \} *\n"
)


def make_header(rows: int, width: int, dtype: "np.dtype[Any]") -> bytes:
    """Return the header of an array. NumPy pads headers, so all headers of one type have the same length."""
    text = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        text, {"descr": dtype.newbyteorder("<").str, "fortran_order": False, "shape": (rows, width)}
    )
    return text.getvalue()


def read_header(file: BinaryIO) -> tuple[int, int, "np.dtype[Any]"] | None:
    """Read the header at the start of a file.

    The header is compared as text. NumPy's own reader evaluates it as Python code, so a damaged header causes
    errors of many kinds and warnings.

    Returns:
        The number of rows, the number of features in a row and their type; None if this is not the header of
        an array of float32 or float16 with two axes, row after row.
    """
    front = file.read(len(_MAGIC) + len(_VERSION) + 2)
    if len(front) < len(_MAGIC) + len(_VERSION) + 2 or not front.startswith(_MAGIC + _VERSION):
        return None
    text = file.read(int.from_bytes(front[-2:], "little"))
    match = _HEADER_PATTERN.fullmatch(text)
    return (int(match[2]), int(match[3]), np.dtype(match[1].decode())) if match else None


def read_some_rows(file: BinaryIO, count: int, width: int, dtype: "np.dtype[Any]") -> Iterator[Rows]:
    """Yield the next `count` rows of an open file, in arrays of a few MB.

    Raises:
        OSError: the file cannot be read.
        RuntimeError: the file ends before these rows do.
    """
    row_bytes = width * dtype.itemsize
    while count:
        wanted = min(count, max(1, _BLOCK_BYTES // row_bytes))
        data = file.read(row_bytes * wanted)
        if len(data) < row_bytes * wanted:
            raise RuntimeError(f"{file.name}: ends before its last row")
        yield np.frombuffer(data, dtype).reshape(-1, width)
        count -= wanted


class NpyFormat(OutputFormat):
    """The `.npy` format; the rows file of a run has it already."""

    magic = _MAGIC
    is_rows_format = True

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        self.write_rows(path, table.read_rows(), table.layout)

    def write_rows(self, path: Path, arrays: Iterator[Rows], layout: ArrayLayout) -> None:
        """Write rows to a file.

        Args:
            path: a file that exists and is empty.
            arrays: the rows in order.
            layout: the number of the rows, their width and their type.

        Raises:
            OutputError: the file cannot be written.
        """
        with wrap_os_errors(path), open_regular_file(path, "wb") as file:
            file.write(make_header(layout.rows, layout.width, layout.dtype))
            for rows in arrays:
                file.write(np.ascontiguousarray(rows, layout.dtype.newbyteorder("<")).data)

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`."""
        with wrap_os_errors(path, "read"), open_regular_file(path) as file:
            return read_header(file) == (layout.rows, layout.width, layout.dtype)

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        return read_rows_between(path, 0, layout.rows)


def read_rows_between(path: Path, first: int, count: int) -> Iterator[Rows]:
    """Yield some rows of a `.npy` file, in arrays of a few MB.

    Args:
        path: the file. The number of rows in its header is not used, because the header of a rows file has it
            only at the end of its run.
        first: the number of the first row to yield, counted from 0.
        count: how many rows to yield.

    Raises:
        OSError: the file cannot be read.
        RuntimeError: the file has another format, or too few rows.
    """
    with open_regular_file(path) as file:
        header = read_header(file)
        if header is None:
            raise RuntimeError(f"{path}: is not an array of features with two axes")
        _, width, dtype = header
        file.seek(width * dtype.itemsize * first, os.SEEK_CUR)
        yield from read_some_rows(file, count, width, dtype)


FORMAT = NpyFormat()
