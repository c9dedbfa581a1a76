"""The JSON Lines format: for each row one JSON object with the columns of the index, and `features`.

`features` is a list. If the config gives the features names, it is an object with these names.

JSON has no NaN and no infinity. NaN becomes null, and infinity becomes the text "inf" or "-inf".
"""

import json
from collections.abc import Iterator
from operator import add
from typing import TextIO

from specfeat.output.feature_table import FEATURES_NAME, ArrayLayout, TableBlock
from specfeat.output.index_reader import IndexColumn
from specfeat.output.text_format import TextFormat

_OTHER_VALUES = {"nan": "null", "inf": '"inf"', "-inf": '"-inf"'}


class JsonlFormat(TextFormat):
    """JSON Lines in UTF-8."""

    magic = b'{"row": '

    def format_header(self, columns: tuple[IndexColumn, ...], layout: ArrayLayout) -> str:
        """See `TextFormat`: there is none."""
        return ""

    def format_block(self, block: TableBlock, layout: ArrayLayout) -> Iterator[str]:
        """See `TextFormat`."""
        starts = [f"{json.dumps(name, ensure_ascii=False)}: " for name in layout.feature_names]
        opening, closing = "{}" if starts else "[]"
        names = [json.dumps(name, ensure_ascii=False) for name in block.columns]
        lines = zip(*block.columns.values(), strict=True)
        for line, features in zip(lines, block.rows, strict=True):
            pairs = [f"{name}: {_format_value(value)}" for name, value in zip(names, line, strict=True)]
            numbers = [_OTHER_VALUES.get(text, text) for text in map(str, features)]
            if starts:
                numbers = [*map(add, starts, numbers)]
            values = f"{opening}{', '.join(numbers)}{closing}"
            yield f"{{{', '.join([*pairs, f'{json.dumps(FEATURES_NAME)}: {values}'])}}}\n"

    def parse_lines(self, file: TextIO, width: int) -> Iterator[list[float]]:
        """See `TextFormat`."""
        for line in file:
            features = json.loads(line)[FEATURES_NAME]
            values = features.values() if isinstance(features, dict) else features
            yield [float("nan") if value is None else float(value) for value in values]

    def has_features(self, front: str, layout: ArrayLayout) -> bool:
        """See `TextFormat`."""
        line, _, rest = front.partition("\n")
        if not rest and not front.endswith("\n"):
            return False
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            return False
        features = data.get(FEATURES_NAME) if isinstance(data, dict) else None
        if isinstance(features, dict):
            return bool(features) and (*features,) == layout.feature_names
        return isinstance(features, list) and len(features) == layout.width


def _format_value(value: object) -> str:
    return "null" if value != value else json.dumps(value, ensure_ascii=False)


FORMAT = JsonlFormat()
