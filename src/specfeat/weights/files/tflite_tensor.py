"""Reads the tensors of a TFLite file, and dequantises quantised tensors.

The numbers of fields and types are those of TensorFlow's schema.fbs (version 3).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import MAX_AXES, Shape
from specfeat.weights.files.flatbuffer import FlatbufferTable
from specfeat.weights.files.quantisation import dequantise

_DTYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 7: "<i2", 9: "i1", 10: "<f8"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the graph.

    Attributes:
        table: the flat buffer's table that describes the tensor.
        shape: the shape of the tensor.
        dtype: NumPy's code of the tensor's type; None if this module cannot read the type.
        data: the bytes of the tensor; empty if the graph computes the tensor.
        scales: the scales of quantised numbers: no scale, one scale, or one for each index along `axis`.
        zero_points: the stored numbers that mean 0: none, one, or as many as there are scales.
        axis: the axis to which the scales belong.
    """

    table: FlatbufferTable
    shape: Shape
    dtype: str | None
    data: memoryview
    scales: NDArray[Any]
    zero_points: NDArray[Any]
    axis: int

    @property
    def name(self) -> str:
        """The tensor's name; not stored, because all tensors of a hostile file can have one long name."""
        return self.table.read_text(3)

    @property
    def has_weights(self) -> bool:
        """Whether the tensor may be weights. Integers without a scale and single numbers are no weights."""
        is_real = self.dtype is not None and (self.dtype[1] == "f" or len(self.scales) > 0)
        return len(self.data) > 0 and is_real and math.prod(self.shape) > 1

    def read_values(self) -> NDArray[Any]:
        """Return the values of the tensor. Quantised values are dequantised.

        Raises:
            WeightsError: the numbers of scales, zero points and channels are not equal.
        """
        values = np.frombuffer(self.data, self.dtype).reshape(self.shape)
        if not len(self.scales) or values.dtype.kind == "f":
            return values.copy()
        if len(self.zero_points) not in (0, len(self.scales)):
            raise WeightsError(
                f"{self.name!r} has {len(self.zero_points)} zero points for {len(self.scales)} scales"
            )
        is_per_channel = len(self.scales) > 1
        if is_per_channel and not (
            0 <= self.axis < values.ndim and len(self.scales) == values.shape[self.axis]
        ):
            raise WeightsError(f"{self.name!r} has {len(self.scales)} scales, but not as many channels")
        zero_points = self.zero_points if len(self.zero_points) else None
        return dequantise(values, self.scales, zero_points, self.axis)


def read_tensor(table: FlatbufferTable, buffers: list[memoryview]) -> Tensor:
    """Read the description of a tensor.

    Args:
        table: the flat buffer's table that describes the tensor.
        buffers: the data of all buffers of the file.

    Raises:
        WeightsError: the tensor has no data or no valid shape.
    """
    sizes: NDArray[Any] = table.read_numbers(0, "<i4")
    buffer_number = table.read_number(2, "I")
    # In a hostile file, all tensors can refer to one list of a million sizes. So its length is checked before
    # it is converted.
    if buffer_number >= len(buffers) or len(sizes) > MAX_AXES or (sizes < 0).any():
        raise WeightsError(f"{table.read_text(3)[:60]!r} has no data or no valid shape")
    quantisation = table.read_table(4)
    nothing = np.empty(0, np.float32)
    return Tensor(
        table=table,
        shape=tuple(int(size) for size in sizes),
        dtype=_DTYPES.get(table.read_number(1, "b")),
        data=buffers[buffer_number],
        scales=quantisation.read_numbers(2, "<f4") if quantisation else nothing,
        zero_points=quantisation.read_numbers(3, "<i8") if quantisation else nothing,
        axis=quantisation.read_number(6, "i") if quantisation else 0,
    )
