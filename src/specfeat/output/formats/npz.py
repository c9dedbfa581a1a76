"""The `.npz` format of NumPy: a ZIP file with the array `features` and an array for each column of the index.

Text in a NumPy array takes 4 bytes times the longest text for each row. So a column of text, e.g. `path`, is
two arrays: `path_values` has each text once, and `path` has for each row the position of its text there.
"""

import zipfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from specfeat.files import wrap_os_errors
from specfeat.output.feature_table import FEATURE_NAMES_NAME, FEATURES_NAME, ArrayLayout, FeatureTable, Rows
from specfeat.output.formats import OutputFormat
from specfeat.output.formats.npy import make_header, read_header, read_some_rows
from specfeat.output.index_reader import IndexColumn

_TYPE_CODES = {"integer": "q", "number": "d", "text": "q"}


class NpzFormat(OutputFormat):
    """The `.npz` format, without compression. All members have one fixed date."""

    magic = b"PK\x03\x04"

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        layout = table.layout
        columns = [_ColumnArray(column) for column in table.columns]
        with wrap_os_errors(path), zipfile.ZipFile(path, "w") as archive:
            with _open_member(archive, FEATURES_NAME) as file:
                file.write(make_header(layout.rows, layout.width, layout.dtype))
                for block in table.read_blocks():
                    file.write(np.ascontiguousarray(block.rows).data)
                    for column in columns:
                        column.append(block.columns[column.name])
            for column in columns:
                for name, values in column.make_arrays().items():
                    with _open_member(archive, name) as file:
                        np.lib.format.write_array(file, values, allow_pickle=False)
            texts: dict[str, Any] = dict(table.metadata)
            if layout.feature_names:
                texts[FEATURE_NAMES_NAME] = layout.feature_names
            for name, text in texts.items():
                with _open_member(archive, name) as file:
                    np.lib.format.write_array(file, np.array(text), allow_pickle=False)

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`."""
        try:
            with (
                wrap_os_errors(path, "read"),
                zipfile.ZipFile(path) as archive,
                archive.open(f"{FEATURES_NAME}.npy") as file,
            ):
                # specfeat compresses nothing, and damaged compressed bytes raise further errors.
                if archive.getinfo(f"{FEATURES_NAME}.npy").compress_type != zipfile.ZIP_STORED:
                    return False
                return read_header(cast("BinaryIO", file)) == (layout.rows, layout.width, layout.dtype)
        # zipfile raises these errors for a damaged file or one of another program: it is not a ZIP file, a
        # name is not UTF-8, there are no features, they cannot be decoded (e.g. encrypted), or they end too
        # early.
        except (zipfile.BadZipFile, UnicodeDecodeError, KeyError, RuntimeError, EOFError):
            return False

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        with zipfile.ZipFile(path) as archive, archive.open(f"{FEATURES_NAME}.npy") as file:
            read_header(cast("BinaryIO", file))
            yield from read_some_rows(cast("BinaryIO", file), layout.rows, layout.width, layout.dtype)


class _ColumnArray:
    """Collects the values of one column of the index.

    Args:
        column: the column.

    Attributes:
        name: the name of the column.
    """

    def __init__(self, column: IndexColumn) -> None:
        self.name = column.name
        self._is_text = column.kind == "text"
        self._values = array(_TYPE_CODES[column.kind])
        self._positions: dict[str, int] = {}

    def append(self, values: list[Any]) -> None:
        """Add the values of the next rows."""
        if self._is_text:
            values = [self._positions.setdefault(text, len(self._positions)) for text in values]
        self._values.extend(values)

    def make_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the arrays of the column by their names."""
        values = np.array(self._values, self._values.typecode)
        if not self._is_text:
            return {self.name: values}
        return {f"{self.name}_values": np.array([*self._positions] or [""]), self.name: values}


def _open_member(archive: zipfile.ZipFile, name: str) -> BinaryIO:
    """Open a new member, which may have more than 4 GB. Its date is always 1 January 1980."""
    return cast("BinaryIO", archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True))


FORMAT = NpzFormat()
