"""Files that lie, lead elsewhere, unpack without end or run code: refused by name, in little memory.

The files are made here. One process, which never loads TensorFlow, reads them all; its memory is measured.
CVE numbers stand where a file does what that report describes of Keras.
"""

import ast
import functools
import io
import json
import os
import pickle
import random
import socket
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from helpers.weights_files import CONFIG, arrays, keras_2, safetensors, try_to_load
from specfeat.errors import ConfigError, WeightsError
from specfeat.weights.files import hdf5, zip_archive
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights

pytestmark = pytest.mark.slow

BOUND_MB = 300  # of the whole process; Python, NumPy, h5py and pydantic take some 100

Crafter = Callable[[Path], None]
HOSTILE: dict[str, tuple[str, Crafter, str]] = {}  # name -> (ending, what makes it, what is said of it)


def hostile(ending: str, said: str) -> Callable[[Crafter], Crafter]:
    """Enter a maker of a hostile file in the table."""

    def enter(make: Crafter) -> Crafter:
        HOSTILE[make.__name__.strip("_")] = (ending, make, said)
        return make

    return enter


# --- HDF5 ----------------------------------------------------------------------------------------


def _with_hdf5(path: Path, change: Callable[[h5py.File], None]) -> None:
    """A good file with one thing done to it."""
    keras_2(path, arrays())
    with h5py.File(path, "r+") as file:
        change(file)


def _replace(file: h5py.File, name: str, **how: Any) -> None:
    del file[name]
    file.create_dataset(name, **how)


ROW = "row/row/kernel:0"  # 200 x 7 numbers in a good file


@hostile("h5", f"/{ROW} has external storage, its numbers lie in other files")
def _external_storage(path: Path) -> None:  # CVE-2026-1669
    secret = path.with_suffix(".secret")
    secret.write_bytes(bytes(5600))
    _with_hdf5(
        path, lambda f: _replace(f, ROW, shape=(200, 7), dtype="f4", external=[(str(secret), 0, 5600)])
    )


@hostile("h5", f"/{ROW} is an external link")
def _external_link(path: Path) -> None:
    keras_2(path.with_suffix(".other"), arrays())

    def change(file: h5py.File) -> None:
        del file[ROW]
        file[ROW] = h5py.ExternalLink(str(path.with_suffix(".other")), f"/{ROW}")

    _with_hdf5(path, change)


@hostile("h5", "/stray is a soft link")
def _soft_link(path: Path) -> None:
    _with_hdf5(path, lambda f: f.__setitem__("stray", h5py.SoftLink("/row")))


