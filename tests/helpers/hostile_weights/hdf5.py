"""HDF5 files: links and storage elsewhere, wrong sizes, bombs, circles, and types that are not numbers."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from helpers.hostile_weights.containers import pack_zeros
from helpers.hostile_weights.registry import hostile
from helpers.weights_files import make_arrays, write_keras_2


def change_good_hdf5(path: Path, change: Callable[[h5py.File], None]) -> None:
    """Write a good file and change one thing in it."""
    write_keras_2(path, make_arrays())
    with h5py.File(path, "r+") as file:
        change(file)


def replace_dataset(file: h5py.File, name: str, **options: Any) -> None:
    """Replace a dataset by one with the given options of `create_dataset`."""
    del file[name]
    file.create_dataset(name, **options)


ROW = "row/row/kernel:0"  # 200 x 7 numbers in a good file


@hostile("h5", f"/{ROW} has external storage: its numbers lie in other files")
def external_storage(path: Path) -> None:  # CVE-2026-1669
    secret = path.with_suffix(".secret")
    secret.write_bytes(bytes(5600))
    change_good_hdf5(
        path, lambda f: replace_dataset(f, ROW, shape=(200, 7), dtype="f4", external=[(str(secret), 0, 5600)])
    )


@hostile("h5", f"/{ROW} is an external link")
def external_link(path: Path) -> None:
    write_keras_2(path.with_suffix(".other"), make_arrays())

    def change(file: h5py.File) -> None:
        del file[ROW]
        file[ROW] = h5py.ExternalLink(str(path.with_suffix(".other")), f"/{ROW}")

    change_good_hdf5(path, change)


@hostile("h5", "/stray is a soft link")
def soft_link(path: Path) -> None:
    change_good_hdf5(path, lambda f: f.__setitem__("stray", h5py.SoftLink("/row")))


@hostile("h5", f"/{ROW} is a virtual dataset, composed of other files")
def virtual_dataset(path: Path) -> None:
    write_keras_2(path.with_suffix(".other"), make_arrays())

    def change(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(shape=(200, 7), dtype="f4")
        layout[:] = h5py.VirtualSource(path.with_suffix(".other"), ROW, shape=(200, 7))
        del file[ROW]
        file.create_virtual_dataset(ROW, layout)

    change_good_hdf5(path, change)


@hostile("h5", f"/{ROW} holds references")
def references(path: Path) -> None:
    change_good_hdf5(path, lambda f: replace_dataset(f, ROW, shape=(200, 7), dtype=h5py.ref_dtype))


@hostile("h5", f"/{ROW} holds lists of any length")
def lists_of_any_length(path: Path) -> None:
    change_good_hdf5(
        path, lambda f: replace_dataset(f, ROW, shape=(200, 7), dtype=h5py.vlen_dtype(np.float32))
    )


@hostile("h5", f"/{ROW} holds text")
def text(path: Path) -> None:
    change_good_hdf5(path, lambda f: replace_dataset(f, ROW, shape=(200, 7), dtype=h5py.string_dtype()))


@hostile("h5", f"/{ROW} holds records")
def records(path: Path) -> None:
    change_good_hdf5(
        path, lambda f: replace_dataset(f, ROW, shape=(200, 7), dtype=[("a", "f4"), ("b", "f4")])
    )


@hostile("h5", "/type is a stored type and not an array")
def stored_type(path: Path) -> None:
    change_good_hdf5(path, lambda f: f.__setitem__("type", np.dtype("f4")))


@hostile("h5", f"/{ROW} has no shape")
def no_shape(path: Path) -> None:
    change_good_hdf5(path, lambda f: replace_dataset(f, ROW, data=h5py.Empty("f4")))


@hostile("h5", "1 of another shape (row/row/kernel:0 1000000 x 1000000 for row/kernel 200 x 7)")
def shape_bomb(path: Path) -> None:  # CVE-2026-0897
    change_good_hdf5(
        path,
        lambda f: replace_dataset(
            f, ROW, shape=(10**6, 10**6), dtype="f4", chunks=(1000, 1000), compression="gzip"
        ),
    )


@hostile("h5", "1 of another shape (row/row/kernel:0 1099511627776 for row/kernel 200 x 7)")
def shape_bomb_never_written(path: Path) -> None:
    change_good_hdf5(path, lambda f: replace_dataset(f, ROW, shape=(2**40,), dtype="f8"))


@hostile("h5", f"/{ROW} has chunks of 1,600,000,000 bytes, but only 5,600 in all")
def chunk_bomb(path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file[ROW]
        file.create_dataset(
            ROW, (200, 7), "f4", chunks=(20_000, 20_000), maxshape=(None, None), compression="gzip"
        )

    change_good_hdf5(path, change)


@hostile("h5", f"/{ROW} has a chunk that is not compressed like the others")
def stream_bomb(path: Path) -> None:
    """All declared sizes are right, but the compressed stream continues for a gigabyte."""

    def change(file: h5py.File) -> None:
        replace_dataset(file, ROW, shape=(200, 7), dtype="f4", chunks=(200, 7), compression="gzip")
        packed = b"\x78\xda" + pack_zeros(1024)
        file[ROW].id.write_direct_chunk((0, 0), packed)

    change_good_hdf5(path, change)


@hostile("h5", f"/{ROW} has a chunk that unpacks to more than its 5,600 bytes")
def small_stream_bomb(path: Path) -> None:
    """A chunk within its size that unpacks to a thousand times as much."""

    def change(file: h5py.File) -> None:
        replace_dataset(file, ROW, shape=(200, 7), dtype="f4", chunks=(200, 7), compression="gzip")
        file[ROW].id.write_direct_chunk((0, 0), zlib.compress(bytes(5_000_000), 9))

    change_good_hdf5(path, change)


@hostile("h5", f"/{ROW} is compressed several times")
def packed_twice(path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file[ROW]
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((200, 7))
        properties.set_deflate(9)
        properties.set_deflate(9)
        space = h5py.h5s.create_simple((200, 7))
        h5py.h5d.create(file["row/row"].id, b"kernel:0", h5py.h5t.IEEE_F32LE, space, properties)

    change_good_hdf5(path, change)


@hostile("h5", f"/{ROW} is compressed by the filter lzf")
def another_filter(path: Path) -> None:
    change_good_hdf5(path, lambda f: replace_dataset(f, ROW, shape=(200, 7), dtype="f4", compression="lzf"))


@hostile("h5", f"/{ROW} is compressed by the filter number 32015")
def filter_of_a_plugin(path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file[ROW]
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((200, 7))
        properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
        space = h5py.h5s.create_simple((200, 7))
        h5py.h5d.create(file["row/row"].id, b"kernel:0", h5py.h5t.IEEE_F32LE, space, properties)

    change_good_hdf5(path, change)


@hostile("h5", "/row/loop is a second name of another object")
def a_circle_of_groups(path: Path) -> None:
    change_good_hdf5(path, lambda f: f["row"].__setitem__("loop", f["/"]))


@hostile("h5", "/row/twin is a second name of another object")
def one_array_under_two_names(path: Path) -> None:
    change_good_hdf5(path, lambda f: f["row"].__setitem__("twin", f["head/head/kernel:0"]))


@hostile("h5", "groups deep; wanted fewer")
def groups_without_end(path: Path) -> None:
    def change(file: h5py.File) -> None:
        group = file["row"]
        for _ in range(3000):
            group = group.create_group("g")

    change_good_hdf5(path, change)


@hostile("h5", "bytes of attributes; wanted fewer")
def an_attribute_of_20_megabytes(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        file["a/kernel:0"] = np.zeros(3, np.float32)
        file.attrs["layer_names"] = np.zeros(1000, "S20000")


@hostile("h5", "bytes in addition to its arrays; wanted at most 67,108,864")
def an_attribute_of_text_that_nobody_reads(path: Path) -> None:
    """Texts of any length are read completely before their length shows, so the file is limited to 64 MB of them."""
    with h5py.File(path, "w", libver="latest") as file:
        file["a/kernel:0"] = np.zeros(3, np.float32)
        file.attrs.create("layer_names", ["x" * 2**20] * 260, dtype=h5py.string_dtype())


@hostile("h5", "names row/absent:0 in weight_names, but has no such array")
def a_name_without_an_array(path: Path) -> None:
    change_good_hdf5(path, lambda f: f["row"].attrs.__setitem__("weight_names", np.array([b"absent:0"])))


@hostile("h5", "has more than 10,000 arrays; wanted fewer")
def datasets_without_end(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        space = h5py.h5s.create_simple((1,))
        groups = [file.create_group(name).id for name in ("a", "b")]
        for i in range(10_001):
            h5py.h5d.create(groups[i % 2], b"kernel%d" % i, h5py.h5t.IEEE_F32LE, space)


@hostile("h5", "has 40,000 objects in /; wanted 10,000 or fewer")
def datasets_in_one_group_without_end(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        space = h5py.h5s.create_simple((1,))
        for i in range(40_000):
            h5py.h5d.create(file.id, b"kernel%d" % i, h5py.h5t.IEEE_F32LE, space)


@hostile("h5", "has more than 40,000 objects, counted up to /4; wanted fewer")
def groups_side_by_side_without_end(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        for name in "01234":
            group = file.create_group(name).id
            for i in range(8_000):
                h5py.h5g.create(group, b"g%d" % i)


@hostile("h5", "has a name of 60,000 bytes in /; wanted 1,000 or fewer")
def a_name_of_60_kilobytes(path: Path) -> None:
    change_good_hdf5(path, lambda f: f.__setitem__("x" * 60_000, np.zeros(3, np.float32)))


@hostile("h5", "has an array whose name has 18,")
def a_path_of_18_kilobytes(path: Path) -> None:
    change_good_hdf5(path, lambda f: f.__setitem__("/".join(["x" * 900] * 21), np.zeros(3, np.float32)))
