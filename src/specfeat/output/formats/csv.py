"""The CSV format: the columns of the index, and then a column for each feature: `f0`, `f1`, ...

All texts are in quotes, so that line breaks in names cannot be taken for the ends of lines. A number that is
missing is empty.
"""

import csv
import re
from collections.abc import Iterator
from typing import TextIO

from specfeat.output.feature_table import TableBlock
from specfeat.output.index_reader import IndexColumn
from specfeat.output.text_format import TextFormat


class CsvFormat(TextFormat):
    """CSV in UTF-8 with a header; lines end with a line feed."""

    magic = b'"row",'

    def format_header(self, columns: tuple[IndexColumn, ...], width: int) -> str:
        """See `TextFormat`."""
        names = [column.name for column in columns] + [f"f{k}" for k in range(width)]
        return ",".join(map(_format_value, names)) + "\n"

    def format_block(self, block: TableBlock) -> Iterator[str]:
        """See `TextFormat`."""
        lines = zip(*block.columns.values(), strict=True)
        for line, features in zip(lines, block.rows, strict=True):
            yield ",".join([*map(_format_value, line), *map(str, features)]) + "\n"

    def parse_lines(self, file: TextIO, width: int) -> Iterator[list[float]]:
        """See `TextFormat`."""
        lines = csv.reader(file)
        next(lines, None)  # the header
        for line in lines:
            yield [*map(float, line[-width:])]

    def has_width(self, front: str, width: int) -> bool:
        """See `TextFormat`."""
        header = front.partition("\n")[0]
        return re.findall('"f([0-9]+)"', header)[-1:] == [str(width - 1)]


def _format_value(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return "" if value != value else repr(value)  # NaN: the index has no value here


FORMAT = CsvFormat()
