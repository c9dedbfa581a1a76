"""Published networks with their own weights give their authors' numbers.

The arrays are taken from the published files one by one, by hand, so that what agrees is the network and the
spectrogram; the readers of weights have tests of their own. ../shared/reference/README.md says where the
numbers come from.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from helpers.long_tests import mark_long_cases
from helpers.sample_data import Float, compute_clips
from specfeat.config import load_config

pytestmark = pytest.mark.tf

Arrays = list[NDArray[np.float32]]
Double = NDArray[np.float64]


@pytest.fixture(scope="module")
def files(shared: Path) -> Path:
    """The folder of the reference outputs."""
    return shared / "reference"


def _of_group(group: h5py.Group) -> Arrays:
    """Return a layer's arrays in the order that Keras 2 gives them."""
    return [np.asarray(group[name][()], np.float32) for name in group.attrs["weight_names"]]


def _layer_by_layer(config: str, batch: int, arrays: Iterator[Arrays]) -> Any:
    """Build a network and give each layer that has weights the next arrays; none may be left."""
    from specfeat.network.build import build_network

    model = build_network(load_config(config, [f"model.batch={batch}"]), "cpu").model
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(next(arrays))
    assert next(arrays, None) is None
    return model


@pytest.fixture(scope="module")
def yamnet(files: Path) -> Any:
    with h5py.File(files / "yamnet/yamnet_relu6.h5") as file:
        names = list(file.attrs["layer_names"])
        return _layer_by_layer("yamnet_relu6", 16, iter([_of_group(file[name]) for name in names]))


@pytest.fixture(scope="module")
def inaspeech(files: Path) -> Any:
    with h5py.File(files / "inaspeech/keras_speech_music_noise_cnn.hdf5") as file:
        groups = [file["model_weights"][name] for name in file["model_weights"].attrs["layer_names"]]
        weighted = [_of_group(group) for group in groups if len(group.attrs["weight_names"])]
        return _layer_by_layer("inaspeech", 128, iter(weighted))


def _outputs(model: Any, *names: str) -> Callable[[Float], list[Float]]:
    """Return the outputs of these layers, as the extraction computes them: folded, in the config's batches."""
    from specfeat.network.batch_norm_folding import fold_batch_norms

    networks = [fold_batch_norms(model, name) for name in names]
    return lambda clip: [np.asarray(network.predict(clip, batch_size=128, verbose=0)) for network in networks]


def _assert_close(got: Float, wanted: Float, tolerance: float) -> None:
    """Compare rows relative to the largest number of all."""
    assert got.shape == wanted.shape
    error = np.abs(got - wanted).max() / np.abs(wanted).max()
    assert error < tolerance, f"{error:.1e}"


@pytest.mark.parametrize("name", ["speech", "music"])
def test_yamnet_relu6(name: str, yamnet: Any, files: Path) -> None:
    """From the sound: embeddings to 1e-4 of the largest, scores to 1e-5 (measured: 7e-6 and 4e-6)."""
    with np.load(files / "yamnet/golden.npz") as golden:
        embedding, scores = golden[f"{name}_embedding"], golden[f"{name}_scores"]
    sound, _ = soundfile.read(files / f"audio/{name}_16000.flac", dtype="float32")

    cut = compute_clips(load_config("yamnet_relu6").settings, sound)
    got = _outputs(yamnet, "embedding", "scores")(cut)

    _assert_close(got[0], embedding, 1e-4)
    np.testing.assert_allclose(got[1], scores, rtol=0, atol=1e-5)


def test_yamnet_relu6_on_the_references_own_patches(yamnet: Any, files: Path) -> None:
    """The network alone, without our spectrogram: to float32's rounding."""
    with np.load(files / "yamnet/golden.npz") as golden:
        patches, embedding = golden["music_patches"], golden["music_embedding"]

    got = _outputs(yamnet, "embedding")(patches[..., np.newaxis])

    _assert_close(got[0], embedding, 1e-5)


