"""HDF5 without its traps: plain arrays in plain groups, or a refusal.

An HDF5 file may read other files (external storage, external links, virtual datasets), hold objects that
lead back to themselves, declare terabytes, unpack a gigabyte from a kilobyte, or want a plugin. Keras and
h5py follow most of these (CVE-2026-1669, CVE-2026-0897). Here everything is looked at before it is read.
"""

import math
import zlib
from collections.abc import Iterator
from itertools import count
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import natural_sort_key

MAX_OBJECTS = 100_000
MAX_DEPTH = 32  # groups in groups; a name with slashes makes several
MAX_NAMES_BYTES = 2**24  # of all attributes of a group, beyond those in its header
MAX_CHUNK_BYTES = 2**24  # of a chunk that is larger than its dataset
_CHECKSUM_BYTES = 64  # what a filter may add to a chunk

_NUMBERS = {h5py.h5t.INTEGER, h5py.h5t.FLOAT}
_SHUFFLE, _DEFLATE, _FLETCHER = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_FLETCHER32


def iterate_datasets(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield every array of the file with its path, groups in natural order; refuse what is no plain array.

    Raises:
        WeightsError: names what it does not take, e.g. an external link.
    """
    seen = {_address(file["/"])}
    yield from _walk(file["/"], "", seen)


def _walk(group: h5py.Group, path: str, seen: set[int]) -> Iterator[tuple[str, h5py.Dataset]]:
    if len(seen) + len(group) > MAX_OBJECTS:
        raise WeightsError(f"{path or '/'} brings it to more than {MAX_OBJECTS:,} objects; wanted fewer")
    if path.count("/") > MAX_DEPTH:
        raise WeightsError(f"{path[:80]}... lies more than {MAX_DEPTH} groups deep; wanted fewer")
    for name in sorted(group, key=natural_sort_key):
        place = f"{path}/{name}"
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            kind = "an external link" if isinstance(link, h5py.ExternalLink) else "a soft link"
            raise WeightsError(f"{place} is {kind}; wanted plain arrays")
        item = group[name]
        address = _address(item)
        if address in seen:
            raise WeightsError(f"{place} is another name of an object met before; wanted each once")
        seen.add(address)
        if isinstance(item, h5py.Group):
            yield from _walk(item, place, seen)
        elif isinstance(item, h5py.Dataset):
            _check(item, place)
            yield place.lstrip("/"), item
        else:
            raise WeightsError(f"{place} is a stored type and no array; wanted plain arrays")


def _address(item: Any) -> int:
    return int(h5py.h5o.get_info(item.id).addr)


def _check(dataset: h5py.Dataset, place: str) -> None:
    properties = dataset.id.get_create_plist()
    if properties.get_external_count():
        raise WeightsError(
            f"{place} has external storage, its numbers lie in other files; wanted a plain array"
        )
    if properties.get_layout() == h5py.h5d.VIRTUAL:
        raise WeightsError(f"{place} is a virtual dataset, made of other files; wanted a plain array")
    if dataset.id.get_type().get_class() not in _NUMBERS or dataset.dtype.kind not in "fiu":
        raise WeightsError(f"{place} holds {_type(dataset)}; wanted a plain array of numbers")
    if dataset.shape is None:
        raise WeightsError(f"{place} has no shape; wanted a plain array")
    _check_filters(properties, place)
    if dataset.chunks is not None:
        size = math.prod(dataset.chunks) * dataset.dtype.itemsize
        if size > max(dataset.nbytes, MAX_CHUNK_BYTES):
            raise WeightsError(f"{place} lies in chunks of {size:,} bytes, more than its {dataset.nbytes:,}")


def _type(dataset: h5py.Dataset) -> str:
    names = {
        h5py.h5t.REFERENCE: "references",
        h5py.h5t.VLEN: "lists of any length",
        h5py.h5t.STRING: "text",
        h5py.h5t.COMPOUND: "records",
        h5py.h5t.OPAQUE: "objects",
        h5py.h5t.ENUM: "names for numbers",
        h5py.h5t.ARRAY: "arrays of arrays",
    }
    return names.get(dataset.id.get_type().get_class(), "no numbers")


def _check_filters(properties: Any, place: str) -> None:
    """Take gzip, with its bytes shuffled or not, and checksums; in the order in which they are written."""
    found = [properties.get_filter(i) for i in range(properties.get_nfilters())]
    for code, _, _, name in found:
        if code not in (_SHUFFLE, _DEFLATE, _FLETCHER):
            shown = name.decode(errors="replace") or f"number {code}"
            raise WeightsError(f"{place} is packed by the filter {shown}; wanted plain or gzip")
    codes = [code for code, *_ in found if code != _FLETCHER]
    if codes not in ([], [_SHUFFLE], [_DEFLATE], [_SHUFFLE, _DEFLATE]):
        raise WeightsError(f"{place} is packed several times over; wanted plain or gzip")


def read_dataset(dataset: h5py.Dataset) -> NDArray[Any]:
    """Read a dataset that `datasets` gave, of which the caller has seen that its shape is the one wanted.

    Raises:
        WeightsError: a chunk unpacks to more than a chunk.
    """
    properties = dataset.id.get_create_plist()
    if any(properties.get_filter(i)[0] == _DEFLATE for i in range(properties.get_nfilters())):
        _check_unpacked(dataset)
    values = np.empty(dataset.shape, dataset.dtype)
    if values.size:
        dataset.read_direct(values)
    return values


def _check_unpacked(dataset: h5py.Dataset) -> None:
    """Unpack each chunk within bounds first: HDF5 itself unpacks for as long as the stream goes on."""
    size = math.prod(dataset.chunks) * dataset.dtype.itemsize
    for i in range(dataset.id.get_num_chunks()):
        info = dataset.id.get_chunk_info(i)
        if info.filter_mask or info.size > size + size // 100 + 1024:
            raise WeightsError(
                f"{dataset.name} has a chunk that is not packed as the others; wanted plain or gzip"
            )
        _, packed = dataset.id.read_direct_chunk(info.chunk_offset)
        if len(zlib.decompressobj().decompress(packed, size + _CHECKSUM_BYTES + 1)) > size + _CHECKSUM_BYTES:
            raise WeightsError(f"{dataset.name} has a chunk that unpacks to more than its {size:,} bytes")


def read_name_list(group: h5py.Group, attribute: str) -> list[str] | None:
    """Read a list of names as Keras 1 and 2 keep it, in one attribute or several (name0, name1, ...).

    Returns:
        The names; None without the attribute, or if it is of another kind (Keras 3 keeps text of any length,
        which cannot be bounded before it is read; the paths say the same).
    """
    _check_attributes(group)
    if attribute in group.attrs:
        return _names(group, attribute)
    found: list[str] = []
    for i in count():
        if f"{attribute}{i}" not in group.attrs:
            return found or None
        more = _names(group, f"{attribute}{i}")
        if more is None:
            return None
        found += more
    raise AssertionError


def _check_attributes(group: h5py.Group) -> None:
    """To ask for one attribute by name, HDF5 reads those whole that do not fit into the object's header."""
    size = h5py.h5o.get_info(group.id).meta_size.attr.heap_size
    if size > MAX_NAMES_BYTES:
        raise WeightsError(f"{group.name} has {size:,} bytes of attributes; wanted fewer")


def _names(group: h5py.Group, attribute: str) -> list[str] | None:
    handle = h5py.h5a.open(group.id, attribute.encode())
    kind = handle.get_type()
    if handle.get_space().get_simple_extent_npoints() == 0:
        return []
    if kind.get_class() != h5py.h5t.STRING or kind.is_variable_str():
        return None
    if handle.get_storage_size() > MAX_NAMES_BYTES:
        raise WeightsError(
            f"{group.name} has {handle.get_storage_size():,} bytes of {attribute}; wanted fewer"
        )
    return [bytes(value).decode("utf-8") for value in np.ravel(group.attrs[attribute])]


def read_text(group: h5py.Group, attribute: str, most: int = 2**20) -> str | None:
    """Read an attribute that is one piece of text, of `most` bytes at most where its length is stated."""
    _check_attributes(group)
    if attribute not in group.attrs:
        return None
    handle = h5py.h5a.open(group.id, attribute.encode())
    if (
        handle.get_type().get_class() != h5py.h5t.STRING
        or handle.get_space().get_simple_extent_npoints() != 1
    ):
        return None
    if handle.get_storage_size() > most:
        return None
    value = group.attrs[attribute]  # of variable length, it is known to be too long only now
    if len(value) > most:
        raise WeightsError(f"{group.name} has {len(value):,} characters of {attribute}; wanted fewer")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
