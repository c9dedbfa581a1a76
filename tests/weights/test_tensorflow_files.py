"""Checkpoints, frozen graphs and TFLite files, written by TensorFlow itself."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.weights_files import (
    CLIPS,
    CONFIG,
    Arrays,
    assert_same_arrays,
    build_small_network,
    compute_rows,
    make_arrays,
    read_network_arrays,
    try_to_load,
)
from specfeat.errors import WeightsError

pytestmark = pytest.mark.tf


def _make_variables(arrays: Arrays) -> Any:
    from specfeat.tensorflow_runtime import tf

    return {name: tf.Variable(array, name=name) for name, array in arrays.items()}


@pytest.mark.parametrize("version", [1, 2])
def test_a_checkpoint_of_tensorflow_1(tmp_path: Path, version: int) -> None:
    """Of both file versions; layers have a scope, and the optimizer's arrays and the step are in the file as well."""
    from specfeat.tensorflow_runtime import tf

    arrays = make_arrays()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, array in arrays.items():
            tf.compat.v1.get_variable(f"net/{name}", initializer=array)
            tf.compat.v1.get_variable(f"net/{name}/Adam", initializer=array * 0)
        tf.compat.v1.train.create_global_step()
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(write_version=version).save(session, str(tmp_path / "model.ckpt"))

    path = tmp_path / ("model.ckpt" if version == 1 else "model.ckpt.index")
    network = build_small_network(tmp_path, {"file": str(path)})

    assert_same_arrays(arrays, read_network_arrays(network))
    if version == 2:
        assert (
            build_small_network(tmp_path, {"file": str(tmp_path / "model.ckpt")}).weights["sha256"]
            == network.weights["sha256"]
        )


def test_a_checkpoint_and_a_saved_model_of_tensorflow_2(tmp_path: Path) -> None:
    """For keys such as `v/3` the object graph in the file has the full names of the variables."""
    from specfeat.tensorflow_runtime import tf

    arrays = make_arrays()
    module = tf.Module()
    module.v = list(_make_variables(arrays).values())
    tf.train.Checkpoint(module=module).save(str(tmp_path / "ckpt"))
    tf.saved_model.save(module, str(tmp_path / "saved"))

    for name in ("ckpt-1", "ckpt-1.index", "saved"):
        assert_same_arrays(
            arrays, read_network_arrays(build_small_network(tmp_path, {"file": str(tmp_path / name)}))
        )


def test_a_checkpoint_without_a_name(tmp_path: Path) -> None:
    """`Saver.save(session, "folder/")` writes `.index` and `.data-...`; the folder and the hidden file both name it."""
    from specfeat.tensorflow_runtime import tf

    arrays = make_arrays()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, array in arrays.items():
            tf.compat.v1.get_variable(f"net/{name}", initializer=array)
        session.run(tf.compat.v1.global_variables_initializer())
        (tmp_path / "model").mkdir()
        tf.compat.v1.train.Saver().save(session, f"{tmp_path}/model/")
        tf.compat.v1.train.Saver().save(session, f"{tmp_path}/other/name")
    assert (tmp_path / "model" / ".index").exists()

    networks = [
        build_small_network(tmp_path, {"file": f"{tmp_path}/{name}"})
        for name in ("model/", "model", "model/.index")
    ]

    for network in networks:
        assert_same_arrays(arrays, read_network_arrays(network))
    assert len({network.weights["sha256"] for network in networks}) == 1
    with pytest.raises(WeightsError, match=r"is a folder with checkpoints; give one of them: name\.index"):
        build_small_network(tmp_path, {"file": f"{tmp_path}/other"})


def test_a_saved_model_of_keras_export(tmp_path: Path) -> None:
    """Keras 3's `export` stores each array twice under numbers; the names of the variables tell the layers."""
    source = build_small_network(tmp_path, {"random": 5})
    source.model.export(str(tmp_path / "saved"), verbose=False)

    for match_rule in ("name", "order"):
        network = build_small_network(tmp_path, {"file": str(tmp_path / "saved"), "match": match_rule})
        assert_same_arrays(read_network_arrays(source), read_network_arrays(network))


