"""Reads plain arrays in plain groups from HDF5 files, and refuses everything else that HDF5 can do.

An HDF5 file may read other files (external storage, external links, virtual datasets), contain objects that
lead back to themselves, declare terabytes, unpack a gigabyte from a kilobyte, or demand a plugin. Keras and
h5py follow most of these (CVE-2026-1669, CVE-2026-0897). This module examines every object before it is read.
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
MAX_DEPTH = 32  # of groups within groups; a name with slashes makes several groups
MAX_ATTRIBUTE_BYTES = (
    2**24
)  # of all attributes of a group that do not fit into its header; or of a list of names
MAX_CHUNK_BYTES = 2**24  # of a chunk that is larger than its dataset
_CHECKSUM_BYTES = 64  # more than the fletcher32 filter adds to a chunk

_NUMBER_CLASSES = {h5py.h5t.INTEGER, h5py.h5t.FLOAT}
_SHUFFLE, _DEFLATE, _FLETCHER = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_FLETCHER32
_TYPE_NAMES = {
    h5py.h5t.REFERENCE: "references",
    h5py.h5t.VLEN: "lists of any length",
    h5py.h5t.STRING: "text",
    h5py.h5t.COMPOUND: "records",
    h5py.h5t.OPAQUE: "objects",
    h5py.h5t.ENUM: "names for numbers",
    h5py.h5t.ARRAY: "arrays of arrays",
}


def iterate_datasets(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield the path and the dataset of every array in the file, names with numbers sorted by number.

    Raises:
        WeightsError: the file has an object that is not a plain array or group, e.g. an external link.
    """
    root = file["/"]
    yield from _walk_group(root, "", {_get_address(root)})


