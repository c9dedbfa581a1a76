"""Encodes rows as messages `tf.train.Example`, without TensorFlow.

The messages are described in https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/example/ in
`example.proto` and `feature.proto`, their encoding in https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Iterator, Sequence

import numpy as np

from specfeat.output.feature_table import FEATURES_NAME, TableBlock
from specfeat.output.index_reader import ColumnKind, IndexColumn

# The number of the field of `Feature` for each kind of value, which is the type of the list of its values.
_FIELDS: dict[ColumnKind, int] = {"text": 1, "number": 2, "integer": 3}


def encode_examples(block: TableBlock, columns: Sequence[IndexColumn]) -> Iterator[bytes]:
    """Yield each row of a block as an `Example`: the columns of the index, and then the features.

    Args:
        block: the rows; their features are float32.
        columns: the columns of the index.
    """
    start = encode_features_start(block.rows.shape[1])
    rows = np.ascontiguousarray(block.rows, "<f4")
    lines = zip(*(block.columns[column.name] for column in columns), strict=True)
    for line, row in zip(lines, rows, strict=True):
        features = [_encode_column(column, value) for column, value in zip(columns, line, strict=True)]
        yield _encode_field(1, b"".join([*features, start, row.tobytes()]))


def encode_features_start(width: int) -> bytes:
    """Return the bytes of an `Example` directly before the values of the features, which are its end.

    Args:
        width: features in a row.
    """
    values = bytes(4 * width)
    return _encode_feature(FEATURES_NAME, "number", _encode_field(1, values))[: -len(values)]


def _encode_column(column: IndexColumn, value: object) -> bytes:
    return _encode_feature(column.name, column.kind, _encode_list(column.kind, value))


def _encode_list(kind: ColumnKind, value: object) -> bytes:
    """Return a `BytesList`, `FloatList` or `Int64List` with one value."""
    if isinstance(value, str):
        return _encode_field(1, value.encode())
    if isinstance(value, int) and kind == "integer":
        return _encode_field(1, _encode_integer(value))
    return _encode_field(1, struct.pack("<f", value))


def _encode_feature(name: str, kind: ColumnKind, values: bytes) -> bytes:
    """Return one entry of the map in `Features`."""
    entry = _encode_field(1, name.encode()) + _encode_field(2, _encode_field(_FIELDS[kind], values))
    return _encode_field(1, entry)


def _encode_field(number: int, data: bytes) -> bytes:
    """Return a field of a message whose value has a length: a text, packed numbers or another message."""
    return bytes([number << 3 | 2]) + _encode_integer(len(data)) + data


def _encode_integer(value: int) -> bytes:
    """Return an integer of at least 0 as a varint: seven bits in each byte, the lowest ones first."""
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
