"""Trained weights of published networks, where they are at hand."""

import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from helpers.weights_files import (
    CONFIG,
    build_small_network,
    compute_rows,
    read_network_arrays,
)
from specfeat.config import load_config

pytestmark = pytest.mark.tf


def test_every_array_of_yamnets_file_is_read(shared: Path) -> None:
    """YAMNet's trained weights (Keras 2, names with slashes): every array is finite and has its layer's name."""
    from specfeat.weights.files.formats import open_weights_file
    from specfeat.weights.files.source import locate_weights

    path = shared / "reference" / "yamnet" / "yamnet_relu6.h5"
    if not path.exists():
        pytest.skip(f"no trained weights at {path}")
    with open_weights_file(locate_weights(str(path))) as contents, h5py.File(path) as file:
        values = {(array.layer, array.role): array.read() for array in contents.arrays}
        names = [name.decode() for name in file.attrs["layer_names"]]

    layers = ["layer1/conv"] + [
        f"layer{i}/{kind}" for i in range(2, 15) for kind in ("depthwise_conv", "pointwise_conv")
    ]
    assert list(dict.fromkeys(layer for layer, _ in values)) == names == [*layers, "dense"]
    assert sum(array.size for array in values.values()) == 3_729_481
    assert {role for _, role in values} == {"kernel", "depthwise_kernel", "bias"}
    assert all(np.isfinite(array).all() for array in values.values())


def test_yamnets_weights_give_the_reference_scores(shared: Path, tmp_path: Path) -> None:
    """The shipped network, with its norms folded into biases, gives the embedding and the scores of the reference."""
    folder = shared / "reference" / "yamnet"
    if not (folder / "golden.npz").exists():
        pytest.skip(f"no trained weights at {folder}")
    text = (Path(__file__).parents[2] / "configs" / "yamnet.yaml").read_text()
    text = re.sub(r" *- BatchNormalization: .*\n", "", text).replace(", use_bias: false", "")
    text = re.sub(r"- ReLU: \{name: (.*?)\}", r"- ReLU: {name: \1, max_value: 6}", text)
    (tmp_path / "relu6.yaml").write_text(text)
    golden = np.load(folder / "golden.npz")
    from specfeat.network.build import build_network

    for feature, name in (("embedding", "embedding"), ("scores", "scores")):
        network = build_network(
            load_config(
                tmp_path / "relu6.yaml",
                [
                    f"model.features={feature}",
                    "model.batch=4",
                    f"model.weights.file={folder}/yamnet_relu6.h5",
                ],
            ),
            "cpu",
        )
        for sound in {key.rpartition("_")[0] for key in golden.files}:
            clips, expected = golden[f"{sound}_patches"][:4, ..., None], golden[f"{sound}_{name}"][:4]
            rows = compute_rows(network, np.ascontiguousarray(clips, np.float32))
            np.testing.assert_allclose(rows, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["speech_music", "speech_music_noise", "male_female"])
def test_inaspeechs_files_load_into_their_network(shared: Path, tmp_path: Path, name: str) -> None:
    """Whole models of Keras 2 with unnamed layers: the arrays are read, and the model's config is not."""
    path = shared / "reference" / "inaspeech" / f"keras_{name}_cnn.hdf5"
    if not path.exists():
        pytest.skip(f"no trained weights at {path}")
    with h5py.File(path) as file:
        shapes = {key: item.shape for key, item in _list_datasets(file["model_weights"]) if "kernel" in key}
        layers = json.loads(file.attrs["model_config"])["config"]
    layers = layers["layers"] if isinstance(layers, dict) else layers
    text = CONFIG.split("  layers:")[0] + "  layers:\n"
    text += (
        "".join(f"    - {line}\n" for line in filter(None, map(_format_layer, layers)))
        + "  weights: {random: 3}\n  batch: 2\n"
    )
    text = text.replace(
        "n_mels: 10", f"n_mels: {24 if name == 'male_female' else 21}, fmax: 4000, empty_bands: keep"
    ).replace("frames: 14", "frames: 68")

    network = build_small_network(tmp_path, {"file": str(path)}, text)

    assert sorted(a.shape for n, a in read_network_arrays(network).items() if "kernel" in n) == sorted(
        shapes.values()
    )
    assert network.weights["format"] == "Keras 1 or 2 whole model, its arrays alone (HDF5)"


def _list_datasets(group: Any, path: str = "") -> list[tuple[str, Any]]:
    datasets: list[tuple[str, Any]] = []
    for key, item in group.items():
        datasets += (
            _list_datasets(item, f"{path}/{key}")
            if isinstance(item, h5py.Group)
            else [(f"{path}/{key}", item)]
        )
    return datasets


def _format_layer(layer: Any) -> str | None:
    """Return a layer of the author's config as a line of a config of specfeat; None for layers without effect."""
    options, kind = layer["config"], layer["class_name"]
    arguments = {
        "Conv2D": ("filters", "kernel_size", "padding"),
        "Dense": ("units",),
        "MaxPooling2D": ("pool_size", "strides", "padding"),
        "BatchNormalization": ("epsilon",),
        "Activation": ("activation",),
        "Flatten": (),
        "Dropout": ("rate",),
    }
    if kind not in arguments:
        return None
    return f"{kind}: {json.dumps({key: options[key] for key in arguments[kind]})}"