def _walk_group(group: h5py.Group, path: str, seen: set[int]) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield the arrays below a group.

    Args:
        group: the group.
        path: the path of the group or dataset.
        seen: the addresses of all objects that were met before; a second link to one of them can be a circle.
    """
    if len(seen) + len(group) > MAX_OBJECTS:
        raise WeightsError(
            f"has more than {MAX_OBJECTS:,} objects, counted up to {path or '/'}; wanted fewer"
        )
    if path.count("/") > MAX_DEPTH:
        raise WeightsError(f"{path[:80]}... lies more than {MAX_DEPTH} groups deep; wanted fewer")
    for name in sorted(group, key=natural_sort_key):
        item_path = f"{path}/{name}"
        # The link is examined before group[name] follows it, perhaps to another file.
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            kind = "an external link" if isinstance(link, h5py.ExternalLink) else "a soft link"
            raise WeightsError(f"{item_path} is {kind}; wanted plain arrays")
        item = group[name]
        address = _get_address(item)
        if address in seen:
            raise WeightsError(f"{item_path} is a second name of another object; wanted one name for each")
        seen.add(address)
        if isinstance(item, h5py.Group):
            yield from _walk_group(item, item_path, seen)
        elif isinstance(item, h5py.Dataset):
            _check_dataset(item, item_path)
            yield item_path.lstrip("/"), item
        else:
            raise WeightsError(f"{item_path} is a stored type and not an array; wanted plain arrays")


def _get_address(item: Any) -> int:
    return int(h5py.h5o.get_info(item.id).addr)


def _check_dataset(dataset: h5py.Dataset, path: str) -> None:
    properties = dataset.id.get_create_plist()
    if properties.get_external_count():
        raise WeightsError(
            f"{path} has external storage: its numbers lie in other files; wanted a plain array"
        )
    if properties.get_layout() == h5py.h5d.VIRTUAL:
        raise WeightsError(f"{path} is a virtual dataset, composed of other files; wanted a plain array")
    type_class = dataset.id.get_type().get_class()
    if type_class not in _NUMBER_CLASSES or dataset.dtype.kind not in "fiu":
        content = _TYPE_NAMES.get(type_class, "something other than numbers")
        raise WeightsError(f"{path} holds {content}; wanted a plain array of numbers")
    if dataset.shape is None:
        raise WeightsError(f"{path} has no shape; wanted a plain array")
    _check_filters(properties, path)
    if dataset.chunks is not None:
        chunk_bytes = _compute_chunk_bytes(dataset)
        if chunk_bytes > max(dataset.nbytes, MAX_CHUNK_BYTES):  # HDF5 allocates whole chunks
            raise WeightsError(
                f"{path} has chunks of {chunk_bytes:,} bytes, but only {dataset.nbytes:,} in all"
            )


def _compute_chunk_bytes(dataset: h5py.Dataset) -> int:
    return int(math.prod(dataset.chunks) * dataset.dtype.itemsize)


def _check_filters(properties: Any, path: str) -> None:
    """Accept gzip, shuffled bytes and checksums, in the order in which programs write them.

    Other filters would load a plugin; a filter that is applied twice could unpack 1032 times 1032 bytes from
    one.
    """
    filters = [properties.get_filter(i) for i in range(properties.get_nfilters())]
    for code, _, _, name in filters:
        if code not in (_SHUFFLE, _DEFLATE, _FLETCHER):
            label = name.decode(errors="replace") or f"number {code}"
            raise WeightsError(f"{path} is compressed by the filter {label}; wanted plain or gzip")
    codes = [code for code, *_ in filters if code != _FLETCHER]
    if codes not in ([], [_SHUFFLE], [_DEFLATE], [_SHUFFLE, _DEFLATE]):
        raise WeightsError(f"{path} is compressed several times; wanted plain or gzip")


def read_dataset(dataset: h5py.Dataset) -> NDArray[Any]:
    """Return the values of a dataset of `iterate_datasets`; the caller checks first that its shape fits.

    Raises:
        WeightsError: a chunk unpacks to more bytes than a chunk has.
    """
    properties = dataset.id.get_create_plist()
    if any(properties.get_filter(i)[0] == _DEFLATE for i in range(properties.get_nfilters())):
        _check_chunks(dataset)
    values = np.empty(dataset.shape, dataset.dtype)
    if values.size:
        dataset.read_direct(values)
    return values


def _check_chunks(dataset: h5py.Dataset) -> None:
    """Unpack each chunk up to its size, since HDF5 itself unpacks without a limit."""
    chunk_bytes = _compute_chunk_bytes(dataset)
    most_bytes = chunk_bytes + _CHECKSUM_BYTES
    for i in range(dataset.id.get_num_chunks()):
        chunk = dataset.id.get_chunk_info(i)
        # What cannot be compressed grows by less than a hundredth.
        if chunk.filter_mask or chunk.size > chunk_bytes + chunk_bytes // 100 + 1024:
            raise WeightsError(
                f"{dataset.name} has a chunk that is not compressed like the others; wanted plain or gzip"
            )
        _, packed = dataset.id.read_direct_chunk(chunk.chunk_offset)
        if len(zlib.decompressobj().decompress(packed, most_bytes + 1)) > most_bytes:
            raise WeightsError(
                f"{dataset.name} has a chunk that unpacks to more than its {chunk_bytes:,} bytes"
            )


def read_name_list(group: h5py.Group, attribute: str) -> list[str] | None:
    """Read a list of names as Keras 1 and 2 keep it: in one attribute, or in several (name0, name1, ...).

    Returns:
        The names; None if there is no such attribute, or if it holds texts of variable length. Keras 3 writes
        such texts; their size cannot be limited before they are read, and the paths of the arrays say the
        same.
    """
    _check_attribute_bytes(group)
    if attribute in group.attrs:
        return _read_names(group, attribute)
    names: list[str] = []
    for i in count():
        if f"{attribute}{i}" not in group.attrs:
            return names or None
        more = _read_names(group, f"{attribute}{i}")
        if more is None:
            return None
        names += more
    raise AssertionError


def _check_attribute_bytes(group: h5py.Group) -> None:
    """Check the size of a group's attributes: to find one, HDF5 reads all that lie outside the header."""
    size = h5py.h5o.get_info(group.id).meta_size.attr.heap_size
    if size > MAX_ATTRIBUTE_BYTES:
        raise WeightsError(f"{group.name} has {size:,} bytes of attributes; wanted fewer")


def _read_names(group: h5py.Group, attribute: str) -> list[str] | None:
    handle = h5py.h5a.open(group.id, attribute.encode())
    kind = handle.get_type()
    if handle.get_space().get_simple_extent_npoints() == 0:
        return []
    if kind.get_class() != h5py.h5t.STRING or kind.is_variable_str():
        return None
    size = handle.get_storage_size()
    if size > MAX_ATTRIBUTE_BYTES:
        raise WeightsError(f"{group.name} has {size:,} bytes of {attribute}; wanted fewer")
    return [bytes(value).decode("utf-8") for value in np.ravel(group.attrs[attribute])]


def read_text(group: h5py.Group, attribute: str, most: int = 2**20) -> str | None:
    """Read an attribute that is a single text.

    Args:
        group: the group or dataset with the attribute.
        attribute: the attribute's name.
        most: the longest text that is read, in bytes or, if its length is variable, in characters.

    Returns:
        The text; None if there is no such attribute, or if it is of another kind, or of a fixed length that
        is too long.

    Raises:
        WeightsError: the text is of variable length and too long, which shows only when it has been read.
    """
    _check_attribute_bytes(group)
    if attribute not in group.attrs:
        return None
    handle = h5py.h5a.open(group.id, attribute.encode())
    is_text = handle.get_type().get_class() == h5py.h5t.STRING
    if not is_text or handle.get_space().get_simple_extent_npoints() != 1:
        return None
    if handle.get_storage_size() > most:
        return None
    value = group.attrs[attribute]
    if len(value) > most:
        raise WeightsError(f"{group.name} has {len(value):,} characters of {attribute}; wanted fewer")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