@hostile("h5", f"/{ROW} is a virtual dataset, made of other files")
def _virtual_dataset(path: Path) -> None:
    keras_2(path.with_suffix(".other"), arrays())

    def change(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(shape=(200, 7), dtype="f4")
        layout[:] = h5py.VirtualSource(path.with_suffix(".other"), ROW, shape=(200, 7))
        del file[ROW]
        file.create_virtual_dataset(ROW, layout)

    _with_hdf5(path, change)


@hostile("h5", f"/{ROW} holds references")
def _references(path: Path) -> None:
    _with_hdf5(path, lambda f: _replace(f, ROW, shape=(200, 7), dtype=h5py.ref_dtype))


@hostile("h5", f"/{ROW} holds lists of any length")
def _lists_of_any_length(path: Path) -> None:
    _with_hdf5(path, lambda f: _replace(f, ROW, shape=(200, 7), dtype=h5py.vlen_dtype(np.float32)))


@hostile("h5", f"/{ROW} holds text")
def _text(path: Path) -> None:
    _with_hdf5(path, lambda f: _replace(f, ROW, shape=(200, 7), dtype=h5py.string_dtype()))


@hostile("h5", f"/{ROW} holds records")
def _records(path: Path) -> None:
    _with_hdf5(path, lambda f: _replace(f, ROW, shape=(200, 7), dtype=[("a", "f4"), ("b", "f4")]))


@hostile("h5", "/type is a stored type and no array")
def _stored_type(path: Path) -> None:
    _with_hdf5(path, lambda f: f.__setitem__("type", np.dtype("f4")))


@hostile("h5", f"/{ROW} has no shape")
def _no_shape(path: Path) -> None:
    _with_hdf5(path, lambda f: _replace(f, ROW, data=h5py.Empty("f4")))


@hostile("h5", "1 of another shape (row/row/kernel:0 1000000 x 1000000 for row/kernel 200 x 7)")
def _shape_bomb(path: Path) -> None:  # CVE-2026-0897
    _with_hdf5(
        path,
        lambda f: _replace(f, ROW, shape=(10**6, 10**6), dtype="f4", chunks=(1000, 1000), compression="gzip"),
    )


@hostile("h5", "1 of another shape (row/row/kernel:0 1099511627776 for row/kernel 200 x 7)")
def _shape_bomb_never_written(path: Path) -> None:
    _with_hdf5(path, lambda f: _replace(f, ROW, shape=(2**40,), dtype="f8"))


@hostile("h5", f"/{ROW} lies in chunks of 1,600,000,000 bytes, more than its 5,600")
def _chunk_bomb(path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file[ROW]
        file.create_dataset(
            ROW, (200, 7), "f4", chunks=(20_000, 20_000), maxshape=(None, None), compression="gzip"
        )

    _with_hdf5(path, change)


@hostile("h5", f"/{ROW} has a chunk that is not packed as the others")
def _stream_bomb(path: Path) -> None:
    """The declared sizes are all right, but the packed stream goes on for a gigabyte."""

    def change(file: h5py.File) -> None:
        _replace(file, ROW, shape=(200, 7), dtype="f4", chunks=(200, 7), compression="gzip")
        packed = b"\x78\xda" + _packed_zeros(1024)
        file[ROW].id.write_direct_chunk((0, 0), packed)

    _with_hdf5(path, change)


@hostile("h5", f"/{ROW} has a chunk that unpacks to more than its 5,600 bytes")
def _small_stream_bomb(path: Path) -> None:
    """A chunk within its size that unpacks to a thousand times as much."""

    def change(file: h5py.File) -> None:
        _replace(file, ROW, shape=(200, 7), dtype="f4", chunks=(200, 7), compression="gzip")
        file[ROW].id.write_direct_chunk((0, 0), zlib.compress(bytes(5_000_000), 9))

    _with_hdf5(path, change)


@hostile("h5", f"/{ROW} is packed several times over")
def _packed_twice(path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file[ROW]
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((200, 7))
        properties.set_deflate(9)
        properties.set_deflate(9)
        space = h5py.h5s.create_simple((200, 7))
        h5py.h5d.create(file["row/row"].id, b"kernel:0", h5py.h5t.IEEE_F32LE, space, properties)

    _with_hdf5(path, change)


@hostile("h5", f"/{ROW} is packed by the filter lzf")
def _another_filter(path: Path) -> None:
    _with_hdf5(path, lambda f: _replace(f, ROW, shape=(200, 7), dtype="f4", compression="lzf"))


@hostile("h5", f"/{ROW} is packed by the filter number 32015")
def _a_plugins_filter(path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file[ROW]
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((200, 7))
        properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
        space = h5py.h5s.create_simple((200, 7))
        h5py.h5d.create(file["row/row"].id, b"kernel:0", h5py.h5t.IEEE_F32LE, space, properties)

    _with_hdf5(path, change)


@hostile("h5", "/row/loop is another name of an object met before")
def _a_circle_of_groups(path: Path) -> None:
    _with_hdf5(path, lambda f: f["row"].__setitem__("loop", f["/"]))


@hostile("h5", "/row/twin is another name of an object met before")
def _one_array_under_two_names(path: Path) -> None:
    _with_hdf5(path, lambda f: f["row"].__setitem__("twin", f["head/head/kernel:0"]))


@hostile("h5", "groups deep; wanted fewer")
def _groups_without_end(path: Path) -> None:
    def change(file: h5py.File) -> None:
        group = file["row"]
        for _ in range(3000):
            group = group.create_group("g")

    _with_hdf5(path, change)


@hostile("h5", "bytes of attributes; wanted fewer")
def _an_attribute_of_20_megabytes(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        file["a/kernel:0"] = np.zeros(3, np.float32)
        file.attrs["layer_names"] = np.zeros(1000, "S20000")


@hostile("h5", "missing (")
def _an_attribute_of_text_that_nobody_reads(path: Path) -> None:
    """Text of any length can repeat one megabyte for ever; such lists are not read at all."""
    with h5py.File(path, "w", libver="latest") as file:
        file["a/kernel:0"] = np.zeros(3, np.float32)
        file.attrs.create("layer_names", ["x" * 2**20] * 260, dtype=h5py.string_dtype())


@hostile("h5", "names row/absent:0 in weight_names, but has no such array")
def _a_name_without_an_array(path: Path) -> None:
    _with_hdf5(path, lambda f: f["row"].attrs.__setitem__("weight_names", np.array([b"absent:0"])))


# --- archives ------------------------------------------------------------------------------------


def _archive(path: Path, members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", how) as file:
        for name, data in members.items():
            file.writestr(name, data)


def _good_hdf5(folder: Path) -> bytes:
    return keras_2(folder / "good.h5", arrays()).read_bytes()


def _packed_zeros(megabytes: int) -> bytes:
    """Zeros as deflate packs them; one megabyte is packed, and what comes out is repeated."""
    packer = zlib.compressobj(9, wbits=-15)
    one = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return one * megabytes + zlib.compressobj(9, wbits=-15).flush()


@cache
def _checksum(megabytes: int) -> int:
    return functools.reduce(lambda crc, _: zlib.crc32(bytes(2**20), crc), range(megabytes), 0)


def _zeros(path: Path, name: str, megabytes: int) -> None:
    """An archive with one member of zeros, made without holding them."""
    data, text = _packed_zeros(megabytes), name.encode()
    sizes = (_checksum(megabytes), len(data), megabytes * 2**20, len(text))
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, *sizes, 0) + text + data
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 0, *sizes, 0, 0, 0, 0, 0, 0) + text
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local), 0)
    path.write_bytes(local + entry + end)


@hostile("keras", "has the member 'model.weights.h5' that unpacks from")
def _zip_bomb(path: Path) -> None:
    _zeros(path, "model.weights.h5", 512)


@hostile("keras", "the weights cannot be read: the file is damaged")
def _zip_that_declares_less_than_it_has(path: Path) -> None:
    _zeros(path, "model.weights.h5", 256)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10_000)
    path.write_bytes(data)


@hostile("keras", "has a member named '../model.weights.h5', which leads out of the archive")
def _path_upwards(path: Path) -> None:  # CVE-2025-12060
    _archive(path, {"model.weights.h5": _good_hdf5(path.parent), "../model.weights.h5": b""})


@hostile("keras", "has a member named '/etc/x', which leads out of the archive")
def _path_from_the_root(path: Path) -> None:
    _archive(path, {"model.weights.h5": _good_hdf5(path.parent), "/etc/x": b""})


@hostile("keras", "has two members of the name 'model.weights.h5'")
def _two_of_a_name(path: Path) -> None:
    good = _good_hdf5(path.parent)
    _archive(path, {"model.weights.h5": good, "model.weights.h6": good}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"weights.h6", b"weights.h5"))


