"""The `.npy` format of NumPy: a header that states type and shape, and the rows one after another.

The description of the format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import io
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from specfeat.file_access import open_regular_file
from specfeat.files import wrap_os_errors
from specfeat.output.formats import OutputFormat

BYTES_PER_VALUE = 4  # float32
_BLOCK_BYTES = 2**22
_MAGIC = b"\x93NUMPY"
_VERSION = b"\x01\x00"
# The header that NumPy writes for float32 of two axes in C order. A file with any other header was not
# written by specfeat. The space is missing if a run is killed while it replaces the number of rows by a
# longer one.
_HEADER_PATTERN = re.compile(
    rb"\{'descr': '<f4', 'fortran_order': False, 'shape': \((0|[1-9]\d{0,17}), ?([1-9]\d{0,17})\), \} *\n"
)


def make_header(rows: int, width: int) -> bytes:
    """Return the header of an array of float32. NumPy pads headers, so all of them have the same length."""
    text = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        text, {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
    )
    return text.getvalue()


class NpyFormat(OutputFormat):
    """The `.npy` format; the rows file of a run has it already."""

    magic = _MAGIC
    is_rows_format = True

    def write_array(self, path: Path, blocks: Iterable[NDArray[np.float32]], shape: tuple[int, int]) -> None:
        """See `OutputFormat`."""
        with wrap_os_errors(path), open_regular_file(path, "wb") as file:
            file.write(make_header(*shape))
            for block in blocks:
                file.write(np.ascontiguousarray(block, "<f4").data)

    def read_shape(self, path: Path) -> tuple[int, int] | None:
        """See `OutputFormat`."""
        with wrap_os_errors(path, "read"), open_regular_file(path) as file:
            return _read_header(file)

    def read_rows(self, path: Path, first: int, count: int) -> Iterator[NDArray[np.float32]]:
        """See `OutputFormat`."""
        with open_regular_file(path) as file:
            # Only the width is taken from the header, because the header of a rows file has the number of
            # rows only at the end of its run.
            shape = _read_header(file)
            if shape is None:
                raise RuntimeError(f"{path}: is not an array of float32 with two axes")
            width = shape[1]
            row_bytes = BYTES_PER_VALUE * width
            file.seek(row_bytes * first, os.SEEK_CUR)
            while count:
                wanted = min(count, max(1, _BLOCK_BYTES // row_bytes))
                data = file.read(row_bytes * wanted)
                if len(data) < row_bytes * wanted:
                    raise RuntimeError(f"{path}: ends before row {first + count}")
                yield np.frombuffer(data, "<f4").reshape(-1, width)
                count -= wanted


def _read_header(file: BinaryIO) -> tuple[int, int] | None:
    """Read the header at the start of a file, and return the shape of the array.

    The header is compared as text. NumPy's own reader evaluates it as Python code, so a damaged header causes
    errors of many kinds and warnings.

    Returns:
        The shape; None if this is not the header of an array of float32 with two axes, row after row.
    """
    front = file.read(len(_MAGIC) + len(_VERSION) + 2)
    if len(front) < len(_MAGIC) + len(_VERSION) + 2 or not front.startswith(_MAGIC + _VERSION):
        return None
    text = file.read(int.from_bytes(front[-2:], "little"))
    match = _HEADER_PATTERN.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


FORMAT = NpyFormat()
