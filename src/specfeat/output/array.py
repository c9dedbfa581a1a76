"""The array of features, as a NumPy file that grows."""

import numpy as np
from numpy.typing import NDArray

from specfeat.output.place import Partial, writing


class ArrayWriter:
    """Writes rows of float32 to a partial `.npy` file.

    Args:
        partial: where to.
        width: features in a row.

    Attributes:
        rows: how many have been written and not taken back.
    """

    def __init__(self, partial: Partial, width: int) -> None:
        self.rows = 0
        self._width = width
        self._partial = partial
        self._write_header()
        self._start = partial.file.tell()

    def append(self, rows: NDArray[np.float32]) -> None:
        """Write rows, shape (n, width)."""
        with writing(self._partial.path):
            self._partial.file.write(np.ascontiguousarray(rows, "<f4").data)
        self.rows += len(rows)

    def take_back(self, rows: int) -> None:
        """Drop the last `rows` rows: their file broke after they were written."""
        self.rows -= rows
        with writing(self._partial.path):
            self._partial.file.seek(self._start + self.rows * self._width * 4)
            self._partial.file.truncate()

    def close(self) -> None:
        """Write the number of rows into the header."""
        with writing(self._partial.path):
            self._partial.file.seek(0)
            self._write_header()

    def _write_header(self) -> None:
        # NumPy leaves room in the header, so that the first axis can grow without moving the data.
        header = {"descr": "<f4", "fortran_order": False, "shape": (self.rows, self._width)}
        np.lib.format.write_array_header_1_0(self._partial.file, header)
