"""TFLite files of a few megabytes in which thousands of tables refer to one long list."""

import struct
from collections.abc import Sequence
from pathlib import Path

from helpers.hostile_weights.registry import hostile

CONV_2D = 3  # TFLite's number of the operator


class FlatbufferWriter:
    """Writes tables whose fields all have four bytes; references are set when what they lead to is there."""

    def __init__(self) -> None:
        self.data = bytearray(b"\0\0\0\0TFL3")

    def add_table(self, numbers: dict[int, int]) -> int:
        """Write a table with these fields, and return its offset; a field that is to be a reference is 0."""
        self._align()
        count = max(numbers, default=-1) + 1
        offsets = [4 + 4 * field if field in numbers else 0 for field in range(count)]
        layout = struct.pack(f"<{2 + count}H", 4 + 2 * count, 4 + 4 * count, *offsets)
        layout_start = len(self.data)
        self.data += layout
        self._align()
        start = len(self.data)
        values = [numbers.get(field, 0) for field in range(count)]
        self.data += struct.pack(f"<i{count}I", start - layout_start, *values)
        return start

    def add_vector(self, content: bytes, length: int) -> int:
        """Write a vector, and return its offset."""
        self._align()
        self.data += struct.pack("<I", length) + content
        return len(self.data) - 4 - len(content)

    def set_reference(self, table: int, field: int, target: int) -> None:
        """Let a field of a table lead to an offset behind it."""
        position = table + 4 + 4 * field
        struct.pack_into("<I", self.data, position, target - position)

    def add_tables(self, parent: int, field: int, tables: Sequence[dict[int, int]]) -> list[int]:
        """Write a vector of tables as a field of a table, and return the tables' offsets."""
        vector = self.add_vector(bytes(4 * len(tables)), len(tables))
        self.set_reference(parent, field, vector)
        offsets = [self.add_table(numbers) for numbers in tables]
        for i, offset in enumerate(offsets):
            position = vector + 4 + 4 * i
            struct.pack_into("<I", self.data, position, offset - position)
        return offsets

    def _align(self) -> None:
        self.data += bytes(-len(self.data) % 4)


def write_tflite(
    path: Path, tensors: Sequence[tuple[Sequence[int], int]], operator_count: int, inputs: Sequence[int]
) -> None:
    """Write a TFLite file of convolutions that all refer to one list of inputs.

    Args:
        path: the file to write.
        tensors: shape and buffer of each tensor: buffer 0 is empty, buffer 1 has four bytes, and buffer 2 four
            megabytes. Tensors of one shape refer to one list of sizes.
        operator_count: how many convolutions there are.
        inputs: the numbers of the tensors that each of them reads.
    """
    writer = FlatbufferWriter()
    root = writer.add_table({1: 0, 2: 0, 4: 0})
    struct.pack_into("<I", writer.data, 0, root)
    writer.add_tables(root, 1, [{0: CONV_2D, 3: CONV_2D}])
    buffers = writer.add_tables(root, 4, [{}, {0: 0}, {0: 0}])
    for buffer, content in zip(buffers[1:], (bytes(4), bytes(2**22)), strict=True):
        writer.set_reference(buffer, 0, writer.add_vector(content, len(content)))
    (graph,) = writer.add_tables(root, 2, [{0: 0, 3: 0}])
    tables = writer.add_tables(graph, 0, [{0: 0, 1: 0, 2: buffer, 3: 0} for _, buffer in tensors])
    operators = writer.add_tables(graph, 3, [{0: 0, 1: 0}] * operator_count)
    vectors: dict[
        int, int
    ] = {}  # by the identity of the shape, which is quicker to compare than a million sizes
    name = writer.add_vector(b"t" * 900, 900)
    for table, (shape, _) in zip(tables, tensors, strict=True):
        if id(shape) not in vectors:
            vectors[id(shape)] = writer.add_vector(struct.pack(f"<{len(shape)}i", *shape), len(shape))
        writer.set_reference(table, 0, vectors[id(shape)])
        writer.set_reference(table, 3, name)
    input_vector = writer.add_vector(struct.pack(f"<{len(inputs)}i", *inputs), len(inputs))
    for operator in operators:
        writer.set_reference(operator, 1, input_vector)
    path.write_bytes(writer.data)


@hostile("tflite", "has a list of 20,001 tensors, buffers or operators; wanted 20,000 or fewer")
def too_many_operators(path: Path) -> None:
    write_tflite(path, [], 20_001, [])


@hostile("tflite", "5000 unused (conv2d_1/kernel 1 x 1 x 1 x 1")
def operators_with_one_list_of_a_million_inputs(path: Path) -> None:
    write_tflite(path, [((1, 1, 1, 1), 1)], 5000, [-1, 0] + [-1] * 1_000_000)


@hostile("tflite", "has no data or no valid shape")
def tensors_with_one_shape_of_a_million_sizes(path: Path) -> None:
    write_tflite(path, [([1] * 1_000_000, 1)] * 5000, 0, [])


@hostile("tflite", "9992 unused (conv2d_1/kernel 1 x 1 x 1 x 1")
def operators_with_one_bias_of_a_million_zeros(path: Path) -> None:
    write_tflite(path, [((1, 1, 1, 1), 1), ((2**20,), 2)], 5000, [-1, 0, 1])


@hostile("tflite", "has more than 10,000 arrays; wanted fewer")
def tensors_with_one_name_of_a_thousand_letters(path: Path) -> None:
    write_tflite(path, [((1, 1, 1, 1), 1)] * 20_000, 15_000, [-1, 0, 1])
