"""The numbers of objects in a weights file are limited. Lower limits show it with small files.

`test_hostile_weights.py` has the files that are just above the real limits; some of them only in the long form.
"""

import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from helpers.hostile_weights.containers import encode_constant, encode_field, encode_varint, write_archive
from helpers.hostile_weights.hdf5 import ROW, replace_dataset
from helpers.hostile_weights.onnx import encode_tensor, write_onnx
from helpers.weights_files import make_arrays, try_to_load, write_keras_2, write_npz
from specfeat.weights.files import hdf5, hdf5_values, limits, protobuf, torch_pickle, zip_archive

# One number of an array, each with its own field: in a TensorFlow constant, and in an ONNX tensor.
NUMBER = encode_varint(5 << 3 | 5) + struct.pack("<f", 1.0)
NUMBER_OF_ONNX = encode_varint(4 << 3 | 5) + struct.pack("<f", 1.0)


def test_too_many_objects_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups, members, nodes and the inputs of nodes are counted before they are read."""
    monkeypatch.setattr(hdf5, "MAX_OBJECTS", 10)
    monkeypatch.setattr(hdf5_values, "MAX_CHUNKS", 2)
    monkeypatch.setattr(zip_archive, "MAX_MEMBERS", 3)
    monkeypatch.setattr("specfeat.weights.files.graph_nodes.MAX_NODES", 5)
    write_keras_2(tmp_path / "a.h5", make_arrays())
    write_archive(tmp_path / "a.keras", {f"{i}": b"" for i in range(4)})
    (tmp_path / "a.pb").write_bytes(encode_constant("a", [2], b"") * 6)

    for chunks in ((100, 7), (99, 7)):
        write_keras_2(tmp_path / f"{chunks[0]}.h5", make_arrays())
        with h5py.File(tmp_path / f"{chunks[0]}.h5", "r+") as file:
            replace_dataset(file, ROW, data=make_arrays()["row/kernel"], chunks=chunks)

    assert "has more than 10 objects" in try_to_load(str(tmp_path / "a.h5"))
    monkeypatch.setattr(hdf5, "MAX_OBJECTS", 100)
    assert try_to_load(str(tmp_path / "100.h5")) == "loaded"
    assert "has 3 chunks; wanted 2 or fewer" in try_to_load(str(tmp_path / "99.h5"))
    assert "has 4 members; wanted 3 or fewer" in try_to_load(str(tmp_path / "a.keras"))
    assert "has more than 5 nodes" in try_to_load(str(tmp_path / "a.pb"))
    (tmp_path / "b.pb").write_bytes(encode_field(1, encode_field(3, b"node" * 3) * 5))
    monkeypatch.setattr("specfeat.weights.files.graph_nodes.MAX_INPUT_BYTES", 50)
    assert "has more than 50 bytes of names in the inputs" in try_to_load(str(tmp_path / "b.pb"))


@pytest.mark.parametrize("ending", ["h5", "npz", "pb"])
def test_too_many_arrays_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """The arrays of a file are counted while they are listed."""
    arrays = make_arrays()
    path = tmp_path / f"a.{ending}"
    if ending == "h5":
        write_keras_2(path, arrays)
    elif ending == "npz":
        write_npz(path, arrays)
    else:
        constants = (
            encode_constant(name, list(array.shape), encode_field(4, array.tobytes()))
            for name, array in arrays.items()
        )
        path.write_bytes(b"".join(constants))
    monkeypatch.setattr(limits, "MAX_ARRAYS", len(arrays))
    assert try_to_load(str(path)) == "loaded"
    monkeypatch.setattr(limits, "MAX_ARRAYS", len(arrays) - 1)

    assert f"has more than {len(arrays) - 1} arrays; wanted fewer" in try_to_load(str(path))


FIELDS: dict[str, Callable[[Path], object]] = {
    "a.pb": lambda path: path.write_bytes(encode_field(1, encode_field(3, b"") * 1001)),
    "a.onnx": lambda path: write_onnx(path, encode_field(1, encode_field(1, b"") * 1001)),
    "numbers.pb": lambda path: path.write_bytes(encode_constant("row/kernel", [500], NUMBER * 500)),
    "numbers.onnx": lambda path: write_onnx(
        path, encode_field(5, encode_tensor("row.weight", [1001]) + NUMBER_OF_ONNX * 1001)
    ),
}


@pytest.mark.parametrize("name", FIELDS)
def test_too_many_fields_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The inputs of a node are fields, and the numbers of an array that come one by one."""
    monkeypatch.setattr(protobuf, "MAX_FIELDS", 1000)
    FIELDS[name](tmp_path / name)

    assert "has more than 1,000 fields beside its arrays; wanted fewer" in try_to_load(str(tmp_path / name))


def test_the_operations_and_objects_of_pickles_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pickle of a kilobyte can have a million operations, and can make objects again and again."""
    monkeypatch.setattr(torch_pickle, "MAX_OPERATIONS", 1000)
    monkeypatch.setattr(torch_pickle, "MAX_OBJECTS", 100)
    write_archive(tmp_path / "a.pt", {"x/data.pkl": b"\x80\x02" + b"(0" * 501 + b"."})
    front = b"\x80\x02ccollections\nOrderedDict\nq\x00)q\x01"
    write_archive(tmp_path / "b.pt", {"x/data.pkl": front + b"h\x00h\x01R0" * 101 + b"."})

    assert "has a pickle of more than 1,000 operations; wanted fewer" in try_to_load(str(tmp_path / "a.pt"))
    assert "has a pickle of more than 100 objects; wanted fewer" in try_to_load(str(tmp_path / "b.pt"))
