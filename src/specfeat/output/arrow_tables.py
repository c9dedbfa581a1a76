"""Makes tables of Apache Arrow, for the formats that pyarrow writes. Only this module imports pyarrow."""

import importlib
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from specfeat.errors import InstallError
from specfeat.output.feature_table import (
    FEATURE_NAMES_NAME,
    FEATURES_NAME,
    ArrayLayout,
    FeatureTable,
    Rows,
    TableBlock,
)

_TYPE_NAMES = {"integer": "int64", "number": "float64", "text": "string"}


def import_pyarrow(module: str = "pyarrow") -> ModuleType:
    """Import a module of pyarrow, which takes some tenths of a second.

    Raises:
        InstallError: pyarrow cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as e:
        raise InstallError(
            f"pyarrow cannot be imported ({e}); install it with: pip install 'specfeat[parquet]'"
        ) from e


def make_schema(table: FeatureTable) -> Any:
    """Return the Arrow schema of a table: the columns of the index, and then `features`.

    The features of a row are a list of fixed size. Neither the list nor its elements can be null. Without
    this declaration, reading a Parquet file took about twice as long. The names of the features, if they have
    names, are a list in JSON in the metadata of the schema.
    """
    pa = import_pyarrow()
    fields = [
        pa.field(column.name, getattr(pa, _TYPE_NAMES[column.kind])(), nullable=False)
        for column in table.columns
    ]
    features = pa.field(FEATURES_NAME, _make_features_type(table.layout), nullable=False)
    metadata = dict(table.metadata)
    if table.layout.feature_names:
        metadata[FEATURE_NAMES_NAME] = json.dumps(table.layout.feature_names)
    return pa.schema([*fields, features], metadata=metadata)


def make_batch(block: TableBlock, schema: Any) -> Any:
    """Return some rows of a table as an Arrow record batch."""
    pa = import_pyarrow()
    values = pa.array(np.ascontiguousarray(block.rows).ravel())
    features = pa.FixedSizeListArray.from_arrays(values, type=schema.field(FEATURES_NAME).type)
    columns = [pa.array(block.columns[name], schema.field(name).type) for name in schema.names[:-1]]
    return pa.RecordBatch.from_arrays([*columns, features], schema=schema)


def is_schema_of(schema: Any, layout: ArrayLayout) -> bool:
    """Return whether the features in a file with this schema have the width and the type of a layout."""
    if FEATURES_NAME not in schema.names:
        return False
    return bool(schema.field(FEATURES_NAME).type == _make_features_type(layout))


def read_batch_rows(batches: Iterator[Any], layout: ArrayLayout) -> Iterator[Rows]:
    """Yield the features of record batches.

    Raises:
        RuntimeError: they have another number of rows than the layout.
    """
    count = 0
    for batch in batches:
        column = batch.column(batch.schema.get_field_index(FEATURES_NAME))
        rows = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, layout.width)
        count += len(rows)
        yield rows
    if count != layout.rows:
        raise RuntimeError(f"the file has {count} rows, and its record says {layout.rows}")


def _make_features_type(layout: ArrayLayout) -> Any:
    pa = import_pyarrow()
    element = pa.field("element", pa.from_numpy_dtype(layout.dtype), nullable=False)
    return pa.list_(element, layout.width)
