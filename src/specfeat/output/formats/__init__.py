"""The forms that the array of an output can have: one module of this package for each.

While a run goes on, its rows are in one internal file (`rows_file`). The commit writes the array from it in
the format that the suffix of the output's name asks for, and a later run reads rows of an existing output
through the same format. To add a format, add a module: its name is the suffix without the dot, and it defines
`FORMAT`.
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
    """How an array of float32, shape (rows, features in a row), is written to one file and read back.

    Attributes:
        magic: the bytes that every such file begins with; a file that begins otherwise is not replaced.
        is_rows_format: whether the internal rows file has this form already, so that it can be renamed.
    """

    magic: bytes
    is_rows_format: bool

    def write_array(
        self, path: Path, blocks: "Iterable[NDArray[np.float32]]", shape: tuple[int, int]
    ) -> None:
        """Write the array to a file, which is empty or does not exist.

        Args:
            path: the file; the caller brings it to the disk.
            blocks: the rows, in order, in pieces of shape (n, features in a row).
            shape: how many rows all pieces have together, and features in a row.

        Raises:
            OutputError: the file cannot be written.
        """

    def read_shape(self, path: Path) -> tuple[int, int] | None:
        """Return rows and features in a row as the file states them; None if it is no array of this format.

        Raises:
            OutputError: the file cannot be read.
        """

    def read_rows(self, path: Path, first: int, count: int) -> "Iterator[NDArray[np.float32]]":
        """Yield rows of an array in pieces of shape (n, features in a row), a few MB each.

        Args:
            path: the array.
            first: the first row, counted from 0.
            count: how many rows.

        Raises:
            OSError: the file cannot be read.
            RuntimeError: the array has not so many rows, or is not of this format.
        """


@cache
def list_suffixes() -> frozenset[str]:
    """Return the suffixes of all formats, e.g. `.npy`; no format is loaded for that."""
    return frozenset(f".{module.name}" for module in pkgutil.iter_modules(__path__))


def find_suffix(name: str | PurePath) -> str:
    """Return the suffix of the format that the name of an array asks for: `.npy` if it has no known one."""
    suffix = PurePath(name).suffix.lower()
    return suffix if suffix in list_suffixes() else DEFAULT_SUFFIX


def find_format(name: str | PurePath) -> OutputFormat:
    """Return the format that the name of an array asks for."""
    module = importlib.import_module(f"{__name__}.{find_suffix(name).removeprefix('.')}")
    output_format: OutputFormat = module.FORMAT
    return output_format
