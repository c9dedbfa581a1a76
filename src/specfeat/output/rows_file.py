"""The rows file of a run: an array file in the work folder that grows while the run extracts."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from specfeat.file_access import open_regular_file, write_fully
from specfeat.files import is_same_file, read_size, wrap_os_errors
from specfeat.output.feature_table import Rows
from specfeat.output.formats.npy import make_header

ROWS_NAME = "rows.npy"  # its name in the work folder
FLOAT32 = np.dtype(np.float32)


class RowsFile:
    """A `.npy` file of rows, open for writing.

    Each write gives its offset in the file. So a write that a full disk or a signal has interrupted can be
    repeated. The number of rows in the header is 0 until `finish`.

    Args:
        path: the file.
        width: features in a row.
        count: how many rows of an existing file are kept; with 0, the file is made or emptied.
        dtype: the type of the features, float32 or float16.

    Attributes:
        path: the file.
        width: features in a row.
        dtype: the type of the features.
        count: how many rows have been written and not removed.
    """

    def __init__(self, path: Path, width: int, count: int = 0, dtype: "np.dtype[Any]" = FLOAT32) -> None:
        self.path = path
        self.width = width
        self.count = count
        self.dtype = dtype
        self._header_bytes = len(make_header(0, width, dtype))
        with wrap_os_errors(path):
            self._file = open_regular_file(path, "r+b" if count else "w+b", 0)
        self._truncate()
        self._write(make_header(0, width, dtype), 0)

    def append(self, rows: Rows) -> None:
        """Write rows, shape (n, width)."""
        self._write(np.ascontiguousarray(rows, self.dtype.newbyteorder("<")).data, self._end)
        self.count += len(rows)

    def remove_last(self, count: int) -> None:
        """Remove the last `count` rows, e.g. because their sound failed after they were written."""
        self.count -= count
        self._truncate()

    def sync(self) -> None:
        """Make sure that all rows are on the disk."""
        with wrap_os_errors(self.path):
            os.fsync(self._file.fileno())

    def finish(self) -> None:
        """Write the number of rows into the header, and make sure that the file is on the disk."""
        self._truncate()
        self._write(make_header(self.count, self.width, self.dtype), 0)
        self.sync()

    def is_at_its_path(self) -> bool:
        """Return whether the file is still the one that its path names."""
        return is_same_file(self._file.fileno(), self.path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def _end(self) -> int:
        return self._header_bytes + self.dtype.itemsize * self.width * self.count

    def _truncate(self) -> None:
        with wrap_os_errors(self.path):
            os.ftruncate(self._file.fileno(), self._end)

    def _write(self, data: bytes | memoryview, offset: int) -> None:
        with wrap_os_errors(self.path):
            write_fully(self._file.fileno(), data, offset)


def count_rows(path: Path, width: int, dtype: "np.dtype[Any]" = FLOAT32) -> int:
    """Return how many whole rows a rows file has, computed from its size.

    Raises:
        OutputError: the file cannot be read.
    """
    with wrap_os_errors(path, "read"):
        return (read_size(path) - len(make_header(0, width, dtype))) // (dtype.itemsize * width)
