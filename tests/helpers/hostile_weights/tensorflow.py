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


@hostile("tflite", "has a list of 4,294,967,295 tensors, buffers or operators; wanted 20,000 or fewer")
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


@hostile("pb", "3000 unused (layer0/FusedBatchNorm/scale 1048576")
def a_million_ones_three_thousand_times(path: Path) -> None:
    """Each constant stores one number, and is the scale of a norm that may have no effect."""
    ones = encode_field(5, struct.pack("<f", 1.0))
    nodes = []
    for i in range(3000):
        name = f"layer{i}/FusedBatchNorm"
        norm = encode_field(1, name.encode()) + encode_field(2, b"FusedBatchNorm")
        norm += encode_field(3, b"x") + encode_field(3, f"{name}/scale".encode())
        nodes += [encode_constant(f"{name}/scale", [2**20], ones), encode_field(1, norm)]
    # One number that is not 1 at the end, so that no constant is without an effect.
    path.write_bytes(b"".join(nodes).replace(ones, ones[:-4] + struct.pack("<f", 2.0)))


@hostile("pb", "has more than 50,000 nodes; wanted fewer")
def nodes_without_end(path: Path) -> None:
    path.write_bytes(encode_field(1, b"") * 50_001)


@hostile("pb", "has more than 1,000,000 fields beside its arrays; wanted fewer")
def a_node_of_a_million_inputs(path: Path) -> None:
    path.write_bytes(encode_field(1, encode_field(3, b"") * 1_000_001))


@hostile("pb", "has more than 1,000,000 fields beside its arrays; wanted fewer")
def a_constant_of_a_million_numbers_one_by_one(path: Path) -> None:
    number = encode_varint(5 << 3 | 5) + struct.pack("<f", 1.0)
    path.write_bytes(encode_constant("row/kernel", [2**20], number * 500_000))


@hostile("pb", "has a constant of 100,000 axes; wanted 8 or fewer")
def a_constant_of_too_many_axes(path: Path) -> None:
    path.write_bytes(encode_constant("row/kernel", [2**40] * 100_000, b""))


@hostile("pb", "has more than 10,000 arrays; wanted fewer")
def constants_without_end(path: Path) -> None:
    path.write_bytes(
        b"".join(encode_constant(f"c{i}/kernel", [2], encode_field(4, bytes(8))) for i in range(10_001))
    )


@hostile("pb", "has a name of 5,000,000 bytes; wanted 1,000 or fewer")
def a_name_of_five_megabytes(path: Path) -> None:
    path.write_bytes(encode_constant("x" * 5_000_000, [2], encode_field(4, bytes(8))))
