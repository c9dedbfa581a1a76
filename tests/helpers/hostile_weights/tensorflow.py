"""TFLite files and frozen graphs: offsets, sizes and messages that lead out of the file."""

import struct
from pathlib import Path

from helpers.hostile_weights.containers import encode_constant, encode_field, encode_varint
from helpers.hostile_weights.registry import hostile
from helpers.weights_files import make_arrays


@hostile("tflite", "the weights cannot be read: the file is damaged")
def offsets_out_of_the_file(path: Path) -> None:
    path.write_bytes(b"\xf0\xff\xff\x7fTFL3" + bytes(64))


@hostile("tflite", "the weights cannot be read: the file is damaged")
def a_layout_before_the_file(path: Path) -> None:
    path.write_bytes(b"\x08\x00\x00\x00TFL3" + struct.pack("<i", 2**30) + bytes(64))


@hostile("tflite", "the weights cannot be read: the file is damaged")
def a_list_of_four_billion_tables(path: Path) -> None:
    layout = struct.pack("<HHHHHHH", 14, 8, 0, 0, 4, 0, 4)  # fields 2 and 4 at +4
    table = struct.pack("<iI", 14 + 2, 4)  # the layout lies before it; the list right after it
    path.write_bytes(
        b"\x18\x00\x00\x00TFL3" + layout + bytes(2) + table + struct.pack("<I", 2**32 - 1) + bytes(32)
    )


@hostile("pb", "1 of another shape (row/kernel 1099511627776 for row/kernel 200 x 7)")
def a_constant_that_repeats_one_value_for_terabytes(path: Path) -> None:
    path.write_bytes(encode_constant("row/kernel", [2**40], encode_field(5, struct.pack("<f", 1.0))))


@hostile("pb", "has a constant of 4 bytes for 1,400 numbers")
def a_constant_of_too_few_bytes(path: Path) -> None:
    arrays = make_arrays()
    path.write_bytes(
        b"".join(
            encode_constant(
                name, list(array.shape), encode_field(4, b"1234" if name == "row/kernel" else array.tobytes())
            )
            for name, array in arrays.items()
        )
    )


@hostile("pb", "has a constant without a fixed shape")
def a_constant_of_minus_one(path: Path) -> None:
    path.write_bytes(encode_constant("row/kernel", [2**64 - 1], b""))


@hostile("pb", "the weights cannot be read: the file is damaged")
def a_message_longer_than_the_file(path: Path) -> None:
    path.write_bytes(b"\n" + encode_varint(2**40) + b"short")


@hostile("pb", "the weights cannot be read: the file is damaged")
def a_number_without_end(path: Path) -> None:
    path.write_bytes(b"\n" + b"\xff" * 100)
