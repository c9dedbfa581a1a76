"""The TFRecord format of TensorFlow: one `tf.train.Example` for each row.

The columns of the index and `features` are the features of an example. TensorFlow has no float64 here, so the
times are rounded to float32; the index has their exact values. TensorFlow is not needed to write the file.

A record is the length of its data, a checksum of the length, the data, and a checksum of the data; see
https://www.tensorflow.org/tutorials/load_data/tfrecord
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from specfeat.file_access import open_regular_file
from specfeat.files import read_size, wrap_os_errors
from specfeat.output.crc32c import compute_checksums
from specfeat.output.feature_table import ArrayLayout, FeatureTable, Rows
from specfeat.output.formats import OutputFormat
from specfeat.output.tensorflow_examples import encode_examples, encode_features_start

_READ_BYTES = 2**22
_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
_MASK_CONSTANT = np.uint32(0xA282EAD8)  # from tensorflow/core/lib/hash/crc32c.h


class TfrecordFormat(OutputFormat):
    """Records without compression."""

    magic = b""  # a record begins with its length
    dtypes = ("float32",)

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        with wrap_os_errors(path), open_regular_file(path, "wb") as file:
            for block in table.read_blocks():
                file.writelines(_make_records([*encode_examples(block, table.columns)]))

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`; only the first record is read."""
        start = encode_features_start(layout.width)
        with wrap_os_errors(path, "read"), open_regular_file(path) as file:
            header = file.read(_LENGTH.size + _CHECKSUM.size)
            if not header:
                return not layout.rows
            if len(header) < _LENGTH.size + _CHECKSUM.size:
                return False
            length_bytes, checksum = header[: _LENGTH.size], header[_LENGTH.size :]
            (length,) = _LENGTH.unpack(length_bytes)
            features_bytes = len(start) + layout.row_bytes
            is_record = _mask(compute_checksums([length_bytes]))[0] == _CHECKSUM.unpack(checksum)[0]
            if not is_record or not features_bytes <= length < read_size(path) - len(header):
                return False
            file.seek(len(header) + length - features_bytes)
            return file.read(len(start)) == start

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        block_rows = layout.count_block_rows(_READ_BYTES)
        with open_regular_file(path) as file:
            for first in range(0, layout.rows, block_rows):
                count = min(block_rows, layout.rows - first)
                data = b"".join(_read_record_end(file, layout.row_bytes) for _ in range(count))
                yield np.frombuffer(data, "<f4").reshape(count, layout.width)


def _make_records(examples: Sequence[bytes]) -> Iterator[bytes]:
    lengths = [_LENGTH.pack(len(example)) for example in examples]
    length_checksums, data_checksums = _mask(compute_checksums(lengths)), _mask(compute_checksums(examples))
    for k, example in enumerate(examples):
        yield lengths[k] + length_checksums[k].tobytes() + example + data_checksums[k].tobytes()


def _mask(checksums: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the checksums as a file has them: rotated by 15 bits, plus a constant."""
    rotated = checksums >> np.uint32(15) | checksums << np.uint32(17)
    return (rotated + _MASK_CONSTANT).astype("<u4")


def _read_record_end(file: BinaryIO, count: int) -> bytes:
    """Read the next record, and return the last bytes of its data.

    Raises:
        RuntimeError: the file ends before the record does.
    """
    header = file.read(_LENGTH.size + _CHECKSUM.size)
    if len(header) == _LENGTH.size + _CHECKSUM.size:
        (length,) = _LENGTH.unpack(header[: _LENGTH.size])
        data = file.read(length + _CHECKSUM.size)
        if count <= length == len(data) - _CHECKSUM.size:
            return data[length - count : length]
    raise RuntimeError(f"{file.name}: ends before its last row")


FORMAT = TfrecordFormat()