@hostile("keras", "has the encrypted member 'model.weights.h5'")
def _encrypted(path: Path) -> None:
    _archive(path, {"model.weights.h5": _good_hdf5(path.parent)})
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)


@hostile("keras", "packed in another way than deflate")
def _packed_by_another_method(path: Path) -> None:
    _archive(path, {"model.weights.h5": _good_hdf5(path.parent)}, zipfile.ZIP_LZMA)


@hostile("keras", "is an external link")
def _keras_archive_around_a_link(path: Path) -> None:
    _external_link(path.with_suffix(".h5"))
    _archive(path, {"model.weights.h5": path.with_suffix(".h5").read_bytes()})


@hostile("npz", "row/kernel.npy holds objects (a pickle)")
def _pickle(path: Path) -> None:
    made: Any = arrays()
    made["row/kernel"] = np.array([[print]], object)
    with path.open("wb") as file:
        np.savez(file, **made)


def _npy(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2 if version[0] == 1 else 4, "little") + text + data


@hostile("npz", "row/kernel.npy declares another size than it has")
def _npz_shape_bomb(path: Path) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,)}"
    _archive(path, {"row/kernel.npy": _npy(header)})


@hostile("npz", "has the member 'row/kernel.npy' that unpacks from")
def _npz_bomb(path: Path) -> None:
    _zeros(path, "row/kernel.npy", 512)


