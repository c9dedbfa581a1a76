"""The array of features, as a NumPy file that grows."""

import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specfeat.files import is_same_file, open_regular_file, wrap_os_errors, write_fully


class ArrayWriter:
    """Writes rows of float32 to a `.npy` file, each at its place, so that a step can be done again.

    Args:
        path: the file.
        width: features in a row.
        rows: that are in it already and stay; without any the file is made.

    Attributes:
        rows: how many have been written and not taken back.
    """

    def __init__(self, path: Path, width: int, rows: int = 0) -> None:
        self.path = path
        self.rows = rows
        self._width = width
        self._start = len(make_header(0, width))
        with wrap_os_errors(path):
            self._file = open_regular_file(path, "r+b" if rows else "w+b", 0)
        self._cut()
        self._write(make_header(0, width), 0)

    def append(self, rows: NDArray[np.float32]) -> None:
        """Write rows, shape (n, width)."""
        self._write(np.ascontiguousarray(rows, "<f4").data, self._end)
        self.rows += len(rows)

    def take_back(self, rows: int) -> None:
        """Drop the last `rows` rows: their file broke after they were written."""
        self.rows -= rows
        self._cut()

    def settle(self) -> None:
        """Bring every row to the disk."""
        with wrap_os_errors(self.path):
            os.fsync(self._file.fileno())

    def finish(self) -> None:
        """Write the number of rows into the header, and bring all to the disk."""
        self._cut()
        self._write(make_header(self.rows, self._width), 0)
        self.settle()

    def is_there(self) -> bool:
        """Tell whether the file still has its name."""
        return is_same_file(self._file.fileno(), self.path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def _end(self) -> int:
        return self._start + 4 * self._width * self.rows

    def _cut(self) -> None:
        with wrap_os_errors(self.path):
            os.ftruncate(self._file.fileno(), self._end)

    def _write(self, data: bytes | memoryview, at: int) -> None:
        with wrap_os_errors(self.path):
            write_fully(self._file.fileno(), data, at)


def make_header(rows: int, width: int) -> bytes:
    """Return the header of such an array; its length does not depend on `rows`, NumPy leaves room."""
    text = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        text, {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
    )
    return text.getvalue()


def read_shape(path: Path) -> tuple[int, int] | None:
    """Return the rows and the width that the header of such an array names; None if it is none.

    Raises:
        OutputError: it cannot be read.
    """
    with wrap_os_errors(path, "read"), open_regular_file(path) as file:
        try:
            np.lib.format.read_magic(file)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        except ValueError:
            return None
    return (shape[0], shape[1]) if len(shape) == 2 and not fortran and dtype == np.dtype("<f4") else None


def count_rows(path: Path, width: int) -> int:
    """Return how many whole rows a file's bytes have room for.

    Raises:
        OutputError: it cannot be looked at.
    """
    with wrap_os_errors(path, "read"):
        return (path.stat().st_size - len(make_header(0, width))) // (4 * width)
