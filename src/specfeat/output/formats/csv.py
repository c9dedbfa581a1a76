"""The CSV format: the columns of the index, and then a column for each feature.

The columns of the features have the names that the config gives, or else the names `f0`, `f1`, ...

All texts are in quotes, so that line breaks in names cannot be taken for the ends of lines. A number that is
missing is empty.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TextIO

from specfeat.output.feature_columns import make_numbered_names
from specfeat.output.feature_table import ArrayLayout, TableBlock
from specfeat.output.index_reader import IndexColumn
from specfeat.output.text_format import TextFormat


class CsvFormat(TextFormat):
    """CSV in UTF-8 with a header; lines end with a line feed."""

    magic = b'"row",'

    def format_header(self, columns: tuple[IndexColumn, ...], layout: ArrayLayout) -> str:
        """See `TextFormat`."""
        names = [column.name for column in columns]
        names += _list_feature_columns(names, layout)
        return ",".join(map(_format_value, names)) + "\n"

    def format_block(self, block: TableBlock, layout: ArrayLayout) -> Iterator[str]:
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

    def has_features(self, front: str, layout: ArrayLayout) -> bool:
        """See `TextFormat`."""
        try:
            names = next(csv.reader(io.StringIO(front)), [])
        except csv.Error:
            return False
        index_columns, feature_columns = names[: -layout.width], names[-layout.width :]
        numbered_names = [*make_numbered_names(layout.width)]
        return feature_columns in (numbered_names, _list_feature_columns(index_columns, layout))


def _list_feature_columns(index_columns: Sequence[str], layout: ArrayLayout) -> list[str]:
    """Return the names of the columns with features.

    An underscore is appended to a name that another column has already, e.g. to the class "path".
    """
    names: list[str] = []
    taken_names = {*index_columns}
    for name in layout.feature_names or make_numbered_names(layout.width):
        while name in taken_names:
            name += "_"
        taken_names.add(name)
        names.append(name)
    return names


def _format_value(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return "" if value != value else repr(value)  # NaN: the index has no value here


FORMAT = CsvFormat()
