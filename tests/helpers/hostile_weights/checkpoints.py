"""Checkpoints of TensorFlow whose tables have too many entries, or entries that are too large."""

import struct
from collections.abc import Iterable
from pathlib import Path

from helpers.hostile_weights.containers import encode_varint
from helpers.hostile_weights.registry import hostile
from specfeat.weights.files.tensorflow_table import TABLE_MAGIC

Entry = tuple[int, bytes, bytes]  # bytes shared with the previous key, the rest of the key, value


def encode_block(entries: Iterable[Entry], starts: tuple[int, ...] = (0,)) -> bytes:
    """Return a block, followed by its type of compression (none) and its checksum (wrong)."""
    parts = [
        b"".join(map(encode_varint, (shared, len(rest), len(value)))) + rest + value
        for shared, rest, value in entries
    ]
    return b"".join(parts) + struct.pack(f"<{len(starts) + 1}I", *starts, len(starts)) + bytes(5)


def write_table(path: Path, block: bytes, repetitions: int = 1) -> None:
    """Write a checkpoint whose table lists one block, perhaps several times."""
    handle = encode_varint(0) + encode_varint(len(block) - 5)
    index = encode_block([(0, b"z", handle)] * repetitions)
    index_handle = encode_varint(len(block)) + encode_varint(len(index) - 5)
    footer = (encode_varint(0) * 2 + index_handle).ljust(40, b"\0") + TABLE_MAGIC
    path.write_bytes(block + index + footer)
    path.with_suffix(".data-00000-of-00001").write_bytes(b"")


@hostile("index", "has more than 10,000 arrays; wanted fewer")
def checkpoint_of_arrays_without_end(path: Path) -> None:
    write_table(path, encode_block((0, b"%d" % i, b"") for i in range(10_001)))


@hostile("index", "has an array whose name has 60,000 bytes")
def checkpoint_with_a_name_of_60_kilobytes(path: Path) -> None:
    write_table(path, encode_block([(0, b"x" * 60_000, b"")]))


@hostile("index", "has an array whose name has 1,001 bytes")
def checkpoint_whose_names_grow(path: Path) -> None:
    """Each name is the previous one and one byte more, which takes five bytes in the file."""
    write_table(path, encode_block([(0, b"x", b""), *((i, b"x", b"") for i in range(1, 5_000))]))


@hostile("index", "has more than 10,000 arrays; wanted fewer")
def checkpoint_that_lists_one_block_again_and_again(path: Path) -> None:
    write_table(path, encode_block((0, b"%d" % i, b"") for i in range(1_000)), 11)


@hostile("index", "has more than 10,000 blocks of arrays; wanted fewer")
def checkpoint_of_empty_blocks_without_end(path: Path) -> None:
    write_table(path, encode_block([]), 10_002)


@hostile("index", "has more than 4,194,304 bytes that describe its arrays; wanted fewer")
def checkpoint_with_shapes_of_megabytes(path: Path) -> None:
    write_table(path, encode_block([(0, b"a", b"\x12\x00" * (2**21 + 1))]))


@hostile("index", "has a compressed table, which TensorFlow does not write")
def checkpoint_that_is_compressed(path: Path) -> None:
    block = bytearray(encode_block([(0, b"a", b"")]))
    block[-5] = 1  # Snappy
    write_table(path, bytes(block))


@hostile("index", "the weights cannot be read: the file is damaged (ValueError)")
def checkpoint_that_can_be_read_in_two_ways(path: Path) -> None:
    """Reading may start within the first entry, where other entries are hidden."""
    hidden = encode_varint(0) + encode_varint(1) + encode_varint(0) + b"y"
    write_table(path, encode_block([(0, b"a", hidden)], (0, 4)))
