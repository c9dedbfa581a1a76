"""The `.npy` format of NumPy: a header that states type and shape, and the rows one after another.

The description of the format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specfeat.file_access import open_regular_file
from specfeat.files import wrap_os_errors
from specfeat.output.formats import OutputFormat

BYTES_PER_VALUE = 4  # float32
_BLOCK_BYTES = 2**22


def make_header(rows: int, width: int) -> bytes:
    """Return the header of an array of float32; NumPy leaves room, so every header has the same length."""
    text = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        text, {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
    )
    return text.getvalue()


class NpyFormat(OutputFormat):
    """The `.npy` format; the rows file of a run has it already."""

    magic = b"\x93NUMPY"
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
            try:
                np.lib.format.read_magic(file)
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            except ValueError:
                return None
        return (shape[0], shape[1]) if len(shape) == 2 and not fortran and dtype == np.dtype("<f4") else None

    def read_rows(self, path: Path, first: int, count: int) -> Iterator[NDArray[np.float32]]:
        """See `OutputFormat`."""
        with open_regular_file(path) as file:
            # The header of a rows file does not state how many rows there are before the run is over, so only
            # the width is taken from it.
            np.lib.format.read_magic(file)
            (_, width), _, _ = np.lib.format.read_array_header_1_0(file)
            row_bytes = BYTES_PER_VALUE * width
            file.seek(row_bytes * first, os.SEEK_CUR)
            while count:
                wanted = min(count, max(1, _BLOCK_BYTES // row_bytes))
                data = file.read(row_bytes * wanted)
                if len(data) < row_bytes * wanted:
                    raise RuntimeError(f"{path}: ends before row {first + count}")
                yield np.frombuffer(data, "<f4").reshape(-1, width)
                count -= wanted


FORMAT = NpyFormat()
