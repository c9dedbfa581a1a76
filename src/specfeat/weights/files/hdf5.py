"""Reads plain arrays in plain groups from HDF5 files, and refuses everything else that HDF5 can do.

An HDF5 file may make the library read other files (external storage, external links, virtual datasets). It
may contain groups that contain themselves, declare terabytes, unpack a gigabyte from a kilobyte, or need a
plugin. Keras and h5py accept most of this (CVE-2026-1669, CVE-2026-0897). This module checks every object
before it is read.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import natural_sort_key
from specfeat.weights.files.arrays import Shape
from specfeat.weights.files.limits import MAX_ARRAYS, MAX_NAME_BYTES, ArrayCounter

MAX_OBJECTS = 40_000  # groups and arrays; Keras has one to three groups for each layer
MAX_DEPTH = 32  # of groups within groups; a name with slashes makes several groups
MAX_ATTRIBUTE_BYTES = 2**24  # of the attributes of a group outside its header, and of one list of names
MAX_CHUNK_BYTES = 2**24  # of a chunk that is larger than its array
MAX_OTHER_BYTES = 2**26  # of a file without the values of its arrays: names, attributes and unused space

_NUMBER_CLASSES = {h5py.h5t.INTEGER, h5py.h5t.FLOAT}
_SHUFFLE, DEFLATE, _FLETCHER = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_FLETCHER32
_TYPE_NAMES = {
    h5py.h5t.REFERENCE: "references",
    h5py.h5t.VLEN: "lists of any length",
    h5py.h5t.STRING: "text",
    h5py.h5t.COMPOUND: "records",
    h5py.h5t.OPAQUE: "objects",
    h5py.h5t.ENUM: "names for numbers",
    h5py.h5t.ARRAY: "arrays of arrays",
}


@dataclass(frozen=True, slots=True)
class StoredArray:
    """A checked array of the file; it is opened only to be read, because HDF5 then needs 20 kB for it.

    Attributes:
        file: the open file.
        name: the path in the file, from its root.
        shape: the shape of the array.
        dtype: NumPy's type of the array.
        has_attributes: whether the array has any attributes.
    """

    file: h5py.File = field(repr=False)
    name: str
    shape: Shape
    dtype: np.dtype[Any]
    has_attributes: bool

    def open(self) -> h5py.Dataset:
        """Open the array; it is closed when nothing refers to it any more."""
        return self.file[self.name]


def iterate_datasets(file: h5py.File) -> Iterator[tuple[str, StoredArray]]:
    """Yield the path of every array in the file, and the array, sorted by name and by the numbers in names.

    Raises:
        WeightsError: the file has an object that is not a plain array or group, e.g. an external link; or it
            has too many objects, or too many bytes that are not values of arrays.
    """
    root = h5py.h5g.open(file.id, b"/")
    counter, array_bytes = ArrayCounter(), 0
    for path, dataset in _walk_group(root, "", {get_address(root)}):
        counter.add(path)
        _check_dataset(dataset, path)
        array_bytes += dataset.get_storage_size()
        has_attributes = h5py.h5o.get_info(dataset).num_attrs > 0
        yield path.lstrip("/"), StoredArray(file, path, dataset.shape, dataset.dtype, has_attributes)
    # HDF5 reads a text of variable length completely before its length is known. This limits such texts.
    other_bytes = file.id.get_filesize() - array_bytes
    if other_bytes > MAX_OTHER_BYTES:
        raise WeightsError(
            f"has {other_bytes:,} bytes in addition to its arrays; wanted at most {MAX_OTHER_BYTES:,} "
            "(h5repack removes unused space)"
        )


def _walk_group(group: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of a group and of the groups in it, with their paths.

    This calls HDF5's own functions, which take less time and memory than those of h5py.

    Args:
        group: h5py's identifier of the group.
        path: the path of the group.
        seen: the addresses of all objects that have been visited. A second link to one of them is refused,
            because a group could contain itself.
    """
    _check_object_count(group, path, len(seen))
    for name in sorted(_list_names(group, path), key=natural_sort_key):
        item_path = f"{path}/{name}"
        # The link is checked before it is followed, because it may lead to another file.
        kind = group.links.get_info(name.encode()).type
        if kind != h5py.h5l.TYPE_HARD:
            label = "an external link" if kind == h5py.h5l.TYPE_EXTERNAL else "a soft link"
            raise WeightsError(f"{item_path} is {label}; wanted plain arrays")
        item = h5py.h5o.open(group, name.encode())
        address = get_address(item)
        if address in seen:
            raise WeightsError(f"{item_path} is a second name of another object; wanted one name for each")
        seen.add(address)
        if isinstance(item, h5py.h5g.GroupID):
            yield from _walk_group(item, item_path, seen)
        elif isinstance(item, h5py.h5d.DatasetID):
            yield item_path, item
        else:
            raise WeightsError(f"{item_path} is a stored type and not an array; wanted plain arrays")


