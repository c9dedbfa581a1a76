"""Paths that lead to no weights file: noise, pipes, devices, folders, links."""

import os
import pickle
import random
from pathlib import Path

from helpers.hostile_weights.containers import make_good_hdf5
from helpers.hostile_weights.registry import hostile


@hostile("h5", "is empty")
def nothing(path: Path) -> None:
    path.write_bytes(b"")


@hostile("h5", "is not a weights file of a known format")
def noise(path: Path) -> None:
    path.write_bytes(random.Random(0).randbytes(100_000))


@hostile("h5", "the weights cannot be read: the file is damaged")
def only_the_beginning(path: Path) -> None:
    path.write_bytes(make_good_hdf5(path.parent)[:1000])


@hostile("gz", "is compressed (gzip); unpack it first")
def compressed_as_a_whole(path: Path) -> None:
    path.write_bytes(b"\x1f\x8b" + bytes(100))


@hostile("pkl", "is not a weights file of a known format")
def a_bare_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"row/kernel": print}))


@hostile("fifo", "is not a regular file")
def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@hostile("h5", "is not a regular file")
def a_link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_suffix(".pipe"))
    path.symlink_to(path.with_suffix(".pipe"))


@hostile("h5", "is not a regular file")
def a_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@hostile("d", "is a folder, but not a SavedModel")
def a_folder(path: Path) -> None:
    path.mkdir()


@hostile("d", "wanted ")
def a_saved_model_without_variables(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\x08\x01")


@hostile("index", "and the .data files beside it")
def an_index_alone(path: Path) -> None:
    path.write_bytes(bytes(100))


@hostile("h5", "Too many levels of symbolic links")
def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path)
