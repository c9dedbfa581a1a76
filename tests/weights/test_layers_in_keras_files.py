"""Networks that Keras itself has built and saved: each format gives the features that Keras computes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.weights_files import CLIPS, build_small_network, compute_rows, load_small_config, write_npz
from specfeat.weights.save import save_weights

pytestmark = pytest.mark.tf

HEAD = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 128, hop_length: 64, mel: {n_mels: 10}, compress: {db: {}}}
clips: {frames: 14}
model:
  batch: 4
  weights: {random: 3}
  layers:
"""  # the input is 14 frames x 10 bands x 1 channel
MEANS = [[i - 3 * k for k in range(10)] for i in range(14)]
VARIANCES = [[1 + i + k for k in range(10)] for i in range(14)]
# Each network as a config has it, and as a program of Keras makes it: a function from keras.layers to layers.
NETWORKS: dict[str, tuple[str, Callable[[Any], list[Any]]]] = {
    "transposed and causal convolutions": (
        """\
    - Conv2DTranspose: {name: up, filters: 3, kernel_size: [4, 3], strides: [1, 2], output_padding: [0, 1]}
    - Reshape: {target_shape: [17, 66]}
    - Conv1DTranspose: {name: up1, filters: 2, kernel_size: 3, strides: 3, padding: same, activation: tanh}
    - Conv1D: {name: causal, filters: 5, kernel_size: 3, dilation_rate: 2, padding: causal}
    - Flatten: {name: row}
""",
        lambda layers: [
            layers.Conv2DTranspose(3, (4, 3), strides=(1, 2), output_padding=(0, 1), name="up"),
            layers.Reshape((17, 66)),
            layers.Conv1DTranspose(2, 3, strides=3, padding="same", activation="tanh", name="up1"),
            layers.Conv1D(5, 3, dilation_rate=2, padding="causal", name="causal"),
            layers.Flatten(),
        ],
    ),
}
NETWORKS["normalisations by given and by stored values"] = (
    """\
    - Normalization: {name: stored, axis: 2}
    - Normalization: {name: one, axis: null, mean: 0.5, variance: 2}
    - Normalization: {name: given, axis: [2, 1], mean: [[1, 2]], variance: [[4, 1]], invert: true}
    - RMSNormalization: {name: rms, axis: 2}
    - Flatten: {name: row}
""".replace("[[1, 2]]", str(MEANS)).replace("[[4, 1]]", str(VARIANCES)),
    lambda layers: [
        layers.Normalization(axis=2, name="stored"),
        layers.Normalization(axis=None, mean=0.5, variance=2.0),
        layers.Normalization(axis=(2, 1), mean=MEANS, variance=VARIANCES, invert=True),
        layers.RMSNormalization(axis=2, name="rms"),
        layers.Flatten(),
    ],
)
NETWORKS["recurrent layers"] = (
    """\
    - Reshape: {target_shape: [14, 10]}
    - LSTM: {units: 5, return_sequences: true}
    - LSTM: {units: 5, return_sequences: true, go_backwards: true, use_bias: false, recurrent_activation: hard_sigmoid}
    - GRU: {name: gates, units: 5, return_sequences: true}
    - GRU: {name: old, units: 5, reset_after: false, return_sequences: true}
    - SimpleRNN: {units: 5, activation: relu, return_sequences: true}
    - Bidirectional: {layer: {LSTM: {units: 5, return_sequences: true}}, merge_mode: sum}
    - Bidirectional: {layer: {LSTM: {units: 5, return_sequences: true}}}
    - Bidirectional: {name: both, layer: {GRU: {units: 5, use_bias: false}}, merge_mode: concat}
""",
    lambda layers: [
        layers.Reshape((14, 10)),
        layers.LSTM(5, return_sequences=True),
        layers.LSTM(
            5, return_sequences=True, go_backwards=True, use_bias=False, recurrent_activation="hard_sigmoid"
        ),
        layers.GRU(5, return_sequences=True, name="gates"),
        layers.GRU(5, return_sequences=True, name="old", reset_after=False),
        layers.SimpleRNN(5, activation="relu", return_sequences=True),
        layers.Bidirectional(layers.LSTM(5, return_sequences=True), merge_mode="sum"),
        layers.Bidirectional(layers.LSTM(5, return_sequences=True, name="inner")),
        layers.Bidirectional(layers.GRU(5, use_bias=False), name="both"),
    ],
)


def _save_model(model: Any, folder: Path) -> Mapping[str, Path]:
    """Save a model of Keras in each format, and its arrays by name in an .npz file."""
    paths = {name: folder / name for name in ("w.keras", "w.h5", "w.weights.h5", "saved", "w.npz")}
    model.save(paths["w.keras"])
    model.save(paths["w.h5"])
    model.save_weights(paths["w.weights.h5"])
    model.export(paths["saved"], verbose=False)
    write_npz(paths["w.npz"], {variable.path: np.asarray(variable) for variable in model.weights})
    return paths


def _randomize(model: Any) -> None:
    """Give every array random values; variances are positive."""
    generator = np.random.default_rng(0)
    model.set_weights([np.abs(generator.normal(0.2, 0.3, a.shape)) + 0.1 for a in model.get_weights()])
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_network_of_keras_gives_kerass_features(tmp_path: Path, name: str) -> None:
    """Read by name from .keras, .h5, .weights.h5, a SavedModel and .npz, the arrays are in the right places."""
    from specfeat.tensorflow_runtime import keras

    text, make_layers = NETWORKS[name]
    model = keras.Sequential([keras.Input((14, 10, 1)), *make_layers(keras.layers)])
    _randomize(model)
    expected = np.asarray(model(CLIPS))

    for path in _save_model(model, tmp_path).values():
        rows = compute_rows(build_small_network(tmp_path, {"file": str(path)}, HEAD + text))
        np.testing.assert_allclose(rows, expected, rtol=1e-4, atol=1e-5, err_msg=path.name)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_converted_file_gives_the_same_bits(tmp_path: Path, name: str) -> None:
    """Each array of each layer is written and found again."""
    text = HEAD + NETWORKS[name][0]
    config = load_small_config(tmp_path, {"random": 4}, text)
    network = build_small_network(tmp_path, {"random": 4}, text)
    path = tmp_path / "w.weights.h5"
    with path.open("w+b") as file:
        save_weights(network.model, network.layers, config.settings, file)

    converted = build_small_network(tmp_path, {"file": str(path)}, text)

    np.testing.assert_array_equal(compute_rows(network), compute_rows(converted))
