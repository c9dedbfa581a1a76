"""Reads the tables of a FlatBuffers file in place, without a schema.

The layout is that of "FlatBuffers internals" in the FlatBuffers documentation: a table begins with the
distance back to its vtable; the vtable has its own size, the table's size, and then for each field the
distance from the start of the table to the field, or 0 if the field is not set.

The `flatbuffers` library cannot replace this module, for two reasons: its tables do not check that bytes and
texts end within the file, and a schema of TFLite for it exists only in TensorFlow.

Every method may raise `struct.error` or `ValueError` for an offset that leads out of the file.
"""

import struct
from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError

MAX_TABLES = 20_000  # in one list of tables; networks have a few thousand operators and tensors
# The length of a name in bytes. Many tables may refer to one name, and each of them makes a copy.
MAX_TEXT_BYTES = 1000


class FlatbufferTable:
    """One table of the file. Its fields have the numbers of the schema, and each field may be missing.

    Args:
        data: the whole file.
        start: the offset of the table in the file, in bytes.
    """

    def __init__(self, data: memoryview, start: int) -> None:
        self._data, self._start = data, start
        self._vtable = start - struct.unpack_from("<i", data, start)[0]
        if self._vtable < 0:  # struct would count this offset from the end of the file
            raise ValueError("a table's layout lies before the start of the file")
        self._vtable_size: int = struct.unpack_from("<H", data, self._vtable)[0]

    @classmethod
    def read_root(cls, data: memoryview) -> Self:
        """Return the table that the first offset of the file leads to."""
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def _find_field(self, field: int) -> int | None:
        entry = 4 + 2 * field
        if entry + 2 > self._vtable_size:  # the file was written with an older schema
            return None
        offset: int = struct.unpack_from("<H", self._data, self._vtable + entry)[0]
        return self._start + offset if offset else None

    def _follow_field(self, field: int) -> int | None:
        position = self._find_field(field)
        return None if position is None else position + struct.unpack_from("<I", self._data, position)[0]

    def _find_vector(self, field: int) -> tuple[int, int]:
        """Return the offset of a vector's first element, and the number of elements."""
        position = self._follow_field(field)
        if position is None:
            return 0, 0
        return position + 4, struct.unpack_from("<I", self._data, position)[0]

    def read_number(self, field: int, kind: str, default: int = 0) -> int:
        """Return a field that is a number.

        Args:
            field: the number of the field.
            kind: the type in `struct`'s letters, e.g. "I" for an unsigned integer of 4 bytes.
            default: the value of a field that is not set.
        """
        position = self._find_field(field)
        return default if position is None else struct.unpack_from(f"<{kind}", self._data, position)[0]

    def read_table(self, field: int) -> Self | None:
        """Return a field that is a table; None if it is not set."""
        position = self._follow_field(field)
        return None if position is None else type(self)(self._data, position)

    def read_bytes(self, field: int) -> memoryview:
        """Return a field that is a vector of bytes or a text, without copying it."""
        start, length = self._find_vector(field)
        if start + length > len(self._data):  # slicing would cut the vector without an error
            raise ValueError("a vector leads out of the file")
        return self._data[start : start + length]

    def read_text(self, field: int) -> str:
        """Return a field that is a text."""
        text = self.read_bytes(field)
        if len(text) > MAX_TEXT_BYTES:
            raise ValueError(f"a text of {len(text)} bytes")
        return str(text, "utf-8")

    def read_numbers(self, field: int, dtype: str) -> NDArray[np.generic]:
        """Return a field that is a vector of numbers, as an array of NumPy's type `dtype`."""
        start, length = self._find_vector(field)
        return np.frombuffer(self._data, dtype, length, start) if length else np.empty(0, dtype)

    def iterate_tables(self, field: int) -> Iterator[Self]:
        """Yield the tables of a field that is a vector of tables.

        Raises:
            WeightsError: there are too many.
        """
        start, length = self._find_vector(field)
        if length > MAX_TABLES:
            raise WeightsError(
                f"has a list of {length:,} tensors, buffers or operators; wanted {MAX_TABLES:,} or fewer"
            )
        for position in range(start, start + 4 * length, 4):
            yield type(self)(self._data, position + struct.unpack_from("<I", self._data, position)[0])
