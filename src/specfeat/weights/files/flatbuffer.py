"""FlatBuffers' tables, read where they lie; after "FlatBuffers internals" of its documentation.

An offset that leads out of the file fails as what `struct` says of it (struct.error), never as a read.
"""

import struct
from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray

MAX_LENGTH = 100_000  # of a list of tables
MAX_TEXT = 1000  # bytes of a name; many tables may point at the same one, and each copies it


class FlatbufferTable:
    """A table: fields by number, each there or not.

    Args:
        data: the whole file.
        at: where the table begins.
    """

    def __init__(self, data: memoryview, at: int) -> None:
        self._data, self._at = data, at
        self._layout = at - struct.unpack_from("<i", data, at)[0]
        if self._layout < 0:
            raise ValueError("a table's layout lies before the file")
        self._size: int = struct.unpack_from("<H", data, self._layout)[0]

    @classmethod
    def root(cls, data: memoryview) -> Self:
        """The table that the file begins with."""
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def _place(self, field: int) -> int | None:
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return None
        offset: int = struct.unpack_from("<H", self._data, self._layout + entry)[0]
        return self._at + offset if offset else None

    def number(self, field: int, kind: str, default: int = 0) -> int:
        """A number, its kind by `struct`'s letters."""
        at = self._place(field)
        return default if at is None else struct.unpack_from(f"<{kind}", self._data, at)[0]

    def _target(self, field: int) -> int | None:
        at = self._place(field)
        return None if at is None else at + struct.unpack_from("<I", self._data, at)[0]

    def table(self, field: int) -> Self | None:
        """A table."""
        at = self._target(field)
        return None if at is None else type(self)(self._data, at)

    def _vector(self, field: int) -> tuple[int, int]:
        at = self._target(field)
        if at is None:
            return 0, 0
        return at + 4, struct.unpack_from("<I", self._data, at)[0]

    def bytes(self, field: int) -> memoryview:
        """A list of bytes, or text."""
        at, length = self._vector(field)
        if at + length > len(self._data):
            raise ValueError("a list leads out of the file")
        return self._data[at : at + length]

    def text(self, field: int) -> str:
        """Text."""
        text = self.bytes(field)
        if len(text) > MAX_TEXT:
            raise ValueError(f"a name of {len(text)} bytes")
        return str(text, "utf-8")

    def numbers(self, field: int, dtype: str) -> NDArray[np.generic]:
        """A list of numbers."""
        at, length = self._vector(field)
        return np.frombuffer(self._data, dtype, length, at) if length else np.empty(0, dtype)

    def tables(self, field: int) -> Iterator[Self]:
        """A list of tables."""
        at, length = self._vector(field)
        if length > MAX_LENGTH:
            raise ValueError("a list of more than a million tables")
        for here in range(at, at + 4 * length, 4):
            yield type(self)(self._data, here + struct.unpack_from("<I", self._data, here)[0])