@pytest.mark.parametrize("name", ["musanmix", "lamartine"])
def test_inaspeech(name: str, inaspeech: Any, files: Path) -> None:
    """From the sound: the 256 activations before the dense layers, the probabilities; to 1e-5 (measured: 4e-6)."""
    with np.load(files / "inaspeech/golden.npz") as golden:
        flatten = golden[f"{name}.wav_keras_speech_music_noise_cnn_flatten"]
        scores = golden[f"{name}.wav_keras_speech_music_noise_cnn_prob"]
    sound, _ = soundfile.read(files / f"inaspeech/{name}.wav", dtype="float32")

    cut = compute_clips(load_config("inaspeech").settings, sound)
    got = _outputs(inaspeech, "flatten", "scores")(cut[: len(scores)])

    _assert_close(got[0][: len(flatten)], flatten, 1e-5)
    np.testing.assert_allclose(got[1], scores, rtol=0, atol=1e-5)


# --- PANNs, whose authors' code is PyTorch's, restated in NumPy ----------------------------------


def _conv(x: Double, kernel: Double) -> Double:
    """A convolution of frames x bins x channels with zeros around it, as many as keep the size."""
    around = len(kernel) // 2
    padded = np.pad(x, ((around, around), (around, around), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))
    product: Double = np.tensordot(windows, kernel, axes=([3, 4, 2], [0, 1, 2]))
    return product


def _norm(x: Double, weights: list[Double]) -> Double:
    """A batch norm at rest over the last axis, with PyTorch's epsilon."""
    gamma, beta, mean, variance = weights
    return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta


def _halved(x: Double) -> Double:
    """The mean of each two by two; an odd one at the end is left out."""
    frames, bins = x.shape[0] // 2, x.shape[1] // 2
    halved: Double = x[: 2 * frames, : 2 * bins].reshape(frames, 2, bins, 2, -1).mean(axis=(1, 3))
    return halved


def _panns(clip: Float, weights: Iterator[list[Double]], convolutions: int) -> Double:
    """Cnn6 (one convolution a block) or Cnn10 (two), from the log-mel clip to the embedding."""
    x = _norm(clip[..., 0].astype(np.float64), next(weights))[..., np.newaxis]
    for _ in range(4):
        for _ in range(convolutions):
            x = np.maximum(_norm(_conv(x, next(weights)[0]), next(weights)), 0)
        x = _halved(x)
    over_frequency = x.mean(axis=1)
    kernel, bias = next(weights)
    embedding: Double = np.maximum(
        (over_frequency.max(axis=0) + over_frequency.mean(axis=0)) @ kernel + bias, 0
    )
    return embedding


@pytest.mark.parametrize(
    ("name", "convolutions"), mark_long_cases([("cnn6", 1), ("cnn10", 2)], [("cnn6", 1)])
)
def test_panns_are_what_their_authors_wrote(name: str, convolutions: int) -> None:
    """On a clip of 101 frames, so that a pooling meets an odd number of them: 1e-4 of the largest."""
    from specfeat.network.batch_norm_folding import fold_batch_norms
    from specfeat.network.build import build_network

    network = build_network(load_config(name, ["clips.seconds=1", "model.batch=1"]), "cpu")
    rng = np.random.default_rng(0)
    for layer in network.model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([rng.uniform(0.5, 1.5, v.shape) for v in layer.weights])
    clip = rng.normal(-30, 20, (1, *network.input_shape)).astype(np.float32)
    weights = [layer.get_weights() for layer in network.model.layers if layer.weights]

    got = np.asarray(fold_batch_norms(network.model, "embedding")(clip, training=False))

    wanted = _panns(clip[0], iter(weights), convolutions)
    _assert_close(got, wanted[np.newaxis].astype(np.float32), 1e-4)
    assert (wanted > 0).sum() > 100
