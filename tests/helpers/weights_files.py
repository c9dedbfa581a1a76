"""Makes a small network, its arrays, and weights files of several formats with these arrays."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from specfeat.config import Config, load_config

Arrays = dict[str, NDArray[np.float32]]

CONFIG = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 128, hop_length: 64, mel: {n_mels: 10}, compress: {db: {}}}
clips: {frames: 14}
model:
  layers:
    - Conv2D: {name: block/conv, filters: 3, kernel_size: [4, 3], use_bias: false}
    - BatchNormalization: {name: block/bn, epsilon: 1.0e-5}
    - ReLU: {name: block/relu}
    - DepthwiseConv2D: {name: depth, kernel_size: [2, 3], depth_multiplier: 2}
    - SeparableConv2D: {name: sep, filters: 5, kernel_size: [3, 2]}
    - Flatten: {name: flat}
    - Dense: {name: row, units: 7}
    - Dropout: {rate: 0.5}
    - Dense: {name: head, units: 2}
  features: row
  weights: {random: 3}
  batch: 4
"""
# All sizes differ, so that a test notices swapped axes: 14 x 10 x 1, 11 x 8 x 3, 10 x 6 x 6, 8 x 5 x 5, 200.
SHAPES = {
    "block/conv/kernel": (4, 3, 1, 3),
    "block/bn/gamma": (3,),
    "block/bn/beta": (3,),
    "block/bn/moving_mean": (3,),
    "block/bn/moving_variance": (3,),
    "depth/kernel": (2, 3, 3, 2),
    "depth/bias": (6,),
    "sep/depthwise_kernel": (3, 2, 6, 1),
    "sep/pointwise_kernel": (1, 1, 6, 5),
    "sep/bias": (5,),
    "row/kernel": (200, 7),
    "row/bias": (7,),
    "head/kernel": (7, 2),
    "head/bias": (2,),
}
CLIPS = np.random.default_rng(0).normal(size=(4, 14, 10, 1)).astype(np.float32)


def make_arrays(seed: int = 0) -> Arrays:
    """Make random values for all arrays of the network. Variances are positive."""
    generator = np.random.default_rng(seed)
    arrays = {name: generator.normal(0, 0.3, shape).astype(np.float32) for name, shape in SHAPES.items()}
    arrays["block/bn/moving_variance"] = np.abs(arrays["block/bn/moving_variance"]) + np.float32(0.5)
    return arrays


def load_small_config(
    folder: Path, weights: Mapping[str, object], text: str = CONFIG, *overrides: str
) -> Config:
    """Load the config of the network with these weights instead of {random: 3}."""
    (folder / "net.yaml").write_text(text.replace("{random: 3}", json.dumps(weights)))
    return load_config(folder / "net.yaml", overrides)


def build_small_network(
    folder: Path, weights: Mapping[str, object], text: str = CONFIG, *overrides: str
) -> Any:
    """Build the network with these weights on the CPU."""
    from specfeat.network.build import build_network

    return build_network(load_small_config(folder, weights, text, *overrides), "cpu")


def compute_rows(network: Any, clips: NDArray[np.float32] = CLIPS) -> NDArray[np.float32]:
    """Return the rows of one batch of clips."""
    rows: NDArray[np.float32] = network.compute_rows(clips)
    return rows


def read_network_arrays(network: Any) -> Arrays:
    """Return the arrays of a built network, by their names in the config."""
    return {
        f"{layer.name.replace('.', '/')}/{variable.name}": np.asarray(variable)
        for layer in network.model.layers
        for variable in layer.weights
    }


