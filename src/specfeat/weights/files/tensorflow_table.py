"""Checks the size of the table of a TensorFlow checkpoint, before TensorFlow reads it.

TensorFlow reads the whole table, and takes memory for the name and the shape of every array, without a limit.
A table of a few megabytes can have names of gigabytes, because an entry does not store the bytes at the
beginning of its key that are the same as in the previous key. The layout is that of LevelDB's tables
(https://github.com/google/leveldb, doc/table_format.md, and table/block_builder.cc for a block).
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from specfeat.errors import WeightsError
from specfeat.weights.files.limits import MAX_ARRAYS, MAX_NAME_BYTES, ArrayCounter
from specfeat.weights.files.memory_map import map_file
from specfeat.weights.files.protobuf import read_varint

TABLE_MAGIC = bytes.fromhex("57fb808b247547db")  # the last bytes of a table
MAX_VALUES_BYTES = 2**22  # size of the descriptions of all arrays; each has about 50 bytes
_FOOTER_BYTES = 48


def check_table(path: Path) -> None:
    """Check the table of a checkpoint.

    A file that is not a table is accepted here, because TensorFlow refuses it.

    Args:
        path: the `.index` file, or the only file of a checkpoint of version 1.

    Raises:
        WeightsError: there are too many arrays, their names are too long, or a block is compressed.
        ValueError: the table is damaged.
    """
    data = map_file(path)
    if len(data) < _FOOTER_BYTES or data[-len(TABLE_MAGIC) :] != TABLE_MAGIC:
        return
    arrays, values_bytes = ArrayCounter(), 0
    has_arrays_in_table = not path.name.endswith(".index")  # as in version 1
    for block in _iterate_blocks(data):
        for key, value in _iterate_entries(block):
            if key:
                arrays.add(key.decode(errors="replace"))
            if not key or not has_arrays_in_table:
                values_bytes += len(value)
            if values_bytes > MAX_VALUES_BYTES:
                raise WeightsError(
                    f"has more than {MAX_VALUES_BYTES:,} bytes that describe its arrays; wanted fewer"
                )


def _iterate_blocks(data: memoryview) -> Iterator[memoryview]:
    """Yield the blocks of entries. The index block, whose place is in the footer, lists them."""
    footer, position, handles = data[-_FOOTER_BYTES:], 0, []
    for _ in range(4):  # offset and size of the metadata block, then offset and size of the index block
        number, position = read_varint(footer, position)
        handles.append(number)
    for count, (_, handle) in enumerate(_iterate_entries(_get_block(data, *handles[2:]))):
        if count > MAX_ARRAYS:  # a block has at least one entry
            raise WeightsError(f"has more than {MAX_ARRAYS:,} blocks of arrays; wanted fewer")
        offset, position = read_varint(handle, 0)
        yield _get_block(data, offset, read_varint(handle, position)[0])


def _get_block(data: memoryview, offset: int, size: int) -> memoryview:
    if offset + size >= len(data):
        raise ValueError("a block ends after the end of the file")
    if data[offset + size]:  # the byte after a block is the type of compression
        raise WeightsError("has a compressed table, which TensorFlow does not write")
    return data[offset : offset + size]


def _iterate_entries(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the key and the value of each entry of a block.

    Raises:
        WeightsError: a key is too long.
        ValueError: an entry ends after the end of its block, or the list of starts of entries is wrong.
    """
    (start_count,) = struct.unpack_from("<I", block, len(block) - 4)
    end = len(block) - 4 * (start_count + 1)
    if end < 0:
        raise ValueError("a block lists more entries than it has bytes")
    starts, key, position = set(), b"", 0
    while position < end:
        start = position
        shared, position = read_varint(block, position)
        rest, position = read_varint(block, position)
        value_bytes, position = read_varint(block, position)
        if shared > len(key) or position + rest + value_bytes > end:
            raise ValueError("an entry ends after the end of its block")
        if shared + rest > MAX_NAME_BYTES:
            raise WeightsError(
                f"has an array whose name has {shared + rest:,} bytes; wanted {MAX_NAME_BYTES:,} or fewer"
            )
        if not shared:
            starts.add(start)
        key = key[:shared] + bytes(block[position : position + rest])
        position += rest
        yield key, block[position : position + value_bytes]
        position += value_bytes
    # TensorFlow's search starts at the listed places. A place inside an entry would give it entries that this
    # check has not seen.
    if not starts.union({0}).issuperset(struct.unpack_from(f"<{start_count}I", block, end)):
        raise ValueError("a listed entry begins inside another entry")
