"""The format of Zarr 3: a folder with an array `features` and an array for each column of the index.

The description of the format: https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html
"""

import importlib
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from specfeat.errors import InstallError
from specfeat.files import wrap_os_errors
from specfeat.output.feature_table import FEATURE_NAMES_NAME, FEATURES_NAME, ArrayLayout, FeatureTable, Rows
from specfeat.output.formats import OutputFormat
from specfeat.output.index_reader import IndexColumn
from specfeat.output.tree_files import iterate_files

_CHUNK_BYTES = 2**20  # a reader decodes at least one chunk
_SHARD_CHUNKS = 16  # in one file, so that a large array has not too many files
_COLUMN_ROWS = 2**16  # in one chunk of a column, which is one file
_METADATA_NAME = "zarr.json"
_MAX_METADATA_BYTES = 2**26


class ZarrFormat(OutputFormat):
    """A group of Zarr 3, compressed with zstd. All rows of a shard are written at once."""

    magic = b""
    is_folder = True
    package = "zarr"
    extra = "zarr"

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        zarr = _import_zarr()
        layout = table.layout
        with wrap_os_errors(path):
            attributes: dict[str, Any] = dict(table.metadata)
            if layout.feature_names:
                attributes[FEATURE_NAMES_NAME] = [*layout.feature_names]
            group = zarr.create_group(path, zarr_format=3, attributes=attributes)
            writers = [_ArrayWriter(_create_features(group, layout))]
            names = [FEATURES_NAME]
            for column in table.columns:
                names.append(column.name)
                writers.append(_ArrayWriter(_create_column(group, column, layout.rows)))
            for block in table.read_blocks():
                for name, writer in zip(names, writers, strict=True):
                    writer.append(block.rows if name == FEATURES_NAME else block.columns[name])
            for writer in writers:
                writer.finish()

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`."""
        metadata = _read_metadata(path / FEATURES_NAME)
        return (metadata.get("shape"), metadata.get("data_type"), metadata.get("node_type")) == (
            [layout.rows, layout.width],
            layout.dtype.name,
            "array",
        )

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        features = _import_zarr().open_array(path / FEATURES_NAME, mode="r")
        block_rows = features.chunks[0] * _SHARD_CHUNKS
        for first in range(0, layout.rows, block_rows):
            yield np.asarray(features[first : first + block_rows])

    def find_other_file(self, path: Path, layout: ArrayLayout) -> str:
        """See `OutputFormat`: everything in the folders of the group's arrays is taken for Zarr's."""
        for name in iterate_files(path):
            folder = name.partition("/")[0]
            if name != _METADATA_NAME and not _read_metadata(path / folder):
                return name
        return ""


class _ArrayWriter:
    """Writes the values of one array in pieces that are whole shards.

    Args:
        array: the array of Zarr, which has its final shape.
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        self._piece_rows = (array.shards or array.chunks)[0]
        self._parts: list[Any] = []
        self._count = 0
        self._end = 0

    def append(self, values: Any) -> None:
        """Add the values of the next rows."""
        values = np.asarray(values, self._array.dtype)
        while len(values):
            part = values[: self._piece_rows - self._count]
            values = values[len(part) :]
            self._parts.append(part)
            self._count += len(part)
            if self._count == self._piece_rows:
                self.finish()

    def finish(self) -> None:
        """Write the values that have not been written."""
        if self._count:
            self._array[self._end : self._end + self._count] = np.concatenate(self._parts)
        self._end += self._count
        self._parts, self._count = [], 0


def _create_features(group: Any, layout: ArrayLayout) -> Any:
    chunk_rows = min(layout.count_block_rows(_CHUNK_BYTES), max(1, layout.rows))
    return group.create_array(
        FEATURES_NAME,
        shape=(layout.rows, layout.width),
        dtype=layout.dtype,
        chunks=(chunk_rows, layout.width),
        shards=(chunk_rows * _SHARD_CHUNKS, layout.width),
    )


def _create_column(group: Any, column: IndexColumn, rows: int) -> Any:
    types = {"integer": np.dtype("<i8"), "number": np.dtype("<f8"), "text": str}
    with warnings.catch_warnings():
        # Zarr 3 has no final specification of texts, and zarr warns of that.
        warnings.simplefilter("ignore")
        return group.create_array(
            column.name, shape=(rows,), dtype=types[column.kind], chunks=(min(_COLUMN_ROWS, max(1, rows)),)
        )


def _read_metadata(folder: Path) -> dict[str, Any]:
    """Return the metadata of an array; empty if they cannot be read, because any folder may be there."""
    file = folder / _METADATA_NAME
    try:
        if not file.is_file() or file.stat().st_size > _MAX_METADATA_BYTES:
            return {}
        data = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _import_zarr() -> ModuleType:
    try:
        return importlib.import_module("zarr")
    except ImportError as e:
        raise InstallError(
            f"zarr cannot be imported ({e}); install it with: pip install 'specfeat[zarr]'"
        ) from e


FORMAT = ZarrFormat()
