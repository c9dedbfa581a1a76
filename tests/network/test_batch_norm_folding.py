"""A folded network is the unfolded one, to rounding, and is folded where it can be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.long_tests import mark_long_cases
from specfeat.config import load_config

pytestmark = pytest.mark.tf

HEAD = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 128, hop_length: 64, mel: {n_mels: 10}, compress: {db: {}}}
clips: {frames: 14}
model:
  weights: {random: 3}
  batch: 4
  layers:
"""
NORM = "BatchNormalization: {momentum: 0.9"

# Each list of layers, and how many batch norms are left of it.
NETWORKS = {
    "a convolution": (["Conv2D: {filters: 3, kernel_size: 3}", f"{NORM}}}"], 0),
    "without bias": (["Conv2D: {filters: 3, kernel_size: 3, use_bias: false}", f"{NORM}}}"], 0),
    "depthwise": (["DepthwiseConv2D: {kernel_size: 3, depth_multiplier: 4}", f"{NORM}}}"], 0),
    "separable": (["SeparableConv2D: {filters: 5, kernel_size: 3, depth_multiplier: 2}", f"{NORM}}}"], 0),
    "grouped": (
        [
            "Conv2D: {filters: 4, kernel_size: 1}",
            "Conv2D: {filters: 6, kernel_size: 3, groups: 2}",
            f"{NORM}}}",
        ],
        0,
    ),
    "dense": (["Flatten", "Dense: {units: 6}", f"{NORM}}}"], 0),
    "dense over an axis": (["Dense: {units: 6}", f"{NORM}}}"], 0),
    "one axis": (
        ["Reshape: {target_shape: [14, 10]}", "Conv1D: {filters: 3, kernel_size: 3}", f"{NORM}}}"],
        0,
    ),
    "no centre, no scale": (
        ["Conv2D: {filters: 3, kernel_size: 3}", f"{NORM}, center: false, scale: false, epsilon: 0.01}}"],
        0,
    ),
    "two in a row": (["Conv2D: {filters: 3, kernel_size: 3}", f"{NORM}}}", f"{NORM}}}"], 1),
    "an activation between": (["Conv2D: {filters: 3, kernel_size: 3, activation: relu}", f"{NORM}}}"], 1),
    "over the bins": (["Conv2D: {filters: 10, kernel_size: 3, padding: same}", f"{NORM}, axis: 2}}"], 1),
    "before, not after": ([f"{NORM}}}", "Conv2D: {filters: 3, kernel_size: 3}"], 1),
    "read by two": (
        [
            "Conv2D: {name: c, filters: 3, kernel_size: 3}",
            f"{NORM}, name: n}}",
            "Add: {inputs: [c, n]}",
        ],
        1,
    ),
}


@pytest.mark.parametrize(("layers", "left"), NETWORKS.values(), ids=NETWORKS)
def test_folding_is_exact(tmp_path: Path, layers: list[str], left: int) -> None:
    """Equal to the unfolded network to float32's rounding, and no batch norm left that could go."""
    from specfeat.network.batch_norm_folding import fold_batch_norms
    from specfeat.network.build import build_network

    text = HEAD + "".join(f"    - {layer}\n" for layer in [*layers, "Flatten: {name: row}"])
    (tmp_path / "c.yaml").write_text(text)
    config = load_config(tmp_path / "c.yaml")
    network = build_network(config, "cpu")
    rng = np.random.default_rng(0)
    _train(network.model, rng)
    clips = rng.normal(size=(4, 14, 10, 1)).astype(np.float32)
    plain = np.asarray(network.model(clips, training=False))
    ready = fold_batch_norms(network.model, "row")

    assert _norms(ready) == left
    assert np.abs(plain).max() > 0.1
    np.testing.assert_allclose(np.asarray(ready(clips)), plain, atol=1e-5 * np.abs(plain).max())


def _train(model: Any, rng: np.random.Generator) -> None:
    """Give every batch norm statistics as training would: none of them is the identity."""
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            for variable in layer.weights:
                variable.assign(rng.uniform(0.5, 1.5, variable.shape))


def _norms(model: Any) -> int:
    return sum(type(layer).__name__ == "BatchNormalization" for layer in model.layers)


@pytest.mark.parametrize(
    ("name", "left"),
    mark_long_cases([("yamnet", 0), ("cnn6", 1), ("cnn14", 1)], [("yamnet", 0), ("cnn6", 1)]),
)
def test_known_networks_fold(name: str, left: int) -> None:
    """YAMNet's 27 batch norms all go; the PANNs keep the one over the mel bands. Features agree to 1e-5."""
    from specfeat.network.batch_norm_folding import fold_batch_norms
    from specfeat.network.build import build_network
    from specfeat.tensorflow_runtime import keras

    config = load_config(name, ["model.batch=2", *([] if name == "yamnet" else ["clips.seconds=1"])])
    network = build_network(config, "cpu")
    rng = np.random.default_rng(0)
    _train(network.model, rng)
    feature = config.settings.model.feature_layer
    unfolded = keras.Model(network.model.inputs[0], network.model.get_layer(feature).output)
    ready = fold_batch_norms(network.model, feature)
    clips = rng.normal(size=(2, *network.input_shape)).astype(np.float32)
    plain, fast = np.asarray(unfolded(clips)), np.asarray(ready(clips))

    assert _norms(ready) == left
    assert np.ptp(plain) > 0
    np.testing.assert_allclose(fast, plain, atol=1e-5 * np.abs(plain).max())