def assert_same_arrays(expected: Mapping[str, NDArray[Any]], actual: Mapping[str, NDArray[Any]]) -> None:
    """Assert that two sets of arrays have the same names in the same order, and the same bits."""
    assert list(expected) == list(actual)
    for name, array in expected.items():
        np.testing.assert_array_equal(array, actual[name], err_msg=name)


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write an .npz archive. The file may have any extension."""
    with path.open("wb") as file:
        # No array has the name of the parameter `allow_pickle`, which mypy cannot know.
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return path


def write_keras_2(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    top: str = "",
    weight_names: Mapping[str, str] | None = None,
    name_dtype: Any = np.bytes_,
) -> Path:
    """Write an HDF5 file with the layout of Keras 2.

    Args:
        path: the path of the file.
        arrays: the arrays, with names of layer and role.
        top: the group that contains all layers: "" for the layout of `save_weights`, "model_weights" for the layout
            of `save`.
        weight_names: the names in the attribute `weight_names` for arrays whose name there is not layer and role.
        name_dtype: the type of the texts in lists of names: texts of one length, as old versions of h5py wrote them,
            or texts of any length (`object`).
    """
    layers: dict[str, list[str]] = {}
    for name in arrays:
        layers.setdefault(name.rpartition("/")[0], []).append(name)
    with h5py.File(path, "w") as file:
        group = file.require_group(top) if top else file
        group.attrs["layer_names"] = np.array([layer.encode() for layer in layers], name_dtype)
        group.attrs["backend"] = b"tensorflow"
        for layer, names in layers.items():
            layer_group = group.create_group(layer)
            file_names = {name: f"{(weight_names or {}).get(name, name)}:0" for name in names}
            layer_group.attrs["weight_names"] = np.array(
                [n.encode() for n in file_names.values()], name_dtype
            )
            for name, file_name in file_names.items():
                layer_group[file_name] = arrays[name]
    return path


def make_torch_state(arrays: Arrays) -> Arrays:
    """Return the arrays with PyTorch's names and PyTorch's order of axes.

    PyTorch flattens channels first, so the rows of the first dense layer have another order as well.
    """
    rows = arrays["row/kernel"].reshape(8, 5, 5, 7)
    return {
        "block.conv.weight": arrays["block/conv/kernel"].transpose(3, 2, 0, 1),
        "block.bn.weight": arrays["block/bn/gamma"],
        "block.bn.bias": arrays["block/bn/beta"],
        "block.bn.running_mean": arrays["block/bn/moving_mean"],
        "block.bn.running_var": arrays["block/bn/moving_variance"],
        "block.bn.num_batches_tracked": np.array(7),
        "depth.weight": arrays["depth/kernel"].transpose(2, 3, 0, 1).reshape(6, 1, 2, 3),
        "depth.bias": arrays["depth/bias"],
        "sep.depthwise.weight": arrays["sep/depthwise_kernel"].transpose(2, 3, 0, 1),
        "sep.pointwise.weight": arrays["sep/pointwise_kernel"].transpose(3, 2, 0, 1),
        "sep.pointwise.bias": arrays["sep/bias"],
        "row.weight": rows.transpose(3, 2, 0, 1).reshape(7, 200),
        "row.bias": arrays["row/bias"],
        "head.weight": arrays["head/kernel"].T,
        "head.bias": arrays["head/bias"],
    }


def write_safetensors(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write a safetensors file."""
    type_names = {"float32": "F32", "float16": "F16", "int64": "I64", "float64": "F64"}
    header, data = {}, b""
    for name, array in arrays.items():
        end = len(data) + array.nbytes
        header[name] = {
            "dtype": type_names[str(array.dtype)],
            "shape": array.shape,
            "data_offsets": [len(data), end],
        }
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def try_to_load(path: str) -> str:
    """Do all steps of `load_weights` that need no TensorFlow, and return "loaded" or the error.

    This is for processes whose memory is measured, and which therefore must not load TensorFlow.
    """
    from specfeat.errors import WeightsError
    from specfeat.weights.files.formats import open_weights_file
    from specfeat.weights.files.source import locate_weights
    from specfeat.weights.load import read_slot_values
    from specfeat.weights.matching.match import match_arrays

    try:
        source = locate_weights(path)
        source.compute_sha256()
        with open_weights_file(source) as contents:
            result = match_arrays(make_slots(), contents, "name", {})
            result.raise_if_incomplete()
            for slot, array in result.pairs:
                read_slot_values(slot, array)
    except WeightsError as e:
        return str(e)
    return "loaded"


def make_slots() -> list[Any]:
    """Make the slots of the network without Keras."""
    from specfeat.weights.matching.slots import Slot

    layers = {
        "block/conv": ("Conv2D", "layers/conv2d"),
        "block/bn": ("BatchNormalization", "layers/batch_normalization"),
        "depth": ("DepthwiseConv2D", "layers/depthwise_conv2d"),
        "sep": ("SeparableConv2D", "layers/separable_conv2d"),
        "row": ("Dense", "layers/dense"),
        "head": ("Dense", "layers/dense_1"),
    }
    slots = []
    counts: dict[str, int] = {}
    for name, shape in SHAPES.items():
        layer, _, role = name.rpartition("/")
        kind, keras_path = layers[layer]
        index = counts[layer] = counts.get(layer, -1) + 1
        slots.append(Slot(layer=layer, kind=kind, role=role, index=index, shape=shape, keras_path=keras_path))
    return slots
