"""Networks of keras.applications in a config: the same function as Keras' own, and nothing fetched."""

import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.long_tests import mark_long_cases
from specfeat.architecture.kinds.application import APPLICATIONS
from specfeat.config import load_config
from specfeat.errors import ConfigError

pytestmark = pytest.mark.tf

HEAD = """\
audio: {sample_rate: 8000}
spectrogram: {kind: linear, n_fft: 32, hop_length: 16}
clips: {frames: 17}
model:
  weights: {random: 0}
  batch: 2
  layers:
    - Resizing: {height: SIZE, width: SIZE}
    - Conv2D: {name: colours, filters: 3, kernel_size: 1, use_bias: false, kernel_initializer: ones}
"""


def write(tmp_path: Path, *layers: str, size: int = 75) -> Path:
    """Write a config whose application is given one picture, the same in all three colours."""
    path = tmp_path / "c.yaml"
    path.write_text(HEAD.replace("SIZE", str(size)) + "".join(f"    - {layer}\n" for layer in layers))
    return path


def build(path: Path, *overrides: str) -> Any:
    from specfeat.network import build

    return build.build_network(load_config(path, overrides), "cpu")


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as error:
        build(path)
    return str(error.value).rpartition("/")[2]


FAMILIES = [  # one of each module of keras.applications
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "NASNetMobile",
    "ResNet50V2",
    "VGG16",
    "Xception",
]


def _train(model: Any, pictures: Any, rng: np.random.Generator) -> None:
    """Give the batch norms the statistics of these pictures, so that what goes in still tells in what comes out."""
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.momentum = 0.0
            for name, low, high in (("gamma", 1.0, 2.0), ("beta", -0.2, 0.2)):
                variable = getattr(layer, name)
                if variable is not None:
                    variable.assign(rng.uniform(low, high, variable.shape))
    model(pictures, training=True)


def _shorten(monkeypatch: pytest.MonkeyPatch, applications: Any) -> None:
    """Families of some hundreds of layers, with fewer blocks of the same kinds."""
    names = ("DenseNet121", "NASNetMobile", "EfficientNetB0", "EfficientNetV2B0")
    modules = {name: sys.modules[getattr(applications, name).__module__] for name in names}
    depth = 0.25  # of the blocks of each stage; at least one stays
    efficient = partial(modules["EfficientNetB0"].EfficientNet, 1.0, depth, 224, weights_name="b0")
    efficient_v2 = partial(
        modules["EfficientNetV2B0"].EfficientNetV2,
        **{"width_coefficient": 1.0, "depth_coefficient": depth, "default_size": 224},
        **{"name": "efficientnetv2-b0", "weights_name": "efficientnetv2-b0"},
    )
    dense = partial(modules["DenseNet121"].DenseNet, [2, 2, 2, 2])
    nas = partial(
        modules["NASNetMobile"].NASNet,
        **{"penultimate_filters": 288, "num_blocks": 1, "stem_block_filters": 32, "default_size": 224},
        **{"skip_reduction": False, "filter_multiplier": 2},
    )
    for name, short in zip(names, (dense, nas, efficient, efficient_v2), strict=True):
        short.__module__ = modules[name].__name__
        monkeypatch.setattr(applications, name, short)


# In the short form: one without a preparation inside the network, and one with it and with squeeze and excitation.
SHORT_FAMILIES = ["MobileNet", "EfficientNetB0"]


@pytest.mark.parametrize("name", mark_long_cases(FAMILIES, SHORT_FAMILIES))
def test_an_application_is_keras_own(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same weights, batch norms that are not the identity, and its authors' preparation: 1e-4."""
    from specfeat.network.batch_norm_folding import fold_batch_norms
    from specfeat.tensorflow_runtime import keras

    _shorten(monkeypatch, keras.applications)
    keras.utils.set_random_seed(0)  # else, by chance, two pictures may come out too much alike
    shape = (75, 75, 3)
    theirs = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=shape)
    rng = np.random.default_rng(0)
    pictures = np.repeat(rng.uniform(0, 255, (2, *shape[:2], 1)).astype(np.float32), 3, axis=-1)
    prepared = sys.modules[getattr(keras.applications, name).__module__].preprocess_input(pictures.copy())
    _train(theirs, prepared, rng)
    application = f"Application: {{name: it, application: {name}, include_top: false}}"
    path = write(tmp_path, application, "GlobalAveragePooling2D: {name: row}")
    network = build(path)
    ours = keras.Model(network.model.get_layer("colours").output, network.model.outputs)
    ours.set_weights(theirs.get_weights())

    wanted = np.asarray(theirs(prepared, training=False)).mean(axis=(1, 2))
    got = np.asarray(ours(pictures, training=False))
    ready = fold_batch_norms(network.model, "row")
    grey = rng.uniform(0, 255, (2, *network.input_shape)).astype(np.float32)
    plain = np.asarray(network.model(grey, training=False))

    assert ours.count_params() == theirs.count_params()
    assert np.abs(wanted[0] - wanted[1]).max() > 0.01 * np.abs(wanted).max()
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())
    fast = np.asarray(ready(grey, training=False))  # said aloud: Resizing would have all of it train
    np.testing.assert_allclose(fast, plain, rtol=0, atol=1e-4 * np.abs(plain).max())


