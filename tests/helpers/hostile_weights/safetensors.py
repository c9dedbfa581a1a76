"""Safetensors files: headers that lie."""

import json
from pathlib import Path

from helpers.hostile_weights.containers import make_header_entry, write_header
from helpers.hostile_weights.registry import hostile


@hostile("safetensors", "declares a header of 4,000,000,000 bytes")
def header_longer_than_the_file(path: Path) -> None:
    write_header(path, {"a": make_header_entry(0, 4, [1])}, bytes(4), 4_000_000_000)


@hostile("safetensors", "declares a header of 8,388,610 bytes")
def header_of_eight_megabytes(path: Path) -> None:
    write_header(path, b"{" + b" " * 2**23 + b"}")


@hostile("safetensors", "has a header of too many levels")
def header_of_levels(path: Path) -> None:
    write_header(path, b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


@hostile("safetensors", "has a name twice in its header")
def header_with_a_name_twice(path: Path) -> None:
    entry = json.dumps(make_header_entry(0, 4, [1]))
    write_header(path, f'{{"a": {entry}, "a": {entry}}}'.encode(), bytes(4))


@hostile("safetensors", "b begins at 0 in place of 4; arrays overlap or leave gaps")
def arrays_that_overlap(path: Path) -> None:
    write_header(path, {"a": make_header_entry(0, 4, [1]), "b": make_header_entry(0, 4, [1])}, bytes(4))


@hostile("safetensors", "b begins at 8 in place of 4; arrays overlap or leave gaps")
def arrays_with_gaps(path: Path) -> None:
    write_header(path, {"a": make_header_entry(0, 4, [1]), "b": make_header_entry(8, 12, [1])}, bytes(12))


@hostile("safetensors", "has 2 bytes of arrays; its header declares 4")
def arrays_beyond_the_end(path: Path) -> None:
    write_header(path, {"a": make_header_entry(0, 4, [1])}, bytes(2))


@hostile("safetensors", "a has 100,000 axes; wanted 8 or fewer")
def a_shape_of_too_many_axes(path: Path) -> None:
    write_header(path, {"a": make_header_entry(0, 4, [1] * 100_000)}, bytes(4))


@hostile("safetensors", "a takes 4 bytes, which is not what its shape needs")
def a_shape_that_lies(path: Path) -> None:
    write_header(path, {"a": make_header_entry(0, 4, [2**40])}, bytes(4))


@hostile("safetensors", "a has a size or an offset that is not a whole number in range")
def a_shape_below_zero(path: Path) -> None:
    write_header(path, {"a": make_header_entry(0, 4, [-1, -1])}, bytes(4))


@hostile("safetensors", "a is of the type 'PICKLE'")
def another_type(path: Path) -> None:
    write_header(path, {"a": make_header_entry(0, 4, [1], "PICKLE")}, bytes(4))


@hostile("safetensors", "the weights cannot be read: the file is damaged")
def entries_that_are_not_mappings(path: Path) -> None:
    write_header(path, {"a": [1, 2, 3]})


@hostile("safetensors", "has more than 10,000 arrays; wanted fewer")
def arrays_without_end(path: Path) -> None:
    entries = {f"a{i}": make_header_entry(4 * i, 4 * i + 4, [1]) for i in range(10_001)}
    write_header(path, entries, bytes(4 * len(entries)))


@hostile("safetensors", "has an array whose name has 1,000,000 bytes")
def a_name_of_a_megabyte(path: Path) -> None:
    write_header(path, {"x/" * 500_000: make_header_entry(0, 4, [1])}, bytes(4))


@hostile("safetensors", "has an array whose name has more than 64 parts")
def a_name_of_many_parts(path: Path) -> None:
    write_header(path, {"x/" * 100: make_header_entry(0, 4, [1])}, bytes(4))
