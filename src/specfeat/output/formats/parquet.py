"""The Parquet format: a table with the columns of the index, and a column `features` of lists of fixed size.

The description of the format: https://parquet.apache.org/docs/
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
from specfeat.output.feature_table import FEATURES_NAME, ArrayLayout, FeatureTable, Rows
from specfeat.output.formats import OutputFormat

# The features in one row group. pyarrow needs about three times as much memory to write it.
_GROUP_BYTES = 2**24
_READ_BYTES = 2**22


class ParquetFormat(OutputFormat):
    """The Parquet format, written and read by pyarrow."""

    magic = b"PAR1"
    package = "pyarrow"
    extra = "parquet"

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        pa, parquet = import_pyarrow(), import_pyarrow("pyarrow.parquet")
        schema = make_schema(table)
        # A dictionary is for text that repeats. For features, it made writing about 1.5 times as slow.
        text_columns = [column.name for column in table.columns if column.kind == "text"]
        group_rows = table.layout.count_block_rows(_GROUP_BYTES)
        with (
            wrap_os_errors(path),
            parquet.ParquetWriter(
                path,
                schema,
                compression="zstd",
                use_dictionary=text_columns,
                write_statistics=[column.name for column in table.columns],
            ) as writer,
        ):
            batches: list[object] = []
            count = 0
            for block in table.read_blocks():
                batches.append(make_batch(block, schema))
                count += len(block.rows)
                if count >= group_rows:
                    writer.write_table(pa.Table.from_batches(batches), row_group_size=count)
                    batches, count = [], 0
            if batches:
                writer.write_table(pa.Table.from_batches(batches), row_group_size=count)

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`."""
        pa, parquet = import_pyarrow(), import_pyarrow("pyarrow.parquet")
        try:
            with wrap_os_errors(path, "read"), path.open("rb") as source, parquet.ParquetFile(source) as file:
                return file.metadata.num_rows == layout.rows and is_schema_of(file.schema_arrow, layout)
        except pa.ArrowException:
            return False

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        parquet = import_pyarrow("pyarrow.parquet")
        with parquet.ParquetFile(path) as file:
            batch_rows = layout.count_block_rows(_READ_BYTES)
            yield from read_batch_rows(file.iter_batches(batch_rows, columns=[FEATURES_NAME]), layout)


FORMAT = ParquetFormat()
