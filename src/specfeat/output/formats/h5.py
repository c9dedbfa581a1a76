"""The HDF5 format: a dataset `features`, and a dataset for each column of the index.

The description of the format: https://docs.hdfgroup.org/documentation/hdf5/latest/
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from specfeat.files import wrap_os_errors
from specfeat.output.feature_table import FEATURE_NAMES_NAME, FEATURES_NAME, ArrayLayout, FeatureTable, Rows
from specfeat.output.formats import OutputFormat
from specfeat.output.index_reader import IndexColumn

_BLOCK_BYTES = 2**22


class H5Format(OutputFormat):
    """HDF5, not compressed. The texts about the whole array are datasets, because attributes are limited."""

    magic = b"\x89HDF\r\n\x1a\n"

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        layout = table.layout
        with wrap_os_errors(path), h5py.File(path, "w") as file:
            features = file.create_dataset(FEATURES_NAME, (layout.rows, layout.width), layout.dtype)
            columns = {
                column.name: file.create_dataset(column.name, (layout.rows,), _get_type(column))
                for column in table.columns
            }
            first = 0
            for block in table.read_blocks():
                end = first + len(block.rows)
                features[first:end] = block.rows
                for name, values in block.columns.items():
                    columns[name][first:end] = [*map(_replace_nul, values)]
                first = end
            for name, text in table.metadata.items():
                file.create_dataset(name, data=text, dtype=h5py.string_dtype())
            if layout.feature_names:
                names = [*map(_replace_nul, layout.feature_names)]
                file.create_dataset(FEATURE_NAMES_NAME, data=names, dtype=h5py.string_dtype())

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`."""
        try:
            with h5py.File(path, "r") as file:
                features = file.get(FEATURES_NAME)
                return isinstance(features, h5py.Dataset) and (features.shape, features.dtype) == (
                    (layout.rows, layout.width),
                    layout.dtype,
                )
        except (OSError, RuntimeError, ValueError, KeyError):  # what h5py raises for a damaged file
            return False

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        with h5py.File(path, "r") as file:
            block_rows = layout.count_block_rows(_BLOCK_BYTES)
            for first in range(0, layout.rows, block_rows):
                yield np.asarray(file[FEATURES_NAME][first : first + block_rows])


def _get_type(column: IndexColumn) -> Any:
    return {"integer": "<i8", "number": "<f8", "text": h5py.string_dtype()}[column.kind]


def _replace_nul(value: object) -> object:
    """Replace the character NUL, which ends a text in HDF5."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


FORMAT = H5Format()
