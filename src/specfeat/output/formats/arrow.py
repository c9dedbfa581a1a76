"""The file format of Apache Arrow (also called Feather 2): the same table as Parquet, and not compressed.

A program can map such a file into memory instead of reading it. The description of the format:
https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
"""

from collections.abc import Iterator
from pathlib import Path

from specfeat.files import wrap_os_errors
from specfeat.output.arrow_tables import (
    import_pyarrow,
    is_schema_of,
    make_batch,
    make_schema,
    read_batch_rows,
)
from specfeat.output.feature_table import ArrayLayout, FeatureTable, Rows
from specfeat.output.formats import OutputFormat


class ArrowFormat(OutputFormat):
    """The Arrow IPC file format, written and read by pyarrow."""

    magic = b"ARROW1\0\0"
    package = "pyarrow"
    extra = "parquet"

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        ipc = import_pyarrow("pyarrow.ipc")
        schema = make_schema(table)
        with wrap_os_errors(path), path.open("wb") as file, ipc.new_file(file, schema) as writer:
            for block in table.read_blocks():
                writer.write_batch(make_batch(block, schema))

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`; the number of rows is not known without reading the heads of all batches."""
        pa, ipc = import_pyarrow(), import_pyarrow("pyarrow.ipc")
        try:
            with wrap_os_errors(path, "read"), path.open("rb") as file:
                return is_schema_of(ipc.open_file(file).schema, layout)
        except pa.ArrowException:
            return False

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        ipc = import_pyarrow("pyarrow.ipc")
        with path.open("rb") as source, ipc.open_file(source) as file:
            batches = (file.get_batch(k) for k in range(file.num_record_batches))
            yield from read_batch_rows(batches, layout)


FORMAT = ArrowFormat()
