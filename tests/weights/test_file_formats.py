"""Weights of every format come into the network complete: each array once, in its slot, in Keras' axes."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers.weights_files import (
    Arrays,
    assert_same_arrays,
    build_small_network,
    make_arrays,
    make_torch_state,
    read_network_arrays,
    write_keras_2,
    write_npz,
    write_safetensors,
)

pytestmark = pytest.mark.tf


def _write_keras_3(folder: Path, arrays: Arrays, name: str) -> Path:
    """Let Keras itself write the arrays, in the layout that belongs to the name."""
    model = build_small_network(folder, {"random": 0}).model
    for layer in model.layers:
        for variable in layer.weights:
            variable.assign(arrays[f"{layer.name.replace('.', '/')}/{variable.name}"])
    (model.save if name.endswith((".keras", "whole.h5")) else model.save_weights)(folder / name)
    return folder / name


WRITERS: dict[str, Callable[[Path, Arrays], Path]] = {
    "Keras 3 weights": lambda folder, arrays: _write_keras_3(folder, arrays, "w.weights.h5"),
    "Keras 3 archive": lambda folder, arrays: _write_keras_3(folder, arrays, "w.keras"),
    "Keras 3 whole model in HDF5": lambda folder, arrays: _write_keras_3(folder, arrays, "whole.h5"),
    "Keras 2 weights": lambda folder, arrays: write_keras_2(folder / "w.h5", arrays),
    "Keras 2 weights, names of any length": lambda folder, arrays: write_keras_2(
        folder / "w.h5", arrays, name_dtype=h5py.string_dtype()
    ),
    "Keras 2 whole model": lambda folder, arrays: write_keras_2(folder / "w.hdf5", arrays, "model_weights"),
    "npz with the config's names": lambda folder, arrays: write_npz(folder / "w.npz", arrays),
    "npz with PyTorch's names": lambda folder, arrays: write_npz(folder / "w.npz", make_torch_state(arrays)),
    "safetensors with the config's names": lambda folder, arrays: write_safetensors(
        folder / "w.safetensors", arrays
    ),
    "safetensors with PyTorch's names": lambda folder, arrays: write_safetensors(
        folder / "w.safetensors",
        {name: np.ascontiguousarray(a) for name, a in make_torch_state(arrays).items()},
    ),
}


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_every_array_comes_into_its_slot(tmp_path: Path, writer: Callable[[Path, Arrays], Path]) -> None:
    """Whichever program wrote the file, the network has the same arrays, to the bit."""
    arrays = make_arrays()
    path = writer(tmp_path, arrays)

    network = build_small_network(tmp_path, {"file": str(path)})

    assert_same_arrays(arrays, read_network_arrays(network))
    assert network.weights["file"] == str(path)
    assert len(str(network.weights["sha256"])) == 64
    assert network.row_function.trace_count == 1


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_half_and_double_precision_become_float32(tmp_path: Path, dtype: str) -> None:
    """Half and double precision are read; the network computes in single precision."""
    arrays = {name: array.astype(dtype) for name, array in make_arrays().items()}

    network = build_small_network(tmp_path, {"file": str(write_npz(tmp_path / "w.npz", arrays))})

    assert_same_arrays(
        {name: array.astype(np.float32) for name, array in arrays.items()}, read_network_arrays(network)
    )


def test_bfloat16_is_the_upper_half_of_a_float32(tmp_path: Path) -> None:
    """A safetensors file of type BF16 gives the numbers that its bits stand for."""
    arrays = {name: (a.view(np.uint32) & 0xFFFF0000).view(np.float32) for name, a in make_arrays().items()}
    path = write_safetensors(
        tmp_path / "w.safetensors",
        {n: (a.view(np.uint32) >> 16).astype(np.uint16).view(np.float16) for n, a in arrays.items()},
    )
    path.write_bytes(path.read_bytes().replace(b'"F16"', b'"BF16"').replace(b"{", b"{", 1))
    _write_header_length(path)

    assert_same_arrays(arrays, read_network_arrays(build_small_network(tmp_path, {"file": str(path)})))


def _write_header_length(path: Path) -> None:
    """Correct the length of the header after its text has changed."""
    data = path.read_bytes()
    end = data.index(b"}}") + 2
    path.write_bytes((end - 8).to_bytes(8, "little") + data[8:])