@hostile("npz", "the weights cannot be read: the file is damaged")
def _npz_header_of_a_megabyte(path: Path) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 2**18 + ")}"
    _archive(path, {"row/kernel.npy": _npy(header, bytes(4), b"\x02\x00")})


@hostile("npz", "the weights cannot be read: the file is damaged")
def _npz_header_of_code(path: Path) -> None:
    _archive(path, {"a.npy": _npy("__import__('os').system('true')")})


@hostile("npz", "is of version 9.0 of NumPy's format")
def _npz_of_the_future(path: Path) -> None:
    _archive(path, {"a.npy": _npy("{}", version=b"\x09\x00")})


# --- safetensors ---------------------------------------------------------------------------------


def _header(path: Path, header: object, data: bytes = b"", length: int | None = None) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)


def _entry(begin: int, end: int, shape: list[object], kind: str = "F32") -> dict[str, object]:
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


@hostile("safetensors", "declares a header of 4,000,000,000 bytes")
def _header_longer_than_the_file(path: Path) -> None:
    _header(path, {"a": _entry(0, 4, [1])}, bytes(4), 4_000_000_000)


@hostile("safetensors", "declares a header of 8,388,610 bytes")
def _header_of_eight_megabytes(path: Path) -> None:
    _header(path, b"{" + b" " * 2**23 + b"}")