def test_weight_is_ambiguous_in_files_of_tensorflow(tmp_path: Path) -> None:
    """A variable called `weight` may be in either framework's order of axes; if both fit, it is refused."""
    from specfeat.tensorflow_runtime import tf

    arrays = {name.replace("head/kernel", "head/weight"): array for name, array in make_arrays().items()}
    text = CONFIG.replace("units: 2}", "units: 7}")
    square = arrays | {"head/weight": np.ones((7, 7), np.float32), "head/bias": np.ones(7, np.float32)}
    for name, numbers in (("plain", arrays), ("square", square)):
        module = tf.Module()
        module.v = list(_make_variables(numbers).values())
        tf.train.Checkpoint(module=module).save(str(tmp_path / name))

    assert_same_arrays(
        make_arrays(), read_network_arrays(build_small_network(tmp_path, {"file": str(tmp_path / "plain-1")}))
    )  # 7 x 2 fits in one order
    with pytest.raises(WeightsError, match="fits head/kernel in PyTorch's order of axes and in Keras'"):
        build_small_network(tmp_path, {"file": str(tmp_path / "square-1")}, text)


def _make_folded_config() -> str:
    """Return the network as TFLite has it: norms folded into the kernels, a separable convolution in two parts."""
    return (
        CONFIG.replace(", use_bias: false", "")
        .replace("    - BatchNormalization: {name: block/bn, epsilon: 1.0e-5}\n", "")
        .replace(
            "    - SeparableConv2D: {name: sep, filters: 5, kernel_size: [3, 2]}\n",
            "    - DepthwiseConv2D: {name: a, kernel_size: [3, 2], use_bias: false}\n"
            "    - Conv2D: {name: b, filters: 5, kernel_size: 1}\n",
        )
    )


