"""Reads the safetensors format: 8 bytes for the length of the header, the header as JSON, then the arrays.

The format is described in the README of the safetensors project. The `safetensors` library cannot replace
this module, for these reasons: it accepts duplicate names, headers of 100 MB and any number of axes; it
cannot read BF16 without another library than NumPy; and the process is killed by SIGBUS if the file becomes
shorter while it is read.
"""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import assign_roles, natural_sort_key
from specfeat.weights.files.arrays import MAX_AXES, FileArray, FileContents, Shape
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.limits import ArrayCounter

MAX_HEADER_BYTES = 2**22  # Python's objects for any JSON of this size take less than 200 MB
_MAX_INTEGER = 2**48  # of a size or an offset: larger than any file, small enough for products in NumPy
_BFLOAT16 = "BF16"
_DTYPES = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", _BFLOAT16: "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2"},
    **{"I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "u1"},
}


@contextmanager
def read_safetensors(path: Path) -> Iterator[FileContents]:
    """Open a .safetensors file."""
    with path.open("rb") as file:
        file_bytes = file.seek(0, os.SEEK_END)
        file.seek(0)
        header, start = _read_header(file, file_bytes)
        header.pop("__metadata__", None)
        counter = ArrayCounter()
        for name in header:
            counter.add(name)
        names = sorted(header, key=natural_sort_key)
        arrays = [_describe_array(file, start, name, header[name]) for name in names]
        _check_offsets(header, file_bytes - start)
        yield FileContents(format="safetensors", arrays=assign_roles(arrays))


def _read_header(file: BinaryIO, file_bytes: int) -> tuple[dict[str, Any], int]:
    """Return the header, and the offset of the first byte after it."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(MAX_HEADER_BYTES, file_bytes - 8):
        raise WeightsError(
            f"declares a header of {length:,} bytes; wanted at most {MAX_HEADER_BYTES:,}, all within the file"
        )
    try:
        header = json.loads(file.read(length), object_pairs_hook=_refuse_duplicates)
    except RecursionError as e:
        raise WeightsError("has a header of too many levels") from e
    if not isinstance(header, dict):
        raise WeightsError("has a header that is not a mapping")
    return header, 8 + length


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a mapping that has a name twice: some programs read the first value, others the last one."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise WeightsError("has a name twice in its header")
    return mapping


def _describe_array(file: BinaryIO, start: int, name: str, entry: dict[str, Any]) -> FileArray:
    kind, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    if len(shape) > MAX_AXES:
        raise WeightsError(f"{name} has {len(shape):,} axes; wanted {MAX_AXES} or fewer")
    if not all(type(n) is int and 0 <= n < _MAX_INTEGER for n in (*shape, begin, end)):
        raise WeightsError(f"{name} has a size or an offset that is not a whole number in range")
    if kind not in _DTYPES:
        raise WeightsError(f"{name} is of the type {kind!r}; wanted one of {', '.join(_DTYPES)}")
    dtype = np.dtype(_DTYPES[kind])
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise WeightsError(f"{name} takes {end - begin:,} bytes, which is not what its shape needs")
    is_bfloat16 = kind == _BFLOAT16
    return FileArray(
        name=name,
        shape=shape,
        dtype="bfloat16" if is_bfloat16 else str(dtype),
        unordered_in="a safetensors file",
        read=partial(_read_values, file, start + begin, shape, dtype, is_bfloat16=is_bfloat16),
    )


def _check_offsets(header: dict[str, Any], data_bytes: int) -> None:
    """Check that the arrays fill the rest of the file without gaps and overlaps, as the format requires."""
    expected_begin = 0
    for name, entry in sorted(header.items(), key=lambda item: tuple(item[1]["data_offsets"])):
        begin, end = entry["data_offsets"]
        if begin != expected_begin:
            raise WeightsError(
                f"{name} begins at {begin:,} in place of {expected_begin:,}; arrays overlap or leave gaps"
            )
        expected_begin = end
    if expected_begin != data_bytes:
        raise WeightsError(f"has {data_bytes:,} bytes of arrays; its header declares {expected_begin:,}")


def _read_values(
    file: BinaryIO, offset: int, shape: Shape, dtype: np.dtype[Any], *, is_bfloat16: bool
) -> NDArray[Any]:
    file.seek(offset)
    values = np.frombuffer(file.read(math.prod(shape) * dtype.itemsize), dtype).reshape(shape)
    if is_bfloat16:  # NumPy does not have this type; its bits are the upper 16 bits of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values


SAFETENSORS = FileFormat(
    name="safetensors",
    family="safetensors",
    read=read_safetensors,
    # The JSON of the header begins with a brace. The length before it is also checked, because other files
    # may have a brace at this place.
    matches_bytes=lambda head, tail: head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32,
)