@hostile("safetensors", "has a header of too many levels")
def _header_of_levels(path: Path) -> None:
    _header(path, b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


@hostile("safetensors", "has a name twice in its header")
def _header_with_a_name_twice(path: Path) -> None:
    entry = json.dumps(_entry(0, 4, [1]))
    _header(path, f'{{"a": {entry}, "a": {entry}}}'.encode(), bytes(4))


@hostile("safetensors", "b begins at 0, where 4 is free; arrays overlap or leave gaps")
def _arrays_that_overlap(path: Path) -> None:
    _header(path, {"a": _entry(0, 4, [1]), "b": _entry(0, 4, [1])}, bytes(4))


@hostile("safetensors", "b begins at 8, where 4 is free; arrays overlap or leave gaps")
def _arrays_with_gaps(path: Path) -> None:
    _header(path, {"a": _entry(0, 4, [1]), "b": _entry(8, 12, [1])}, bytes(12))


@hostile("safetensors", "has 2 bytes of arrays; its header speaks of 4")
def _arrays_beyond_the_end(path: Path) -> None:
    _header(path, {"a": _entry(0, 4, [1])}, bytes(2))


@hostile("safetensors", "a has 100,000 axes; wanted 8 or fewer")
def _a_shape_of_too_many_axes(path: Path) -> None:
    _header(path, {"a": _entry(0, 4, [1] * 100_000)}, bytes(4))


@hostile("safetensors", "a takes 4 bytes, which is not what its shape needs")
def _a_shape_that_lies(path: Path) -> None:
    _header(path, {"a": _entry(0, 4, [2**40])}, bytes(4))


@hostile("safetensors", "a has a shape or place that is no whole number")
def _a_shape_below_zero(path: Path) -> None:
    _header(path, {"a": _entry(0, 4, [-1, -1])}, bytes(4))


@hostile("safetensors", "a is of the type 'PICKLE'")
def _another_type(path: Path) -> None:
    _header(path, {"a": _entry(0, 4, [1], "PICKLE")}, bytes(4))


@hostile("safetensors", "the weights cannot be read: the file is damaged")
def _entries_that_are_no_mappings(path: Path) -> None:
    _header(path, {"a": [1, 2, 3]})


# --- TFLite and graphs ---------------------------------------------------------------------------


@hostile("tflite", "the weights cannot be read: the file is damaged")
def _offsets_out_of_the_file(path: Path) -> None:
    path.write_bytes(b"\xf0\xff\xff\x7fTFL3" + bytes(64))


@hostile("tflite", "the weights cannot be read: the file is damaged")
def _a_layout_before_the_file(path: Path) -> None:
    path.write_bytes(b"\x08\x00\x00\x00TFL3" + struct.pack("<i", 2**30) + bytes(64))


@hostile("tflite", "the weights cannot be read: the file is damaged")
def _a_list_of_four_billion_tables(path: Path) -> None:
    layout = struct.pack("<HHHHHHH", 14, 8, 0, 0, 4, 0, 4)  # fields 2 and 4 at +4
    table = struct.pack("<iI", 14 + 2, 4)  # the layout lies before it; the list right after it
    path.write_bytes(
        b"\x18\x00\x00\x00TFL3" + layout + bytes(2) + table + struct.pack("<I", 2**32 - 1) + bytes(32)
    )


def _field(number: int, value: int | bytes) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _constant(name: str, shape: list[int], tensor: bytes) -> bytes:
    dims = b"".join(_field(2, _field(1, size)) for size in shape)
    value = _field(8, _field(1, 1) + _field(2, dims) + tensor)
    attribute = _field(5, _field(1, b"value") + _field(2, value))
    return _field(1, _field(1, name.encode()) + _field(2, b"Const") + attribute)


@hostile("pb", "1 of another shape (row/kernel 1099511627776 for row/kernel 200 x 7)")
def _a_constant_that_repeats_one_value_for_terabytes(path: Path) -> None:
    path.write_bytes(_constant("row/kernel", [2**40], _field(5, struct.pack("<f", 1.0))))


@hostile("pb", "has a constant of 4 bytes for 1,400 numbers")
def _a_constant_of_too_few_bytes(path: Path) -> None:
    made = arrays()
    path.write_bytes(
        b"".join(
            _constant(
                name, list(array.shape), _field(4, b"1234" if name == "row/kernel" else array.tobytes())
            )
            for name, array in made.items()
        )
    )


@hostile("pb", "has a constant of no fixed shape")
def _a_constant_of_minus_one(path: Path) -> None:
    path.write_bytes(_constant("row/kernel", [2**64 - 1], b""))


@hostile("pb", "the weights cannot be read: the file is damaged")
def _a_message_longer_than_the_file(path: Path) -> None:
    path.write_bytes(b"\n" + _varint(2**40) + b"short")


@hostile("pb", "the weights cannot be read: the file is damaged")
def _a_number_without_end(path: Path) -> None:
    path.write_bytes(b"\n" + b"\xff" * 100)


# --- what is no file of weights ------------------------------------------------------------------


@hostile("h5", "is empty")
def _nothing(path: Path) -> None:
    path.write_bytes(b"")


@hostile("h5", "is no file of weights that is known here")
def _noise(path: Path) -> None:
    path.write_bytes(random.Random(0).randbytes(100_000))


@hostile("h5", "the weights cannot be read: the file is damaged")
def _a_beginning_alone(path: Path) -> None:
    path.write_bytes(_good_hdf5(path.parent)[:1000])


@hostile("gz", "is packed (gzip); unpack it first")
def _packed_as_a_whole(path: Path) -> None:
    path.write_bytes(b"\x1f\x8b" + bytes(100))


@hostile("pkl", "is no file of weights that is known here")
def _a_bare_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"row/kernel": print}))