def _check_object_count(group: Any, path: str, seen_count: int) -> None:
    """Check the number and the depth of the objects in a group, before any name is read."""
    count = group.get_num_objs()
    if count > MAX_ARRAYS:
        raise WeightsError(f"has {count:,} objects in {path or '/'}; wanted {MAX_ARRAYS:,} or fewer")
    if seen_count + count > MAX_OBJECTS:
        raise WeightsError(
            f"has more than {MAX_OBJECTS:,} objects, counted up to {path or '/'}; wanted fewer"
        )
    if path.count("/") > MAX_DEPTH:
        raise WeightsError(f"{path[:80]}... lies more than {MAX_DEPTH} groups deep; wanted fewer")


def _list_names(group: Any, path: str) -> list[str]:
    """Return the names in a group; they may all be parts of one text in the file."""
    names: list[bytes] = []

    def add_name(name: bytes) -> bool | None:  # whether to stop
        names.append(name)
        return True if len(name) > MAX_NAME_BYTES else None

    group.links.iterate(add_name)
    if names and len(names[-1]) > MAX_NAME_BYTES:
        raise WeightsError(
            f"has a name of {len(names[-1]):,} bytes in {path[:80] or '/'}; "
            f"wanted {MAX_NAME_BYTES:,} or fewer"
        )
    return [name.decode() for name in names]


def get_address(item: Any) -> int:
    """Return the offset of an object's header in the file, from h5py's identifier of the object."""
    return int(h5py.h5o.get_info(item).addr)


def _check_dataset(dataset: Any, path: str) -> None:
    """Check that an array is plain and has plausible sizes.

    Args:
        dataset: h5py's identifier of the array.
        path: the path of the array, for messages.
    """
    properties = dataset.get_create_plist()
    if properties.get_external_count():
        raise WeightsError(
            f"{path} has external storage: its numbers lie in other files; wanted a plain array"
        )
    layout = properties.get_layout()
    if layout == h5py.h5d.VIRTUAL:
        raise WeightsError(f"{path} is a virtual dataset, composed of other files; wanted a plain array")
    type_class = dataset.get_type().get_class()
    if type_class not in _NUMBER_CLASSES or dataset.dtype.kind not in "fiu":
        content = _TYPE_NAMES.get(type_class, "something other than numbers")
        raise WeightsError(f"{path} holds {content}; wanted a plain array of numbers")
    if dataset.get_space().get_simple_extent_type() == h5py.h5s.NULL:
        raise WeightsError(f"{path} has no shape; wanted a plain array")
    _check_filters(properties, path)
    if layout == h5py.h5d.CHUNKED:
        array_bytes = math.prod(dataset.shape) * dataset.dtype.itemsize
        chunk_bytes = math.prod(properties.get_chunk()) * dataset.dtype.itemsize
        if chunk_bytes > max(array_bytes, MAX_CHUNK_BYTES):  # HDF5 allocates whole chunks
            raise WeightsError(f"{path} has chunks of {chunk_bytes:,} bytes, but only {array_bytes:,} in all")


def _check_filters(properties: Any, path: str) -> None:
    """Accept gzip, shuffled bytes and checksums, in the order in which programs write them.

    Another filter would load a plugin. A gzip filter that is applied twice could unpack 1032 * 1032 bytes
    from one byte.
    """
    filters = [properties.get_filter(i) for i in range(properties.get_nfilters())]
    for code, _, _, name in filters:
        if code not in (_SHUFFLE, DEFLATE, _FLETCHER):
            label = name.decode(errors="replace") or f"number {code}"
            raise WeightsError(f"{path} is compressed by the filter {label}; wanted plain or gzip")
    codes = [code for code, *_ in filters if code != _FLETCHER]
    if codes not in ([], [_SHUFFLE], [DEFLATE], [_SHUFFLE, DEFLATE]):
        raise WeightsError(f"{path} is compressed several times; wanted plain or gzip")


def check_attribute_bytes(group: h5py.Group) -> None:
    """Check the size of a group's attributes; HDF5 reads all that are outside the header to find one."""
    size = h5py.h5o.get_info(group.id).meta_size.attr.heap_size
    if size > MAX_ATTRIBUTE_BYTES:
        raise WeightsError(f"{group.name} has {size:,} bytes of attributes; wanted fewer")


def read_text(group: h5py.Group, attribute: str, max_length: int = 2**20) -> str | None:
    """Read an attribute that is a single text.

    Args:
        group: the group or dataset with the attribute.
        attribute: the attribute's name.
        max_length: the length of the longest text that is allowed: in bytes for a text of fixed length, in
            characters for a text of variable length.

    Returns:
        The text; None if there is no such attribute, if it is not a single text, or if it has a fixed length
        and is too long.

    Raises:
        WeightsError: the text has a variable length and is too long. This is known only when it has been
            read.
    """
    check_attribute_bytes(group)
    if attribute not in group.attrs:
        return None
    handle = h5py.h5a.open(group.id, attribute.encode())
    is_text = handle.get_type().get_class() == h5py.h5t.STRING
    if not is_text or handle.get_space().get_simple_extent_npoints() != 1:
        return None
    if handle.get_storage_size() > max_length:
        return None
    value = group.attrs[attribute]
    if len(value) > max_length:
        raise WeightsError(f"{group.name} has {len(value):,} characters of {attribute}; wanted fewer")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
