"""Packs arrays into one compressed text that the page of a report reads."""

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The page makes typed arrays without copying, which need their data at a multiple of their item size.
_ALIGNMENT = 8
PageFacts = dict[str, Any]  # what the page reads as JSON
_TYPES = frozenset(["u1", "u2", "u4", "i2", "f4", "f8"])


class DataBlock:
    """Arrays that are added one after the other, and then packed.

    Attributes:
        arrays: for each array its name, type, shape and place in the unpacked bytes, for the page.
    """

    def __init__(self) -> None:
        self.arrays: list[PageFacts] = []
        self._compressor = zlib.compressobj(6)
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, name: str, array: NDArray[Any]) -> None:
        """Add an array.

        Args:
            name: the name by which the page finds it.
            array: the array; its type must be one of those that the page knows: uint8, uint16, uint32, int16,
                float32 or float64.
        """
        kind = array.dtype.str[1:]
        if kind not in _TYPES:
            raise ValueError(f"the page of a report has no arrays of the type {array.dtype}")
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        self.arrays.append({"name": name, "type": kind, "shape": [*array.shape], "offset": self._size})
        data += bytes(-len(data) % _ALIGNMENT)
        self._size += len(data)
        self._pieces.append(self._compressor.compress(data))

    def finish(self) -> str:
        """Return all arrays, compressed by zlib, as Base64."""
        self._pieces.append(self._compressor.flush())
        return base64.b64encode(b"".join(self._pieces)).decode("ascii")


def choose_code_type(count: int) -> type[np.unsignedinteger[Any]]:
    """Return the smallest type for numbers from 0 to `count` - 1."""
    return np.uint8 if count <= 2**8 else np.uint16 if count <= 2**16 else np.uint32