@hostile("fifo", "is not a regular file")
def _a_pipe(path: Path) -> None:
    os.mkfifo(path)


@hostile("h5", "is not a regular file")
def _a_link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_suffix(".pipe"))
    path.symlink_to(path.with_suffix(".pipe"))


@hostile("h5", "is not a regular file")
def _a_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@hostile("d", "is a folder and no SavedModel")
def _a_folder(path: Path) -> None:
    path.mkdir()


@hostile("d", "wanted ")
def _a_saved_model_without_variables(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\x08\x01")


@hostile("index", "and its .data files beside it")
def _an_index_alone(path: Path) -> None:
    path.write_bytes(bytes(100))


@hostile("h5", "Too many levels of symbolic links")
def _a_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


# --- all of them ---------------------------------------------------------------------------------

CHILD = """
import json, re, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
sys.path.insert(0, sys.argv[1])
from helpers.weights_files import try_to_load
for path in sys.stdin.read().split("\\n"):
    said = try_to_load(path)
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
    print(json.dumps([said, peak]), flush=True)
print(json.dumps(sorted({"tensorflow", "keras", "torch"} & set(sys.modules))))
"""


@pytest.fixture(scope="module")
def hostile_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All of them, made once."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = {name: folder / f"{name}.{ending}" for name, (ending, _, _) in HOSTILE.items()}
    for name, path in paths.items():
        HOSTILE[name][1](path)
    return paths


@pytest.fixture(scope="module")
def told(hostile_files: dict[str, Path]) -> dict[str, tuple[str, int]]:
    """What a fresh process says of each hostile file, and how much memory it had taken by then, in MB."""
    paths = list(hostile_files.values())
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(Path(__file__).parents[1])],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(paths) + 1, f"it died on {paths[len(lines)]}: {done.stderr[-2000:]}"
    assert lines[-1] == []
    return dict(zip(HOSTILE, map(tuple, lines), strict=False))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_name(told: dict[str, tuple[str, int]], name: str) -> None:
    """One sentence that says what the trap is; never an exception of a library, never a hang."""
    said, _ = told[name]

    assert HOSTILE[name][2] in said
    assert "\n" not in said
    assert len(said) < 600


def test_no_hostile_file_takes_memory(told: dict[str, tuple[str, int]]) -> None:
    """All of them together stay under 300 MB, with Python and the libraries."""
    worst = max(told, key=lambda name: told[name][1])

    assert told[worst][1] < BOUND_MB, worst


def test_a_good_file_is_read_where_the_hostile_are_refused(tmp_path: Path) -> None:
    """What is refused is the trap, not the format: packed and plain files of every writer here load."""
    made = arrays()
    keras_2(tmp_path / "plain.h5", made)
    keras_2(tmp_path / "packed.h5", made)
    with h5py.File(tmp_path / "packed.h5", "r+") as file:
        _replace(
            file,
            ROW,
            data=made["row/kernel"],
            chunks=(100, 3),
            compression="gzip",
            shuffle=True,
            fletcher32=True,
        )
    _archive(tmp_path / "good.keras", {"model.weights.h5": _good_hdf5(tmp_path), "config.json": b"{"})
    with (tmp_path / "good.npz").open("wb") as npz:
        np.savez_compressed(npz, **made)  # type: ignore[arg-type]
    safetensors(tmp_path / "good.safetensors", made)
    constants = [_constant(name, list(a.shape), _field(4, a.tobytes())) for name, a in made.items()]
    (tmp_path / "good.pb").write_bytes(b"".join(constants))

    names = ("plain.h5", "packed.h5", "good.keras", "good.npz", "good.safetensors", "good.pb")
    assert {name: try_to_load(str(tmp_path / name)) for name in names} == dict.fromkeys(names, "loaded")