def test_a_frozen_graph(tmp_path: Path) -> None:
    """A constant belongs to the layer of the operation that reads it; the graph is not run."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from specfeat.tensorflow_runtime import tf

    source = build_small_network(tmp_path, {"random": 5})
    function = tf.function(lambda x: source.model(x, training=False)).get_concrete_function(
        tf.TensorSpec((4, 14, 10, 1), tf.float32)
    )
    graph = convert_variables_to_constants_v2(function).graph.as_graph_def()
    (tmp_path / "frozen.pb").write_bytes(graph.SerializeToString())
    text = CONFIG.replace(
        "    - SeparableConv2D: {name: sep, filters: 5, kernel_size: [3, 2]}\n",
        "    - DepthwiseConv2D: {name: sep/depthwise, kernel_size: [3, 2], use_bias: false}\n"
        "    - Conv2D: {name: sep/pointwise, filters: 5, kernel_size: 1}\n",
    )

    network = build_small_network(tmp_path, {"file": str(tmp_path / "frozen.pb"), "match": "order"}, text)

    np.testing.assert_allclose(compute_rows(source), compute_rows(network), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ImportWarning")
@pytest.mark.parametrize("quantised", [False, True])
def test_a_tflite_file(tmp_path: Path, quantised: bool) -> None:
    """Weights of 8 bits are dequantised per channel, and the format says so; without them the rows are the same."""
    from specfeat.tensorflow_runtime import keras, tf

    source = build_small_network(tmp_path, {"random": 5})
    model = keras.Model(source.model.inputs, source.model.get_layer("head").output)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if quantised:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([clip[None]] for clip in CLIPS)
    (tmp_path / "net.tflite").write_bytes(converter.convert())

    network = build_small_network(
        tmp_path, {"file": str(tmp_path / "net.tflite"), "match": "order"}, _make_folded_config()
    )

    expected, rows = compute_rows(source), compute_rows(network)
    assert np.abs(expected - rows).max() <= (0.02 if quantised else 1e-5) * np.abs(expected).max()
    assert network.weights["format"] == ("TFLite, dequantised" if quantised else "TFLite")
    if quantised:
        assert np.abs(expected - rows).max() > 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ImportWarning")
def test_convolutions_along_one_axis_in_tflite(tmp_path: Path) -> None:
    """TFLite runs them along two axes, also depthwise, separable and transposed ones; the rows are the same."""
    from specfeat.tensorflow_runtime import keras, tf

    layers, _, rest = CONFIG.partition("  layers:\n")
    text = (
        f"{layers}  layers:\n"
        "    - Conv2DTranspose: {name: up, filters: 2, kernel_size: [3, 2], strides: [2, 1]}\n"
        "    - Reshape: {target_shape: [29, 22]}\n"
        "    - Conv1DTranspose: {name: up1, filters: 4, kernel_size: 2, padding: same}\n"
        "    - DepthwiseConv1D: {name: depth, kernel_size: 3, depth_multiplier: 2}\n"
        "    - Conv1D: {name: conv, filters: 6, kernel_size: 2}\n"
        "    - SeparableConv1D: {name: sep, filters: 5, kernel_size: 3}\n"
        "    - Flatten\n"
        "    - Dense: {name: row, units: 7}\n"
        f"  features: row\n{rest.partition('features: row')[2].lstrip()}"
    ).replace("features: row\nweights", "features: row\n  weights")
    source = build_small_network(tmp_path, {"random": 5}, text)
    model = keras.Model(source.model.inputs, source.model.get_layer("row").output)
    (tmp_path / "net.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())

    network = build_small_network(tmp_path, {"file": str(tmp_path / "net.tflite"), "match": "order"}, text)

    np.testing.assert_allclose(compute_rows(source), compute_rows(network), rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def tensorflow_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint of each version and a quantised TFLite file."""
    from specfeat.tensorflow_runtime import keras, tf

    folder = tmp_path_factory.mktemp("tensorflow")
    module = tf.Module()
    module.v = list(_make_variables(make_arrays()).values())
    tf.train.Checkpoint(module=module).save(str(folder / "w"))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, array in make_arrays().items():
            tf.compat.v1.get_variable(name, initializer=array)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(write_version=1).save(session, str(folder / "w.ckpt"))
    source = build_small_network(folder, {"random": 5})
    converter = tf.lite.TFLiteConverter.from_keras_model(
        keras.Model(source.model.inputs, source.model.get_layer("head").output)
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    (folder / "w.tflite").write_bytes(converter.convert())
    return folder


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ImportWarning")
@pytest.mark.parametrize("name", ["w-1.index", "w-1.data-00000-of-00001", "w.ckpt", "w.tflite"])
def test_damaged_files_of_tensorflow_are_refused_in_one_sentence(
    tensorflow_files: Path, tmp_path: Path, name: str
) -> None:
    """With overwritten bytes, or cut, a file is loaded or refused; never is there another exception or a crash."""
    for path in tensorflow_files.iterdir():
        shutil.copy(path, tmp_path)
    opened = "w-1.index" if name.startswith("w-1") else name
    generator = np.random.default_rng(0)
    original = (tmp_path / name).read_bytes()
    assert "damaged" not in try_to_load(str(tmp_path / opened))
    messages = set()
    for _ in range(100):
        data = bytearray(original)
        for at in generator.integers(len(data), size=generator.integers(1, 20)):
            data[at] = generator.integers(256)
        is_cut = generator.random() < 0.5
        end = int(generator.integers(len(data) // 2, len(data))) if is_cut else len(data)
        (tmp_path / name).write_bytes(data[:end])
        messages.add(try_to_load(str(tmp_path / opened))[:40])

    assert len(messages) >= 2
