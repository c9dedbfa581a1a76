"""The rows of a run while it runs: one array file in the work folder that grows at its end."""

import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specfeat.files import is_same_file, open_regular_file, wrap_os_errors, write_fully


class RowsFile:
    """A `.npy` file of float32 rows, open for writing at its end.

    Each write states its place in the file, so a write that a full disk or a signal has cut short can be
    repeated.

    Args:
        path: the file.
        width: features in a row.
        count: how many rows the file holds already and keeps; 0 makes the file, or empties it.

    Attributes:
        path: the file.
        count: how many rows have been written and not removed.
    """

    def __init__(self, path: Path, width: int, count: int = 0) -> None:
        self.path = path
        self.count = count
        self._width = width
        self._header_bytes = len(make_header(0, width))
        with wrap_os_errors(path):
            self._file = open_regular_file(path, "r+b" if count else "w+b", 0)
        self._truncate()
        self._write(make_header(0, width), 0)

    def append(self, rows: NDArray[np.float32]) -> None:
        """Write rows, shape (n, width)."""
        self._write(np.ascontiguousarray(rows, "<f4").data, self._end)
        self.count += len(rows)

    def remove_last(self, count: int) -> None:
        """Remove the last `count` rows: their file failed after they were written."""
        self.count -= count
        self._truncate()

    def sync(self) -> None:
        """Bring every row to the disk."""
        with wrap_os_errors(self.path):
            os.fsync(self._file.fileno())

    def finish(self) -> None:
        """Write the number of rows into the header, and bring the file to the disk."""
        self._truncate()
        self._write(make_header(self.count, self._width), 0)
        self.sync()

    def has_its_name(self) -> bool:
        """Return whether the file is still the one that its path names."""
        return is_same_file(self._file.fileno(), self.path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def _end(self) -> int:
        return self._header_bytes + 4 * self._width * self.count

    def _truncate(self) -> None:
        with wrap_os_errors(self.path):
            os.ftruncate(self._file.fileno(), self._end)

    def _write(self, data: bytes | memoryview, offset: int) -> None:
        with wrap_os_errors(self.path):
            write_fully(self._file.fileno(), data, offset)


def make_header(rows: int, width: int) -> bytes:
    """Return the header of such a file; its length does not depend on `rows`, since NumPy leaves room."""
    text = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        text, {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
    )
    return text.getvalue()


def read_shape(path: Path) -> tuple[int, int] | None:
    """Return rows and width as the header of such a file states them; None if it is no such file.

    Raises:
        OutputError: the file cannot be read.
    """
    with wrap_os_errors(path, "read"), open_regular_file(path) as file:
        try:
            np.lib.format.read_magic(file)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        except ValueError:
            return None
    return (shape[0], shape[1]) if len(shape) == 2 and not fortran and dtype == np.dtype("<f4") else None


def count_rows(path: Path, width: int) -> int:
    """Return how many whole rows the bytes of such a file have room for.

    Raises:
        OutputError: the file cannot be read.
    """
    with wrap_os_errors(path, "read"):
        return (path.stat().st_size - len(make_header(0, width))) // (4 * width)