def test_too_many_objects_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups, members and nodes are counted before they are gone through."""
    monkeypatch.setattr(hdf5, "MAX_OBJECTS", 10)
    monkeypatch.setattr(zip_archive, "MAX_MEMBERS", 3)
    monkeypatch.setattr("specfeat.weights.files.frozen_graph.MAX_NODES", 5)
    keras_2(tmp_path / "a.h5", arrays())
    _archive(tmp_path / "a.keras", {f"{i}": b"" for i in range(4)})
    (tmp_path / "a.pb").write_bytes(_constant("a", [2], b"") * 6)

    assert "brings it to more than 10 objects" in try_to_load(str(tmp_path / "a.h5"))
    assert "has 4 members; wanted 3 or fewer" in try_to_load(str(tmp_path / "a.keras"))
    assert "has more than 5 nodes" in try_to_load(str(tmp_path / "a.pb"))


def test_a_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not opened, for that would fail or wait."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")

        assert try_to_load("s") == "is not a regular file; wanted a file of weights"


def test_in_a_frozen_graph_pytorchs_word_tells_nothing(tmp_path: Path) -> None:
    """A constant called `weight` that no operation reads may be in either framework's order of axes."""
    (tmp_path / "w.pb").write_bytes(_constant("a/weight", [2, 2], _field(4, bytes(16))))

    with open_weights_file(locate_weights(str(tmp_path / "w.pb"))) as contents:
        assert [(array.layer, array.role, array.layout) for array in contents.arrays] == [
            ("a", "kernel", "unclear")
        ]


# --- nothing runs --------------------------------------------------------------------------------


def test_a_lambda_in_a_keras_file_is_not_looked_at(tmp_path: Path) -> None:
    """CVE-2024-3660, CVE-2025-1550, -8747, -9905, -9906: the model's config could run code; only arrays are read."""
    marker = tmp_path / "ran"
    code = compile(f"open({str(marker)!r}, 'w')", "x", "exec")
    function = {"class_name": "__lambda__", "config": {"code": repr(code)}}
    lambda_layer = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": function}}
    call = {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"}
    model = {"class_name": "Sequential", "config": {"layers": [lambda_layer, call]}}
    metadata = {"keras_version": "3.0.0"}
    _archive(
        tmp_path / "bad.keras",
        {
            "metadata.json": json.dumps(metadata).encode(),
            "config.json": json.dumps(model).encode(),
            "model.weights.h5": _good_hdf5(tmp_path),
        },
    )
    keras_2(tmp_path / "bad.h5", arrays(), "model_weights")
    with h5py.File(tmp_path / "bad.h5", "r+") as file:
        file.attrs["model_config"] = json.dumps(model)

    assert try_to_load(str(tmp_path / "bad.keras")) == "loaded"
    assert try_to_load(str(tmp_path / "bad.h5")) == "loaded"
    assert not marker.exists()


FORBIDDEN = {
    "load_model", "model_from_json", "from_config_file", "deserialize", "deserialize_keras_object", "load_weights_from",
    "Interpreter", "import_graph_def", "allow_pickle", "eval", "exec", "extractall", "extract_all", "Unpickler", "loads",
}  # fmt: skip
# Where one of these words is not the dangerous one.
HARMLESS = {
    ("safetensors.py", "loads"),
    ("keras_files.py", "loads"),
    ("front_end.py", "loads"),
    ("npz.py", "allow_pickle"),
}


def test_no_reader_could_run_anything() -> None:
    """`keras.models.load_model` and its like are nowhere in the source; pickles are refused, archives never unpacked."""
    source = Path(__file__).parents[2] / "src" / "specfeat"
    found = set()
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "arg", None)
            if name in FORBIDDEN and (path.parent.name == "weights" or name == "load_model"):
                found.add((path.name, name))

    assert found == HARMLESS
    assert "allow_pickle=False" in (source / "network" / "weights" / "npz.py").read_text()
    assert "weights_only=True" in (source / "network" / "weights" / "torch_file.py").read_text()


