"""Reads the lists of names that Keras writes into attributes of HDF5 files, up to a limited number of bytes.

Keras 1 and 2 write texts of fixed length, and Keras 3 writes texts of variable length. HDF5 cannot tell how
long texts of variable length are before it has read all of them: each entry of a list may have up to 4 GB,
and many entries may refer to one text. Therefore, this module reads them from the bytes of the file, after
HDF5 has opened it. It reads the object headers that h5py writes unless a program asks h5py for the newest
format. The structures are those of the "HDF5 File Format Specification Version 3.0", sections III.E (global
heap), IV.A.1.a (object header), IV.A.2.m (attribute) and IV.A.2.q (continuation).
"""

import struct
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import h5py
import numpy as np

from specfeat.errors import WeightsError
from specfeat.weights.files import hdf5
from specfeat.weights.files.memory_map import map_file

_ATTRIBUTE, _CONTINUATION = 0x0C, 0x10  # types of messages in an object header
_IS_SHARED = 2  # bit of a message's flags: the message is in another place of the file
_MAX_BLOCKS = 1_000  # of one object header; blocks that continue in each other would otherwise never end
_MAX_HEAP_OBJECTS = 20_000  # of all heaps that one list refers to
_MAX_VARIABLE_BYTES = 2**20  # of a list; its entries fit into one header of 64 KB, so there are at most 4,096
_ENTRY = struct.Struct("<IQI")  # length, address of the heap, number of the object in it


def read_name_list(group: h5py.Group, attribute: str) -> list[str] | None:
    """Read a list of names, which Keras writes into one attribute or into several (name0, name1, ...).

    Args:
        group: the group with the attribute.
        attribute: the name of the attribute, without a number.

    Returns:
        The names; None if there is no such attribute, if it does not contain texts, or if its size cannot be
        limited before it is read.

    Raises:
        WeightsError: the list has too many bytes.
    """
    hdf5.check_attribute_bytes(group)
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


def has_variable_texts(group: h5py.Group, attribute: str) -> bool:
    """Return whether an attribute is a list of texts of variable length, as Keras 3 writes it."""
    hdf5.check_attribute_bytes(group)
    name = attribute if attribute in group.attrs else f"{attribute}0"
    if name not in group.attrs:
        return False
    kind = h5py.h5a.open(group.id, name.encode()).get_type()
    return bool(kind.get_class() == h5py.h5t.STRING and kind.is_variable_str())


def _read_names(group: h5py.Group, attribute: str) -> list[str] | None:
    handle = h5py.h5a.open(group.id, attribute.encode())
    kind = handle.get_type()
    if handle.get_space().get_simple_extent_npoints() == 0:
        return []
    if kind.get_class() != h5py.h5t.STRING:
        return None
    if kind.is_variable_str():
        return _read_variable_names(group, attribute, handle.get_space().get_simple_extent_npoints())
    size = handle.get_storage_size()
    if size > hdf5.MAX_ATTRIBUTE_BYTES:
        raise WeightsError(f"{group.name} has {size:,} bytes of {attribute}; wanted fewer")
    return [bytes(value).decode("utf-8") for value in np.ravel(group.attrs[attribute])]


def _read_variable_names(group: h5py.Group, attribute: str, count: int) -> list[str] | None:
    """Read names of variable length, which Keras 3 writes; None if their size cannot be limited."""
    file = group.file
    has_plain_addresses = file.userblock_size == 0 and file.id.get_create_plist().get_sizes() == (8, 8)
    if file.driver != "sec2" or not has_plain_addresses:  # "sec2": the file was opened by its path
        return None
    data = map_file(Path(file.filename))
    return _read_variable_texts(data, hdf5.get_address(group.id), attribute, count, _MAX_VARIABLE_BYTES)


def _read_variable_texts(
    data: memoryview, header_address: int, attribute: str, text_count: int, max_bytes: int
) -> list[str] | None:
    """Read the texts of an attribute.

    Args:
        data: the bytes of the file.
        header_address: the offset of the header of the object that has the attribute, in bytes.
        attribute: the name of the attribute.
        text_count: the number of texts.
        max_bytes: the number of bytes that all texts together may have at most.

    Returns:
        The texts; None if the attribute is stored in a way that this module does not read, or has more bytes.

    Raises:
        ValueError, LookupError, struct.error: the file is damaged.
    """
    for message in _iterate_attributes(data, header_address):
        name, entries = _split_attribute(message)
        if name == attribute:
            return _read_entries(
                data, list(_ENTRY.iter_unpack(entries[: text_count * _ENTRY.size])), max_bytes
            )
    return None


def _iterate_attributes(data: memoryview, address: int) -> Iterator[memoryview]:
    """Yield the attribute messages of an object header of version 1."""
    version, _, size = struct.unpack_from("<B7sI", data, address)
    if version != 1:
        return
    blocks = [(address + 16, size)]  # after the prefix of 12 bytes, which is padded to 16
    for start, length in blocks:
        offset = start
        while offset + 8 <= start + length:
            kind, message_size, flags = struct.unpack_from("<HHB", data, offset)
            message = data[offset + 8 : offset + 8 + message_size]
            offset += 8 + message_size
            if kind == _CONTINUATION and len(blocks) < _MAX_BLOCKS:
                blocks.append(struct.unpack_from("<QQ", message))
            elif kind == _ATTRIBUTE and not flags & _IS_SHARED:
                yield message


def _split_attribute(message: memoryview) -> tuple[str, memoryview]:
    """Return the name and the value of an attribute message of version 1, 2 or 3."""
    version, _, name_size, type_size, space_size = struct.unpack_from("<BBHHH", message)
    sizes = [name_size, type_size, space_size]
    if version == 1:  # each part is padded to a multiple of 8 bytes
        sizes = [(size + 7) // 8 * 8 for size in sizes]
    name_offset = 9 if version == 3 else 8  # in version 3, a byte for the encoding comes before the name
    name = bytes(message[name_offset : name_offset + name_size]).partition(b"\0")[0]
    return name.decode(errors="replace"), message[name_offset + sum(sizes) :]


def _read_entries(data: memoryview, entries: list[tuple[int, int, int]], max_bytes: int) -> list[str] | None:
    if sum(length for length, _, _ in entries) > max_bytes:
        return None
    heaps: dict[int, dict[int, memoryview]] = {}
    objects_left = _MAX_HEAP_OBJECTS
    texts = []
    for length, address, number in entries:
        if length and address not in heaps:
            heaps[address] = _read_heap(data, address, objects_left)
            objects_left -= len(heaps[address])
        content = heaps[address][number] if length else memoryview(b"")
        if length > len(content):
            raise ValueError(f"a text of {length} bytes in {len(content)}")
        texts.append(bytes(content[:length]).partition(b"\0")[0].decode("utf-8"))
    return texts


def _read_heap(data: memoryview, address: int, max_objects: int) -> dict[int, memoryview]:
    """Return the objects of a global heap collection by their number."""
    signature, size = struct.unpack_from("<4s4xQ", data, address)
    if signature != b"GCOL":
        raise ValueError("no global heap")
    objects: dict[int, memoryview] = {}
    offset, end = address + 16, min(address + size, len(data))
    while offset + 16 <= end:
        number, object_size = struct.unpack_from("<H6xQ", data, offset)
        if number == 0:  # the rest of the heap is free
            break
        if len(objects) >= max_objects:
            raise ValueError("too many objects")
        objects[number] = data[offset + 16 : min(offset + 16 + object_size, end)]
        offset += 16 + (object_size + 7) // 8 * 8
    return objects
