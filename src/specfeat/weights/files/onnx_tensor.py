"""Reads a constant of an ONNX file: ONNX's TensorProto, whose values stay in the file until they are read.

The numbers of fields and types are those of onnx.proto.
"""

import math
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import MAX_AXES, Shape
from specfeat.weights.files.protobuf import (
    FieldCounter,
    Value,
    get_message,
    get_text,
    iterate_fields,
    iterate_integers,
)

_MAX_SIZE = 2**48  # of one axis; far above any file, and a negative size is stored as a number near 2**64
_MAX_CODED = 2**20  # integers and halves that are stored one by one; Python decodes a million in a second
_RAW_DATA, _SEGMENT, _EXTERNAL_DATA, _DATA_LOCATION = 9, 3, 13, 14  # fields of a TensorProto
_BFLOAT16 = 16
FLOAT = 1
_DTYPES = {
    **{FLOAT: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8"},
    **{12: "<u4", 13: "<u8", _BFLOAT16: "<u2"},
}
# The field with the values one by one: float_data, double_data, int64_data, uint64_data; else int32_data.
_VALUE_FIELDS = {FLOAT: 4, 11: 10, 7: 7, 12: 11, 13: 11}
_FLOATS = (FLOAT, 10, 11, _BFLOAT16)
_INTEGERS = (2, 3, 4, 5, 6, 7, 12, 13)
_TEXT, _BOOLEAN = 8, 9
_ONE_FILE = (
    "in Python, onnx.save(onnx.load(FILE), NEW_FILE) writes one file, and so does torch.onnx.export with "
    "external_data=False"
)


@dataclass(frozen=True, slots=True)
class OnnxTensor:
    """A constant of the graph.

    Attributes:
        name: the name of the constant; empty for the value of an attribute.
        shape: the shape of the constant.
        kind: the number of its type in TensorProto.DataType.
        content: the values as bytes; None if the file has them one by one.
        message: the TensorProto.
    """

    name: str
    shape: Shape
    kind: int
    content: memoryview | None
    message: memoryview

    @property
    def label(self) -> str:
        """What messages call the constant."""
        return self.name or "a constant"

    @property
    def size(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> str:
        """NumPy's name of the type; empty for a type that is not read here."""
        if self.kind == _BFLOAT16:
            return "bfloat16"
        return str(np.dtype(_DTYPES[self.kind])) if self.kind in _DTYPES else ""

    @property
    def is_float(self) -> bool:
        """Whether the values are floats that can be weights."""
        return self.kind in _FLOATS

    @property
    def is_no_weight(self) -> bool:
        """Whether a constant of this type without a scale is no weight, but a size, a name or a flag."""
        return self.kind in (*_INTEGERS, _TEXT, _BOOLEAN)

    def check_length(self) -> None:
        """Check that values that are stored as bytes have as many as the shape needs.

        Raises:
            WeightsError: they have not.
        """
        if self.content is not None and self.kind in _DTYPES:
            needed = self.size * np.dtype(_DTYPES[self.kind]).itemsize
            if len(self.content) != needed:
                raise WeightsError(
                    f"has {len(self.content):,} bytes of {self.label}; its shape needs {needed:,}"
                )

    def check_type(self) -> None:
        """Check that the values are floats that can be weights.

        Raises:
            WeightsError: they are not.
        """
        if not self.is_float:
            raise WeightsError(
                f"has {self.label} in number {self.kind} of ONNX's types, which is not read; "
                "wanted floats of 16, 32 or 64 bits"
            )

    def read_values(self) -> NDArray[Any]:
        """Return all values, in `shape`.

        Raises:
            WeightsError: the number of values is not that of the shape.
        """
        dtype = np.dtype(_DTYPES[self.kind])
        values = np.frombuffer(self.content, dtype) if self.content is not None else self._decode(dtype)
        if len(values) != self.size:
            raise WeightsError(f"has {len(values):,} values of {self.label} for {self.size:,} numbers")
        if self.kind == _BFLOAT16:  # which is the upper half of a float32; NumPy has no such type
            values = (values.astype(np.uint32) << 16).view(np.float32)
        return values.reshape(self.shape)

    def _decode(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the values that the file has one by one."""
        parts = (
            value
            for number, value in iterate_fields(self.message, FieldCounter())
            if number == _VALUE_FIELDS.get(self.kind, 5)
        )
        if self.kind in (FLOAT, 11):
            content = bytearray()
            for part in parts:
                content += get_message(part)
            return np.frombuffer(content, dtype)
        if self.size > _MAX_CODED:
            raise WeightsError(f"has {self.size:,} values of {self.label} as coded integers; wanted raw data")
        # Each value is an integer, whose lower bits are those of the value.
        mask = 2 ** (8 * dtype.itemsize) - 1
        numbers = (number & mask for part in parts for number in iterate_integers(part))
        return np.fromiter(islice(numbers, self.size + 1), f"<u{dtype.itemsize}").view(dtype)


def read_tensor(message: memoryview, fields: FieldCounter) -> OnnxTensor:
    """Read the name, type and shape of a constant, not its values.

    Raises:
        WeightsError: the values are in another file or in pieces, or do not agree with the shape.
    """
    last: dict[int, Value] = {}
    sizes: list[int] = []
    for number, value in iterate_fields(message, fields):
        if number == 1:
            sizes += islice(iterate_integers(value), MAX_AXES + 1 - len(sizes))
        else:
            last[number] = value
    name, kind = get_text(last.get(8)), get_number(last.get(2, 0))
    label = name or "a constant"
    if last.get(_DATA_LOCATION, 0) != 0 or _EXTERNAL_DATA in last:
        raise WeightsError(f"has {label} in another file, which is not read; {_ONE_FILE}")
    if _SEGMENT in last:
        raise WeightsError(f"has {label} in pieces; wanted it in one piece")
    if len(sizes) > MAX_AXES:
        raise WeightsError(f"has {label} with more than {MAX_AXES} axes; wanted {MAX_AXES} or fewer")
    if not all(size < _MAX_SIZE for size in sizes):
        raise WeightsError(f"has {label} without a valid shape")
    content = get_message(last[_RAW_DATA]) if _RAW_DATA in last else None
    tensor = OnnxTensor(name, tuple(sizes), kind, content, message)
    tensor.check_length()
    return tensor


def make_float_tensor(content: bytes) -> OnnxTensor:
    """Return a constant of the 32-bit floats in these bytes, with one axis."""
    return OnnxTensor("", (len(content) // 4,), FLOAT, memoryview(content), memoryview(b""))


def get_number(value: Value) -> int:
    """Return the value of a field that must be an integer.

    Raises:
        ValueError: the value is a message or a float.
    """
    if not isinstance(value, int):
        raise ValueError("a message in place of a number")
    return value
