"""The safetensors format: eight bytes of length, that much JSON, then the arrays without gaps.

After the format's description in the safetensors project's README; 60 lines here, no dependency.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import assign_roles, natural_sort_key
from specfeat.weights.files.arrays import MAX_AXES, FileArray, FileContents

MAX_HEADER_BYTES = 2**22  # some 30,000 arrays; Python's objects for it take less than 200 MB
_TYPES = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2"},
    **{"I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "u1"},
}


@contextmanager
def read_safetensors(path: Path) -> Iterator[FileContents]:
    """Open a .safetensors file."""
    with path.open("rb") as file:
        header, start = _header(file, path.stat().st_size)
        header.pop("__metadata__", None)
        arrays = [_array(file, start, name, header[name]) for name in sorted(header, key=natural_sort_key)]
        _check_tiling(header, path.stat().st_size - start)
        yield FileContents(format="safetensors", arrays=assign_roles(arrays))


def _header(file: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(file.read(8), "little")
    if length > min(MAX_HEADER_BYTES, size - 8):
        raise WeightsError(
            f"declares a header of {length:,} bytes; wanted {MAX_HEADER_BYTES:,} or fewer, in the file"
        )
    try:
        header = json.loads(file.read(length), object_pairs_hook=_once)
    except RecursionError as e:
        raise WeightsError("has a header of too many levels") from e
    if not isinstance(header, dict):
        raise WeightsError("has a header that is no mapping")
    return header, 8 + length


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise WeightsError("has a name twice in its header")
    return found


def _array(file: BinaryIO, start: int, name: str, entry: dict[str, Any]) -> FileArray:
    kind, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    if len(shape) > MAX_AXES:
        raise WeightsError(f"{name} has {len(shape):,} axes; wanted {MAX_AXES} or fewer")
    if not all(type(n) is int and 0 <= n < 2**48 for n in (*shape, begin, end)):
        raise WeightsError(f"{name} has a shape or place that is no whole number")
    if kind not in _TYPES:
        raise WeightsError(f"{name} is of the type {kind!r}; wanted one of {', '.join(_TYPES)}")
    dtype = np.dtype(_TYPES[kind])
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise WeightsError(f"{name} takes {end - begin:,} bytes, which is not what its shape needs")
    return FileArray(
        name=name,
        shape=shape,
        dtype="bfloat16" if kind == "BF16" else str(dtype),
        layer="",
        role="",
        read=partial(_read, file, start + begin, shape, dtype, half=kind == "BF16"),
    )


def _check_tiling(header: dict[str, Any], size: int) -> None:
    """The arrays fill what follows the header without gaps and without lying on one another."""
    at = 0
    for name, entry in sorted(header.items(), key=lambda item: tuple(item[1]["data_offsets"])):
        begin, end = entry["data_offsets"]
        if begin != at:
            raise WeightsError(
                f"{name} begins at {begin:,}, where {at:,} is free; arrays overlap or leave gaps"
            )
        at = end
    if at != size:
        raise WeightsError(f"has {size:,} bytes of arrays; its header speaks of {at:,}")


def _read(
    file: BinaryIO, at: int, shape: tuple[int, ...], dtype: np.dtype[Any], *, half: bool
) -> NDArray[Any]:
    file.seek(at)
    values = np.frombuffer(file.read(math.prod(shape) * dtype.itemsize), dtype).reshape(shape)
    if half:  # bfloat16 is the upper half of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values
