"""Reads NumPy's .npz archives: each member is one array; pickles are refused."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files import zip_archive
from specfeat.weights.files.array_names import assign_roles, natural_sort_key
from specfeat.weights.files.arrays import MAX_AXES, FileArray, FileContents, Shape
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.limits import ArrayCounter

# NumPy writes headers of 118 bytes for arrays of numbers. NumPy's parser, ast.literal_eval, takes
# milliseconds for 10,000 bytes, and thousands of members of an archive may refer to one long header.
MAX_HEADER_BYTES = 1000


@contextmanager
def read_npz(path: Path) -> Iterator[FileContents]:
    """Open an .npz file; an array has the name of its member, without .npy."""
    with zip_archive.open_members(path) as members:
        counter, arrays = ArrayCounter(), []
        for name, member in members.items():
            counter.add(name)
            arrays.append(_describe_array(name, member))
        # The order is that in which the program wrote the arrays, unless the members are sorted by name.
        if list(members) in (sorted(members), sorted(members, key=natural_sort_key)):
            arrays = [replace(array, unordered_in="an .npz archive sorted by name") for array in arrays]
        yield FileContents(format="NumPy archive (.npz)", arrays=assign_roles(arrays))


def _describe_array(name: str, member: zip_archive.Member) -> FileArray:
    if not name.endswith(".npy"):
        raise WeightsError(f"has the member {name!r}, which is not an array of NumPy")
    with member.open() as file:
        shape, dtype = _read_header(file, name)
        header_bytes = file.tell()
    if len(shape) > MAX_AXES:
        raise WeightsError(f"{name} has {len(shape):,} axes; wanted {MAX_AXES} or fewer")
    if dtype.kind not in "fiu":
        content = "objects (a pickle)" if dtype.hasobject else dtype
        raise WeightsError(f"{name} holds {content}; wanted numbers")
    # This is checked before memory is allocated for the shape.
    if math.prod(shape) * dtype.itemsize != member.size - header_bytes:
        raise WeightsError(f"{name} declares another size than it has; the file is damaged")
    return FileArray(
        name=name.removesuffix(".npy"), shape=shape, dtype=str(dtype), read=partial(_read_values, member)
    )


def _read_header(file: Any, name: str) -> tuple[Shape, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file, MAX_HEADER_BYTES)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(file, MAX_HEADER_BYTES)
    else:
        raise WeightsError(
            f"{name} is in version {version[0]}.{version[1]} of NumPy's format; wanted 1.0 or 2.0"
        )
    return shape, dtype


def _read_values(member: zip_archive.Member) -> NDArray[Any]:
    with member.open() as file:
        values: NDArray[Any] = np.lib.format.read_array(
            file, allow_pickle=False, max_header_size=MAX_HEADER_BYTES
        )
    return values


NPZ = FileFormat(
    name="npz",
    family="NumPy (.npz)",
    read=read_npz,
    matches_members=lambda names: len(names) > 0 and all(name.endswith(".npy") for name in names),
)
