"""NumPy's .npz: an array a member, never a pickle."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files import zip_archive
from specfeat.weights.files.array_names import assign_roles
from specfeat.weights.files.arrays import FileArray, FileContents, Shape

MAX_HEADER_BYTES = 10_000  # NumPy's own bound


@contextmanager
def read_npz(path: Path) -> Iterator[FileContents]:
    """Open an .npz file; the arrays are named as its members are, without .npy."""
    with zip_archive.open_members(path) as members:
        arrays = [_array(name, member) for name, member in members.items()]
        yield FileContents(format="NumPy archive (.npz)", arrays=assign_roles(arrays))


def _array(name: str, member: zip_archive.Member) -> FileArray:
    if not name.endswith(".npy"):
        raise WeightsError(f"has the member {name!r}, which is no array of NumPy's")
    with member.open() as file:
        shape, dtype = _header(file, name)
        start = file.tell()
    if dtype.kind not in "fiu":
        raise WeightsError(
            f"{name} holds {'objects (a pickle)' if dtype.hasobject else dtype}; wanted numbers"
        )
    if math.prod(shape) * dtype.itemsize != member.size - start:
        raise WeightsError(f"{name} declares another size than it has; it is damaged")
    return FileArray(
        name=name.removesuffix(".npy"),
        shape=shape,
        dtype=str(dtype),
        layer="",
        role="",
        read=partial(_read, member),
    )


def _header(file: Any, name: str) -> tuple[Shape, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file, MAX_HEADER_BYTES)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(file, MAX_HEADER_BYTES)
    else:
        raise WeightsError(
            f"{name} is of version {version[0]}.{version[1]} of NumPy's format; wanted 1.0 or 2.0"
        )
    return shape, dtype


def _read(member: zip_archive.Member) -> NDArray[Any]:
    with member.open() as file:
        values: NDArray[Any] = np.lib.format.read_array(
            file, allow_pickle=False, max_header_size=MAX_HEADER_BYTES
        )
    return values
