"""One small network and its arrays, and the files that the tests of weights write of them."""

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
# All sizes differ, so that no swapped axis can pass: 14 x 10 x 1, 11 x 8 x 3, 10 x 6 x 6, 8 x 5 x 5, 200.
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


def arrays(seed: int = 0) -> Arrays:
    """Numbers for every array of the network; variances above 0."""
    chance = np.random.default_rng(seed)
    made = {name: chance.normal(0, 0.3, shape).astype(np.float32) for name, shape in SHAPES.items()}
    made["block/bn/moving_variance"] = np.abs(made["block/bn/moving_variance"]) + np.float32(0.5)
    return made


def config(folder: Path, weights: Mapping[str, object], text: str = CONFIG, *overrides: str) -> Config:
    """Read the network's config with these weights."""
    (folder / "net.yaml").write_text(text.replace("{random: 3}", json.dumps(weights)))
    return load_config(folder / "net.yaml", overrides)


def built(folder: Path, weights: Mapping[str, object], text: str = CONFIG, *overrides: str) -> Any:
    """Build the network with these weights."""
    from specfeat.network.build import build_network

    return build_network(config(folder, weights, text, *overrides), "cpu")


def held(network: Any) -> Arrays:
    """The arrays that a built network holds, by our names."""
    return {
        f"{layer.name.replace('.', '/')}/{variable.name}": np.asarray(variable)
        for layer in network.model.layers
        for variable in layer.weights
    }


def same(one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]) -> None:
    """Check that two sets of arrays are equal to the bit."""
    assert list(one) == list(other)
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def keras_2(
    path: Path, made: Arrays, top: str = "", words: Mapping[str, str] | None = None, dtype: Any = np.bytes_
) -> Path:
    """Write the layout of Keras 2's `save_weights`, or below `model_weights` that of `save`.

    Args:
        path: where to.
        made: the arrays, by layer and role.
        top: the group around all.
        words: for an array's name, what `weight_names` says instead.
        dtype: of the names: of one length, as old versions of h5py wrote them, or of any (`object`).
    """
    layers: dict[str, list[str]] = {}
    for name in made:
        layers.setdefault(name.rpartition("/")[0], []).append(name)
    with h5py.File(path, "w") as file:
        group = file.require_group(top) if top else file
        group.attrs["layer_names"] = np.array([layer.encode() for layer in layers], dtype)
        group.attrs["backend"] = b"tensorflow"
        for layer, names in layers.items():
            inner = group.create_group(layer)
            written = {name: f"{(words or {}).get(name, name)}:0" for name in names}
            inner.attrs["weight_names"] = np.array([word.encode() for word in written.values()], dtype)
            for name, word in written.items():
                inner[word] = made[name]
    return path


def torch_state(made: Arrays) -> Arrays:
    """The same arrays under PyTorch's names and in its axes; rows after the Flatten go channel by channel."""
    rows = made["row/kernel"].reshape(8, 5, 5, 7)
    return {
        "block.conv.weight": made["block/conv/kernel"].transpose(3, 2, 0, 1),
        "block.bn.weight": made["block/bn/gamma"],
        "block.bn.bias": made["block/bn/beta"],
        "block.bn.running_mean": made["block/bn/moving_mean"],
        "block.bn.running_var": made["block/bn/moving_variance"],
        "block.bn.num_batches_tracked": np.array(7),
        "depth.weight": made["depth/kernel"].transpose(2, 3, 0, 1).reshape(6, 1, 2, 3),
        "depth.bias": made["depth/bias"],
        "sep.depthwise.weight": made["sep/depthwise_kernel"].transpose(2, 3, 0, 1),
        "sep.pointwise.weight": made["sep/pointwise_kernel"].transpose(3, 2, 0, 1),
        "sep.pointwise.bias": made["sep/bias"],
        "row.weight": rows.transpose(3, 2, 0, 1).reshape(7, 200),
        "row.bias": made["row/bias"],
        "head.weight": made["head/kernel"].T,
        "head.bias": made["head/bias"],
    }


def safetensors(path: Path, made: Mapping[str, NDArray[Any]]) -> Path:
    """Write the safetensors format."""
    names = {"float32": "F32", "float16": "F16", "int64": "I64", "float64": "F64"}
    header, data = {}, b""
    for name, array in made.items():
        end = len(data) + array.nbytes
        header[name] = {
            "dtype": names[str(array.dtype)],
            "shape": array.shape,
            "data_offsets": [len(data), end],
        }
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def try_to_load(path: str) -> str:
    """Do with a file all that `load_weights` does before it has TensorFlow set the variables; say how it went.

    For a process that never loads TensorFlow, so that its memory can be measured.
    """
    from specfeat.errors import WeightsError
    from specfeat.weights.files.formats import open_weights_file
    from specfeat.weights.files.source import locate_weights
    from specfeat.weights.load import read_slot_values
    from specfeat.weights.matching.match import match_arrays

    try:
        source = locate_weights(path)
        source.sha256()
        with open_weights_file(source) as contents:
            plan = match_arrays(slots(), contents, "name", {})
            plan.check()
            for slot, array in plan.pairs:
                read_slot_values(slot, array)
    except WeightsError as e:
        return str(e)
    return "loaded"


def slots() -> list[Any]:
    """The places of the test's network, without Keras."""
    from specfeat.weights.matching.slots import Slot

    kinds = {
        "block/conv": ("Conv2D", "layers/conv2d"),
        "block/bn": ("BatchNormalization", "layers/batch_normalization"),
        "depth": ("DepthwiseConv2D", "layers/depthwise_conv2d"),
        "sep": ("SeparableConv2D", "layers/separable_conv2d"),
        "row": ("Dense", "layers/dense"),
        "head": ("Dense", "layers/dense_1"),
    }
    found = []
    counts: dict[str, int] = {}
    for name, shape in SHAPES.items():
        layer, _, role = name.rpartition("/")
        kind, place = kinds[layer]
        index = counts[layer] = counts.get(layer, -1) + 1
        found.append(Slot(layer=layer, kind=kind, role=role, index=index, shape=shape, keras_path=place))
    return found
