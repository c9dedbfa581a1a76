"""Reads the values of a constant in a frozen graph, which is a TensorProto of TensorFlow."""

import math
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import Shape
from specfeat.weights.files.protobuf import (
    FieldCounter,
    get_last_value,
    get_message,
    iterate_fields,
    iterate_integers,
)

_MAX_NEUTRAL_SIZE = 2**20  # larger constants are not read to see whether all values are 1
_HALF = 19  # the number of float16 in types.proto
# The number of the field of a TensorProto that has a list of values, for each type of types.proto.
_VALUE_FIELDS = {1: 5, 2: 6, _HALF: 13}
CONSTANT_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 2: np.dtype("<f8"), _HALF: np.dtype("<f2")}


@dataclass(frozen=True, slots=True)
class GraphConstant:
    """A constant whose values have not been read from the file.

    Attributes:
        message: the bytes of the TensorProto.
        kind: the number of the constant's type in types.proto.
        shape: the shape of the constant.
    """

    message: memoryview
    kind: int
    shape: Shape

    def read_values(self) -> NDArray[Any]:
        """Return all values, with the shape `shape`.

        TensorFlow does not store the last values if they are all equal. They are repeated here.
        """
        stored = self._read_stored_values()
        missing = math.prod(self.shape) - len(stored)
        end = np.full(missing, stored[-1], stored.dtype)
        return np.concatenate([stored, end]).reshape(self.shape)

    def has_only_ones(self) -> bool:
        """Return whether all values are 1; False for very large constants, which are not read."""
        return math.prod(self.shape) <= _MAX_NEUTRAL_SIZE and bool((self._read_stored_values() == 1).all())

    def _read_stored_values(self) -> NDArray[Any]:
        fields, dtype, size = FieldCounter(), CONSTANT_DTYPES[self.kind], math.prod(self.shape)
        content = get_message(get_last_value(self.message, 4, fields))
        if content:
            if len(content) != size * dtype.itemsize:
                raise WeightsError(f"has a constant of {len(content):,} bytes for {size:,} numbers")
            return np.frombuffer(content, dtype)
        packed = (
            value
            for number, value in iterate_fields(self.message, fields)
            if number == _VALUE_FIELDS[self.kind]
        )
        if self.kind == _HALF:  # the lower 16 bits of each integer are the bits of a float16
            bits = (number & 0xFFFF for value in packed for number in iterate_integers(value))
            values = np.fromiter(islice(bits, size + 1), np.uint16).view(np.float16)
        else:
            content_parts = bytearray()
            for value in packed:
                content_parts += get_message(value)
            values = np.frombuffer(content_parts, dtype)
        if not 0 < len(values) <= size:
            raise WeightsError(f"has a constant of {len(values):,} values for {size:,} numbers")
        return values
