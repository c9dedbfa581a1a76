"""Networks that Keras itself has built and saved: each format gives the features that Keras computes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.long_tests import IS_LONG_FORM
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

# Networks with branches: as a config has them, and as a function from keras.layers and the input to the output.
BRANCHED_NETWORKS: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {}


def _attend(layers: Any, clips: Any) -> Any:
    frames = layers.Reshape((14, 10))(clips)
    own = layers.MultiHeadAttention(2, 5)(frames, frames)
    few = layers.MaxPooling1D(2)(layers.Dense(6, name="few")(frames))
    other = layers.MultiHeadAttention(3, 4, value_dim=2, output_shape=6, name="other")(own, few)
    third = layers.MultiHeadAttention(2, 4, use_bias=False)(own, few, layers.MaxPooling1D(2)(frames))
    dot = layers.Attention(use_scale=True, name="dot")([other, few])
    summed = layers.Attention(score_mode="concat")([dot, few, few])
    additive = layers.AdditiveAttention(name="additive")([summed, few])
    return layers.Flatten()(layers.Concatenate()([additive, third]))


BRANCHED_NETWORKS["attention layers"] = (
    """\
    - Reshape: {name: frames, target_shape: [14, 10]}
    - MultiHeadAttention: {name: multi_head_attention, num_heads: 2, key_dim: 5}
    - Dense: {name: few, inputs: frames, units: 6}
    - MaxPooling1D: {name: pooled, pool_size: 2}
    - MultiHeadAttention: {name: other, inputs: [multi_head_attention, pooled], num_heads: 3, key_dim: 4, value_dim: 2, output_shape: 6}
    - MaxPooling1D: {name: pooled_frames, inputs: frames, pool_size: 2}
    - MultiHeadAttention: {name: multi_head_attention_1, inputs: [multi_head_attention, pooled, pooled_frames], num_heads: 2, key_dim: 4, use_bias: false}
    - Attention: {name: dot, inputs: [other, pooled], use_scale: true}
    - Attention: {name: attention, inputs: [dot, pooled, pooled], score_mode: concat}
    - AdditiveAttention: {name: additive, inputs: [attention, pooled]}
    - Concatenate: {inputs: [additive, multi_head_attention_1]}
    - Flatten: {name: row}
""",
    _attend,
)


def _save_model(model: Any, folder: Path, *, has_saved_model: bool) -> Mapping[str, Path]:
    """Save a model of Keras in each format, and its arrays by name in an .npz file."""
    paths = {name: folder / name for name in ("w.keras", "w.h5", "w.weights.h5", "saved", "w.npz")}
    model.save(paths["w.keras"])
    model.save(paths["w.h5"])
    model.save_weights(paths["w.weights.h5"])
    if has_saved_model:
        model.export(paths["saved"], verbose=False)
    else:
        del paths["saved"]
    write_npz(paths["w.npz"], {variable.path: np.asarray(variable) for variable in model.weights})
    return paths


def _check_formats(folder: Path, text: str, model: Any, *, has_saved_model: bool = True) -> None:
    """Check that each format gives the features of the model.

    The rows are computed with the arrays of the first format. The other formats must give the same arrays.
    """
    expected = np.asarray(model(CLIPS))
    first, *others = _save_model(model, folder, has_saved_model=has_saved_model).values()
    network = build_small_network(folder, {"file": str(first)}, HEAD + text)
    np.testing.assert_allclose(compute_rows(network), expected, rtol=1e-4, atol=1e-5, err_msg=first.name)
    for path in others:
        _check_arrays(folder, path, HEAD + text, network.model, network.layers)


def _check_arrays(folder: Path, path: Path, text: str, model: Any, layers: Any) -> None:
    """Check that a file gives a model the arrays that it has now, bit for bit, if they are zero before."""
    from specfeat.weights.load import load_weights

    arrays = model.get_weights()
    model.set_weights([np.zeros_like(array) for array in arrays])
    load_weights(model, layers, load_small_config(folder, {"file": str(path)}, text).settings)
    for array, expected in zip(model.get_weights(), arrays, strict=True):
        np.testing.assert_array_equal(array, expected, err_msg=path.name)


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

    # Recurrent layers take many seconds to trace for a SavedModel.
    _check_formats(tmp_path, text, model, has_saved_model=IS_LONG_FORM or name != "recurrent layers")


@pytest.mark.parametrize("name", BRANCHED_NETWORKS)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_network_with_branches_gives_kerass_features(tmp_path: Path, name: str) -> None:
    """Read by name from .keras, .h5, .weights.h5, a SavedModel and .npz, the arrays are in the right places."""
    from specfeat.tensorflow_runtime import keras

    keras.utils.clear_session()  # the names of unnamed layers begin without a number
    text, connect_layers = BRANCHED_NETWORKS[name]
    clips = keras.Input((14, 10, 1))
    model = keras.Model(clips, connect_layers(keras.layers, clips))
    _randomize(model)

    _check_formats(tmp_path, text, model)


@pytest.mark.parametrize("name", [*NETWORKS, *BRANCHED_NETWORKS])
def test_a_converted_file_gives_the_same_bits(tmp_path: Path, name: str) -> None:
    """Each array of each layer is written and found again, bit for bit."""
    from specfeat.network.compose import compose_model

    text = HEAD + {**NETWORKS, **BRANCHED_NETWORKS}[name][0]
    config = load_small_config(tmp_path, {"random": 4}, text)
    network = compose_model(config)
    path = tmp_path / "w.weights.h5"
    with path.open("w+b") as file:
        save_weights(network.keras_model, network.layers, config.settings, file)

    _check_arrays(tmp_path, path, text, network.keras_model, network.layers)
