"""The output formats: the file formats that an array can be written in. Each is one module of this package.

During a run, the rows are in one internal file in `.npy` format (`rows_file`). At the end, the array is
written from it, in the format that belongs to the suffix of the output's name. A later run reads rows of an
existing output through the same format.

To add a format, add one module to this package. The name of the module is the suffix without the dot (so
every module here is a suffix, and helper modules must be elsewhere). The module defines `FORMAT`, an object
with the methods of `OutputFormat`. Nothing else has to be changed.
"""

import importlib
import pkgutil
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

DEFAULT_SUFFIX = ".npy"


class OutputFormat(Protocol):
    """A file format for an array of float32 of shape (rows, features in a row).

    A format must keep every bit: `read_rows` returns the same float32 values, NaN and -0.0 included, that
    `write_array` got. Otherwise an updated output would differ from one that is computed from the beginning.

    Attributes:
        magic: the bytes at the start of every file of this format. If a file at the output's path begins with
            other bytes, specfeat never replaces it. b"" for a format without such bytes: then every file with
            this suffix can be replaced if the user allows replacing (`force`).
        is_rows_format: whether the internal rows file has this format already, so that it only has to be
            renamed. True for `.npy` only.
    """

    magic: bytes
    is_rows_format: bool

    def write_array(
        self, path: Path, blocks: "Iterable[NDArray[np.float32]]", shape: tuple[int, int]
    ) -> None:
        """Write the whole array to a file.

        Args:
            path: the file, in the work folder. It exists and is empty. After this call, the caller makes sure
                that its bytes are on the disk (fsync).
            blocks: the rows, in order, as arrays of shape (n, features in a row). They need not fit into
                memory together.
            shape: the number of rows in all blocks together, and the number of features in a row.

        Raises:
            OutputError: the file cannot be written. An `OSError` has the same effect, because the caller
                converts it.
        """

    def read_shape(self, path: Path) -> tuple[int, int] | None:
        """Return the shape of the array in a file, without reading its rows.

        Any file may be at this path, so this method must not trust its bytes.

        Args:
            path: a file that exists.

        Returns:
            The number of rows and the number of features in a row; None if the file is not an array of this
            format that specfeat can have written.

        Raises:
            OutputError: the file cannot be read.
        """

    def read_rows(self, path: Path, first: int, count: int) -> "Iterator[NDArray[np.float32]]":
        """Yield some rows of an array, as arrays of shape (n, features in a row) of a few MB each.

        The array has been compared with its record before, so a wrong file is a bug and not the user's
        mistake.

        Args:
            path: the file.
            first: the number of the first row to yield, counted from 0.
            count: how many rows to yield.

        Raises:
            OSError: the file cannot be read.
            RuntimeError: the file is not of this format, or has too few rows.
        """


@cache
def list_suffixes() -> frozenset[str]:
    """Return the suffixes of all formats, in lower case and with the dot, without importing the formats."""
    return frozenset(f".{module.name}" for module in pkgutil.iter_modules(__path__))


def find_suffix(name: str | PurePath) -> str:
    """Return the suffix of an array's format, in lower case; `.npy` if the name has no suffix of a format."""
    suffix = PurePath(name).suffix.lower()
    return suffix if suffix in list_suffixes() else DEFAULT_SUFFIX


def find_format(name: str | PurePath) -> OutputFormat:
    """Return the format of an array, which the suffix of its name decides."""
    module = importlib.import_module(f"{__name__}.{find_suffix(name).removeprefix('.')}")
    output_format: OutputFormat = module.FORMAT
    return output_format