@pytest.mark.parametrize(
    "address", ["https://example.org/w.h5", "http://h/w.h5", "ftp://h/w.npz", "file:///w.h5"]
)
def test_an_address_is_no_file(tmp_path: Path, address: str) -> None:
    """Nothing is downloaded because a config says so."""
    from specfeat.config import load_config

    (tmp_path / "c.yaml").write_text(CONFIG.replace("{random: 3}", f"{{file: '{address}'}}"))

    with pytest.raises(ConfigError, match=r"model\.weights\.file: is an address, '.*', and nothing is downl"):
        load_config(tmp_path / "c.yaml")
    with pytest.raises(WeightsError, match="is an address, and nothing is downloaded here"):
        locate_weights(address)


# --- noise ---------------------------------------------------------------------------------------

FUZZ = """
import pathlib, random, sys
sys.path.insert(0, sys.argv[1])
from helpers.weights_files import try_to_load
path, chance, ways = pathlib.Path(sys.argv[2]), random.Random(int(sys.argv[3])), set()
good = path.read_bytes()
for _ in range(int(sys.argv[4])):
    data = bytearray(good)
    for _ in range(chance.choice([1, 1, 4, 30])):
        at = chance.randrange(len(data))
        kind = chance.randrange(4)
        if kind == 0: data[at] ^= 1 << chance.randrange(8)
        elif kind == 1: data[at:at + 4] = chance.choice([b"\\xff" * 4, b"\\0" * 4, b"\\x7f\\xff\\xff\\xff"])
        elif kind == 2: del data[at:at + chance.randrange(1, 64)]
        else: data[at:at] = data[chance.randrange(len(data)):][:chance.randrange(1, 64)]
        if not data: data = bytearray(b"x")
    path.write_bytes(data)
    ways.add(try_to_load(str(path))[:40])
print(len(ways))
"""


def _fuzzed() -> dict[str, Callable[[Path], object]]:
    constants = [_constant(name, list(a.shape), _field(4, a.tobytes())) for name, a in arrays().items()]
    npz = io.BytesIO()
    np.savez(npz, **arrays())  # type: ignore[arg-type]
    return {
        "h5": lambda path: keras_2(path, arrays()),
        "keras": lambda path: _archive(path, {"model.weights.h5": _good_hdf5(path.parent)}),
        "npz": lambda path: path.write_bytes(npz.getvalue()),
        "safetensors": lambda path: safetensors(path, arrays()),
        "pb": lambda path: path.write_bytes(b"".join(constants)),
    }


@pytest.mark.parametrize("ending", _fuzzed())
def test_damage_of_any_kind_is_one_sentence(tmp_path: Path, ending: str) -> None:
    """Flipped bits, cut and doubled pieces: loaded or refused, never an exception of a library, never a crash."""
    path = tmp_path / f"w.{ending}"
    _fuzzed()[ending](path)
    command = [sys.executable, "-c", FUZZ, str(Path(__file__).parents[1]), str(path), "1", "150"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= 3


def test_opened_closes_what_it_opened(tmp_path: Path, hostile_files: dict[str, Path]) -> None:
    """A refusal leaves no file open behind it."""
    keras_2(tmp_path / "a.h5", arrays())
    before = len(list(Path("/proc/self/fd").iterdir()))
    with open_weights_file(locate_weights(str(tmp_path / "a.h5"))):
        pass
    for name, path in hostile_files.items():
        if path.suffix in (".h5", ".npz", ".safetensors", ".keras") and "bomb" not in name:
            try_to_load(str(path))

    assert len(list(Path("/proc/self/fd").iterdir())) == before