@pytest.mark.parametrize("name", APPLICATIONS)
def test_the_preparation_is_the_authors_own(name: str) -> None:
    """The mode in our table does what the module's preprocess_input does."""
    from specfeat.tensorflow_runtime import keras

    module = sys.modules[getattr(keras.applications, name).__module__]
    pictures = np.random.default_rng(0).uniform(0, 255, (1, 4, 5, 3)).astype(np.float32)
    mode = APPLICATIONS[name]

    wanted = module.preprocess_input(pictures.copy())
    prepare = keras.applications.imagenet_utils.preprocess_input
    got = pictures if mode == "none" else prepare(pictures.copy(), mode=mode)

    np.testing.assert_array_equal(got, wanted)


def test_another_preparation_may_be_asked_for(tmp_path: Path) -> None:
    """caffe: blue, green, red, less ImageNet's means."""
    head = "Application: {name: it, application: MobileNet, include_top: false, output: it/preprocess, preprocess: "
    network = build(write(tmp_path, f"{head}caffe}}", "GlobalAveragePooling2D"))

    row = network.compute_rows(np.full((2, *network.input_shape), 200, np.float32))[0]

    np.testing.assert_allclose(row, [200 - 103.939, 200 - 116.779, 200 - 123.68], rtol=1e-4)


def test_the_output_is_a_layer_by_name(tmp_path: Path) -> None:
    """With its top: all layers are there, for the weights; the row is the pooled one's, before the classes."""
    network = build(
        write(tmp_path, "Application: {name: it, application: MobileNetV2, output: Conv_1_bn}", "Flatten")
    )

    assert network.width == 3 * 3 * 1280
    assert network.model.get_layer("predictions").units == 1000
    assert network.model.count_params() == 3_538_984 + 3


def test_names_do_not_hang_on_what_was_built_before(tmp_path: Path) -> None:
    """Keras counts the layers without names through the whole process; weights and seeds go by name."""
    from specfeat.network.compose import compose_model

    path = write(tmp_path, "Application: {name: it, application: Xception, include_top: false}", "Flatten")

    first, second = (compose_model(load_config(path)).keras_model for _ in range(2))

    names = [layer.name for layer in first.layers]
    assert names == [layer.name for layer in second.layers]
    assert {"conv2d", "conv2d_3", "batch_normalization", "add_11"} <= set(names)
    for a, b in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_come_back_by_path(tmp_path: Path) -> None:
    """From one file, as for any network; and nothing of it is random."""
    path = write(tmp_path, "Application: {name: it, application: MobileNet, include_top: false}", "Flatten")
    saved = build(path, "model.weights.random=7")
    saved.model.save_weights(tmp_path / "w.weights.h5")
    clips = np.random.default_rng(0).uniform(0, 255, (2, *saved.input_shape)).astype(np.float32)

    loaded = build(path, f"model.weights.file={tmp_path / 'w.weights.h5'}")

    np.testing.assert_array_equal(loaded.compute_rows(clips), saved.compute_rows(clips))


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket is opened, and Keras is not asked for a file."""
    from specfeat.tensorflow_runtime import keras

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(keras.utils, "get_file", refuse)

    assert build(write(tmp_path, "Application: {application: MobileNet}")).width == 1000


REFUSED = [
    (["Application: {application: MobileNet, output: conv_pw_99_relu}", "Flatten"],
     "c.yaml:10:7: model.layers[2]: Application 'application_1' has no layer 'conv_pw_99_relu' "
     "(did you mean 'conv_pw_9_relu'?)"),
    (["Cropping2D: {cropping: 30}", "Application: {application: MobileNet, include_top: false}", "Flatten"],
     "c.yaml:11:7: model.layers[3]: Application 'application_1' Input size must be at least 32x32; "
     "Received: input_shape=(15, 15, 3)"),
    (["Conv2D: {filters: 4, kernel_size: 1}", "Application: {application: VGG16, include_top: false}", "Flatten"],
     "c.yaml:11:7: model.layers[3]: Application 'application_1' gets 75 x 75 x 4; "
     "wanted a picture of 3 channels: put Picture before it"),
    (["Flatten", "Application: {application: VGG16}"],
     "c.yaml:11:7: model.layers[3]: Application 'application_1' gets 16875 values in one axis; wanted 3 axes, "
     "frames x bins x channels; it follows a Flatten, Dense or global pooling; move it before that layer"),
    (["Application: {application: MobileNet}", "Dense: {name: predictions, units: 3}"],
     "c.yaml:11:7: model.layers[3]: Dense 'predictions' has the same name as another layer, and an application has one of the two; "
     "wanted other names"),
    (["Application: {application: MobileNet, include_top: false}"],
     "c.yaml:10:7: model.layers[2]: ReLU 'conv_pw_13_relu' gives 2 x 2 x 1024 for a clip, not one row; "
     "put Flatten or GlobalAveragePooling2D after it"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layers", "line"), REFUSED, ids=lambda value: value[-1] if isinstance(value, list) else ""
)
def test_what_does_not_fit_is_told_at_its_place(layers: list[str], line: str, tmp_path: Path) -> None:
    assert refusal(write(tmp_path, *layers)) == line


def test_a_picture_cannot_make_a_small_config_a_large_network(tmp_path: Path) -> None:
    """VGG's first dense layer grows with the picture: refused before Keras makes it."""
    path = write(tmp_path, "Application: {application: VGG19}", size=1056)

    assert (
        "would have 2,283,798,528 weights; wanted 2,147,483,648 or fewer: use a smaller picture"
        in refusal(path)
    )
