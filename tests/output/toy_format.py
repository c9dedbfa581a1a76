"""A toy format of arrays, to show that one new file is all that a format needs: numbers as text."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from specfeat.output.feature_table import ArrayLayout, FeatureTable, Rows
from specfeat.output.formats import OutputFormat


class ToyFormat(OutputFormat):
    """One line with the shape, and one for each row, in hexadecimal so that no bit is lost."""

    magic = b"toy "

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """Write the array."""
        with path.open("w") as file:
            print("toy", table.layout.rows, table.layout.width, file=file)
            for rows in table.read_rows():
                for row in rows:
                    print(*(float(value).hex() for value in row), file=file)

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """Compare the first line."""
        return path.read_text().startswith(f"toy {layout.rows} {layout.width}\n")

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """Yield rows one by one."""
        for line in path.read_text().splitlines()[1:]:
            yield np.array([[float.fromhex(text) for text in line.split()]], layout.dtype)


FORMAT = ToyFormat()
