"""Weights of every format come into the network whole: each array once, in its place, in Keras' axes."""

import json
import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from helpers.weights_files import (
    CLIPS,
    CONFIG,
    Arrays,
    arrays,
    built,
    config,
    held,
    keras_2,
    safetensors,
    same,
    torch_state,
    try_to_load,
)
from specfeat.config import load_config
from specfeat.errors import InstallError, WeightsError
from specfeat.weights.files.torch_file import _state_dict
from specfeat.weights.matching.match import match_arrays
from specfeat.weights.save import save_weights

pytestmark = pytest.mark.tf


def _npz(path: Path, made: Any) -> Path:
    with path.open("wb") as file:
        np.savez(file, **made)
    return path


def _keras_3(folder: Path, made: Arrays, name: str) -> Path:
    model = built(folder, {"random": 0}).model
    for layer in model.layers:
        for variable in layer.weights:
            variable.assign(made[f"{layer.name.replace('.', '/')}/{variable.name}"])
    (model.save if name.endswith((".keras", "whole.h5")) else model.save_weights)(folder / name)
    return folder / name


WRITERS: dict[str, Callable[[Path, Arrays], Path]] = {
    "Keras 3 weights": lambda folder, made: _keras_3(folder, made, "w.weights.h5"),
    "Keras 3 archive": lambda folder, made: _keras_3(folder, made, "w.keras"),
    "Keras 3 whole model in HDF5": lambda folder, made: _keras_3(folder, made, "whole.h5"),
    "Keras 2 weights": lambda folder, made: keras_2(folder / "w.h5", made),
    "Keras 2 weights, names of any length": lambda folder, made: keras_2(
        folder / "w.h5", made, dtype=h5py.string_dtype()
    ),
    "Keras 2 whole model": lambda folder, made: keras_2(folder / "w.hdf5", made, "model_weights"),
    "npz by our names": lambda folder, made: _npz(folder / "w.npz", made),
    "npz by PyTorch's": lambda folder, made: _npz(folder / "w.npz", torch_state(made)),
    "safetensors by our names": lambda folder, made: safetensors(folder / "w.safetensors", made),
    "safetensors by PyTorch's": lambda folder, made: safetensors(
        folder / "w.safetensors", {name: np.ascontiguousarray(a) for name, a in torch_state(made).items()}
    ),
}


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_every_array_comes_into_its_place(tmp_path: Path, writer: Callable[[Path, Arrays], Path]) -> None:
    """Whoever wrote the file, the network holds the same arrays, to the bit."""
    made = arrays()
    path = writer(tmp_path, made)

    network = built(tmp_path, {"file": str(path)})

    same(made, held(network))
    assert network.weights["file"] == str(path)
    assert len(str(network.weights["sha256"])) == 64
    assert network.row_function.trace_count == 1


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_widths_become_float32(tmp_path: Path, dtype: str) -> None:
    """Half and double precision are read; the network computes in single."""
    made = {name: array.astype(dtype) for name, array in arrays().items()}

    network = built(tmp_path, {"file": str(_npz(tmp_path / "w.npz", made))})

    same({name: array.astype(np.float32) for name, array in made.items()}, held(network))


def test_bfloat16_is_the_upper_half_of_a_float32(tmp_path: Path) -> None:
    """A safetensors file of BF16 gives the numbers that its bits stand for."""
    made = {name: (a.view(np.uint32) & 0xFFFF0000).view(np.float32) for name, a in arrays().items()}
    path = safetensors(
        tmp_path / "w.safetensors",
        {n: (a.view(np.uint32) >> 16).astype(np.uint16).view(np.float16) for n, a in made.items()},
    )
    path.write_bytes(path.read_bytes().replace(b'"F16"', b'"BF16"').replace(b"{", b"{", 1))
    _fix_header(path)

    same(made, held(built(tmp_path, {"file": str(path)})))


def _fix_header(path: Path) -> None:
    """Write the header's length again after its text has changed."""
    data = path.read_bytes()
    end = data.index(b"}}") + 2
    path.write_bytes((end - 8).to_bytes(8, "little") + data[8:])


# --- names ---------------------------------------------------------------------------------------


def test_a_scope_around_all_is_passed_over(tmp_path: Path) -> None:
    """TF-Slim puts the network's name before each layer's, PyTorch's DataParallel `module`."""
    made = arrays()
    _npz(tmp_path / "a.npz", {f"net/{name}": array for name, array in made.items()})
    _npz(tmp_path / "b.npz", {f"module.{name}": array for name, array in torch_state(made).items()})

    for name in ("a.npz", "b.npz"):
        same(made, held(built(tmp_path, {"file": str(tmp_path / name)})))


AUTOMATIC = CONFIG
for _name in ("block/conv", "block/bn", "depth", "sep", "row", "head"):
    AUTOMATIC = AUTOMATIC.replace(f"name: {_name}, ", "")
AUTOMATIC = AUTOMATIC.replace("features: row", "features: dense_1")


@pytest.mark.parametrize(
    ("first", "names"),
    [
        (0, ("conv2d", "batch_normalization", "depthwise_conv2d", "separable_conv2d", "dense", "dense_1")),
        (
            0,
            (
                "conv2d_1",
                "batch_normalization_1",
                "depthwise_conv2d_1",
                "separable_conv2d_1",
                "dense_1",
                "dense_2",
            ),
        ),
        (
            0,
            (
                "conv2d_12",
                "batch_normalization_7",
                "depthwise_conv2d_3",
                "separable_conv2d_9",
                "dense_9",
                "dense_10",
            ),
        ),
        (
            0,
            (
                "convolution2d_1",
                "batchnormalization_1",
                "depthwiseconv2d_1",
                "separableconvolution2d_1",
                "dense_1",
                "dense_2",
            ),
        ),
    ],
)
def test_keras_own_numbers_are_taken_in_their_order(
    tmp_path: Path, first: int, names: tuple[str, ...]
) -> None:
    """Layers without a name are conv2d, conv2d_1 in Keras, from _1 in Keras 1 and 2, from anywhere in a long session."""
    made = arrays()
    layers = dict(zip(("block/conv", "block/bn", "depth", "sep", "row", "head"), names, strict=True))
    theirs = {f"{layers[n.rpartition('/')[0]]}/{n.rpartition('/')[2]}": a for n, a in made.items()}
    path = keras_2(tmp_path / "w.h5", theirs)

    network = built(tmp_path, {"file": str(path)}, AUTOMATIC)

    assert [a.tobytes() for a in made.values()] == [a.tobytes() for a in held(network).values()]


def test_a_layer_made_twice_has_a_number_behind_its_name(tmp_path: Path) -> None:
    """Keras 2 writes row_1/kernel for the second layer `row` of a session, in the group of its name or of its scope."""
    made = arrays()
    words = {name: name.replace("row/", "row_1/") for name in made}
    keras_2(tmp_path / "scope.h5", made, words=words)
    keras_2(tmp_path / "text.h5", made, words=words, dtype=h5py.string_dtype())
    keras_2(tmp_path / "group.h5", {name.replace("row/", "row_1/"): a for name, a in made.items()})

    for name in ("scope.h5", "text.h5", "group.h5"):
        same(made, held(built(tmp_path, {"file": str(tmp_path / name)})))


def test_a_map_names_what_is_called_otherwise(tmp_path: Path) -> None:
    """`map` gives the file's name for a layer, or for one array; what it does not name goes by its own name."""
    made = arrays()
    theirs = {name.replace("head/", "logits/"): array for name, array in made.items()}
    theirs["odd"] = theirs.pop("depth/bias")
    path = _npz(tmp_path / "w.npz", theirs)

    network = built(tmp_path, {"file": str(path), "map": {"head": "logits", "depth/bias": "odd"}})

    same(made, held(network))


def test_a_converted_file_needs_no_map(tmp_path: Path) -> None:
    """It has our names: even a map that swaps them, as the first file wanted, is not asked again."""
    made = arrays()
    swap = {"row/bias": "bias a", "head/bias": "bias b", "head": "row2"}
    theirs = {name.replace("head/", "row2/"): array for name, array in made.items()}
    theirs |= {"bias a": theirs.pop("row/bias"), "bias b": theirs.pop("row2/bias")}
    path = _npz(tmp_path / "w.npz", theirs)
    network = built(tmp_path, {"file": str(path), "map": swap})
    with (tmp_path / "w.weights.h5").open("w+b") as file:
        save_weights(network.model, network.layers, config(tmp_path, {"random": 3}).settings, file)

    same(made, held(built(tmp_path, {"file": str(tmp_path / "w.weights.h5"), "map": swap})))


def test_order_pairs_the_nth_of_each_kind(tmp_path: Path) -> None:
    """`match: order` needs no names: convolutions, dense layers and norms are counted each for itself."""
    made = arrays()
    state = torch_state(made)
    renamed = {
        f"part{'_'.join(name.split('.')[:-1])}.{name.rpartition('.')[2]}": a for name, a in state.items()
    }
    norms_last = dict(sorted(renamed.items(), key=lambda item: "bn" in item[0]))
    path = _npz(tmp_path / "w.npz", norms_last)

    same(made, held(built(tmp_path, {"file": str(path), "match": "order"})))


# --- what does not fit ---------------------------------------------------------------------------


def _without(made: Arrays) -> None:
    del made["depth/bias"]


def _renamed(made: Arrays) -> None:
    made["heed/kernel"], made["heed/bias"] = made.pop("head/kernel"), made.pop("head/bias")


def _reshaped(made: Arrays) -> None:
    made["row/kernel"] = made["row/kernel"].T


def _extra(made: Arrays) -> None:
    made["tail/kernel"] = np.zeros((2, 3), np.float32)


def _all(made: Arrays) -> None:
    _renamed(made)
    _reshaped(made)


UNFIT = {
    "missing": (_without, "1 missing (depth/bias 6); if depth had no bias when trained, say use_bias: false"),
    "renamed": (
        _renamed,
        "2 missing (head/kernel 7 x 2, head/bias 2); 2 left over (heed/kernel 7 x 2, heed/bias 2); "
        "map: {head: heed} would pair them",
    ),
    "reshaped": (
        _reshaped,
        "1 of another shape (row/kernel 7 x 200 for row/kernel 200 x 7); "
        "row/kernel has PyTorch's axes under a name of Keras'; end its name in .weight",
    ),
    "left over": (_extra, "1 left over (tail/kernel 2 x 3)"),
    "all at once": (
        _all,
        "2 missing (head/kernel 7 x 2, head/bias 2); 2 left over (heed/kernel 7 x 2, heed/bias 2); "
        "1 of another shape (row/kernel 7 x 200 for row/kernel 200 x 7); map: {head: heed} would pair them",
    ),
}


@pytest.mark.parametrize(("change", "said"), UNFIT.values(), ids=UNFIT)
def test_a_file_that_does_not_fit_is_told_side_by_side(
    tmp_path: Path, change: Callable[[Arrays], None], said: str
) -> None:
    """One error lists all that is missing, left over and of another shape; nothing is loaded in part."""
    made = arrays()
    change(made)
    path = _npz(tmp_path / "w.npz", made)

    with pytest.raises(WeightsError) as error:
        built(tmp_path, {"file": str(path)})

    assert str(error.value) == f"{path}: does not fit the network: {said}"


def test_a_kernel_of_the_same_size_in_other_axes_is_refused(tmp_path: Path) -> None:
    """A depthwise kernel of PyTorch's must be (in x multiplier, 1, ...); reshaping would hide any other."""
    made = torch_state(arrays())
    made["depth.weight"] = made["depth.weight"].reshape(1, 6, 2, 3)

    with pytest.raises(
        WeightsError, match=r"1 of another shape \(depth\.weight 1 x 6 x 2 x 3 for depth/kernel"
    ):
        built(tmp_path, {"file": str(_npz(tmp_path / "w.npz", made))})


def test_norms_on_one_side_alone_are_told(tmp_path: Path) -> None:
    """Weights folded into biases do not fit a network with batch norms, nor the other way round; the error says so."""
    made = arrays()
    folded = {name: array for name, array in made.items() if "/bn/" not in name}
    bare = CONFIG.replace("    - BatchNormalization: {name: block/bn, epsilon: 1.0e-5}\n", "")

    with pytest.raises(WeightsError, match=r"4 missing .*the network has batch norms, and the file has none"):
        built(tmp_path, {"file": str(_npz(tmp_path / "a.npz", folded))})
    with pytest.raises(
        WeightsError, match=r"4 left over .*the file has batch norms, and the network has none"
    ):
        built(tmp_path, {"file": str(_npz(tmp_path / "b.npz", made))}, bare)


LEFT = [
    "optimizer/vars/0",
    "global_step",
    "block/conv/kernel/Adam_1",
    "beta1_power",
    "block/conv/kernel/ExponentialMovingAverage",
    "block.bn.num_batches_tracked",
]


def test_what_is_no_weights_is_passed_over_by_rule(tmp_path: Path) -> None:
    """Optimizer state, step counts and moving averages are known by name; any other name is an error."""
    made = arrays()
    extra = {name: np.zeros(2, np.float32) for name in LEFT}

    same(made, held(built(tmp_path, {"file": str(_npz(tmp_path / "w.npz", made | extra))})))
    for name in ("optimisers", "step", "block/conv/kernel/Adamant"):
        with pytest.raises(WeightsError, match="1 left over"):
            built(tmp_path, {"file": str(_npz(tmp_path / "w.npz", made | {name: np.zeros(2)}))})


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    """NaN, infinity, and what float32 cannot hold."""
    made: Any = arrays()
    made["row/bias"] = np.full(7, value)

    with pytest.raises(WeightsError, match="row/bias has values that are not finite"):
        built(tmp_path, {"file": str(_npz(tmp_path / "w.npz", made))})


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    """Eight-bit weights without their scale would be silent nonsense."""
    made: Any = arrays()
    made["row/bias"] = np.arange(7, dtype=np.int8)

    with pytest.raises(WeightsError, match=r"row/bias holds whole numbers \(int8\)"):
        built(tmp_path, {"file": str(_npz(tmp_path / "w.npz", made))})


# --- which file ----------------------------------------------------------------------------------


def test_the_hash_is_checked_before_use(tmp_path: Path) -> None:
    """With `sha256` the file must be that one; it is not even opened otherwise."""
    path = _npz(tmp_path / "w.npz", arrays())
    digest = str(built(tmp_path, {"file": str(path)}).weights["sha256"])
    wrong = "0" * 64

    assert built(tmp_path, {"file": str(path), "sha256": digest.upper()}).weights["sha256"] == digest
    path.write_bytes(b"junk")
    with pytest.raises(WeightsError, match=rf"has the SHA-256 [0-9a-f]+; the config wants {wrong}"):
        built(tmp_path, {"file": str(path), "sha256": wrong})


def test_a_format_that_is_named_must_be_the_files(tmp_path: Path) -> None:
    """The first bytes tell the format, not the name; `format` is a promise to be kept."""
    path = _npz(tmp_path / "w.h5", arrays())

    assert built(tmp_path, {"file": str(path)}).weights["format"] == "NumPy archive (.npz)"
    with pytest.raises(WeightsError, match="is of the format npz; the config says hdf5"):
        built(tmp_path, {"file": str(path), "format": "hdf5"})


def test_keras_on_theano_is_refused(tmp_path: Path) -> None:
    """Theano's kernels are turned by 180 degrees, in the same shape."""
    path = keras_2(tmp_path / "w.h5", arrays())
    with h5py.File(path, "r+") as file:
        file.attrs["backend"] = b"theano"

    with pytest.raises(WeightsError, match="was written by Keras on theano, whose kernels are turned round"):
        built(tmp_path, {"file": str(path)})


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash in the record is that of the arrays in the network."""
    path = _npz(tmp_path / "w.npz", arrays())
    copy = shutil.copy(path, tmp_path / "copy.npz")
    plan = match_arrays

    def swap(*arguments: Any) -> Any:
        Path(copy).replace(path)
        return plan(*arguments)

    monkeypatch.setattr("specfeat.weights.match_up", swap)
    with pytest.raises(WeightsError, match="was written to while it was read"):
        built(tmp_path, {"file": str(path)})


# --- TensorFlow's own files ----------------------------------------------------------------------


def _variables(made: Arrays) -> Any:
    from specfeat.tensorflow_runtime import tf

    return {name: tf.Variable(array, name=name) for name, array in made.items()}


@pytest.mark.parametrize("version", [1, 2])
def test_a_tensorflow_1_checkpoint(tmp_path: Path, version: int) -> None:
    """Of both versions; by names and scopes, beside the optimizer's slots and the step."""
    from specfeat.tensorflow_runtime import tf

    made = arrays()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, array in made.items():
            tf.compat.v1.get_variable(f"net/{name}", initializer=array)
            tf.compat.v1.get_variable(f"net/{name}/Adam", initializer=array * 0)
        tf.compat.v1.train.create_global_step()
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(write_version=version).save(session, str(tmp_path / "model.ckpt"))

    path = tmp_path / ("model.ckpt" if version == 1 else "model.ckpt.index")
    network = built(tmp_path, {"file": str(path)})

    same(made, held(network))
    if version == 2:
        assert (
            built(tmp_path, {"file": str(tmp_path / "model.ckpt")}).weights["sha256"]
            == network.weights["sha256"]
        )


def test_a_tensorflow_2_checkpoint_and_saved_model(tmp_path: Path) -> None:
    """Keys such as `v/3` are told by the variables' full names, which the object graph has."""
    from specfeat.tensorflow_runtime import tf

    made = arrays()
    module = tf.Module()
    module.v = list(_variables(made).values())
    tf.train.Checkpoint(module=module).save(str(tmp_path / "ckpt"))
    tf.saved_model.save(module, str(tmp_path / "saved"))

    for name in ("ckpt-1", "ckpt-1.index", "saved"):
        same(made, held(built(tmp_path, {"file": str(tmp_path / name)})))


def test_in_tensorflows_files_pytorchs_word_tells_nothing(tmp_path: Path) -> None:
    """A variable may be called `weight` in either framework's order: where both fit, neither is taken."""
    from specfeat.tensorflow_runtime import tf

    made = {name.replace("head/kernel", "head/weight"): array for name, array in arrays().items()}
    text = CONFIG.replace("units: 2}", "units: 7}")
    square = made | {"head/weight": np.ones((7, 7), np.float32), "head/bias": np.ones(7, np.float32)}
    for name, numbers in (("plain", made), ("square", square)):
        module = tf.Module()
        module.v = list(_variables(numbers).values())
        tf.train.Checkpoint(module=module).save(str(tmp_path / name))

    same(arrays(), held(built(tmp_path, {"file": str(tmp_path / "plain-1")})))  # 7 x 2 fits in one order
    with pytest.raises(WeightsError, match="fits head/kernel in PyTorch's order of axes and in Keras'"):
        built(tmp_path, {"file": str(tmp_path / "square-1")}, text)


def _folded() -> str:
    """The network as TFLite has it: norms in the kernels before them, a separable convolution in two."""
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
    """Constants go to the layer of the operation that reads them; the graph is not run."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from specfeat.tensorflow_runtime import tf

    source = built(tmp_path, {"random": 5})
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

    network = built(tmp_path, {"file": str(tmp_path / "frozen.pb"), "match": "order"}, text)

    np.testing.assert_allclose(source.compute_rows(CLIPS), network.compute_rows(CLIPS), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ImportWarning")
@pytest.mark.parametrize("quantised", [False, True])
def test_tflite(tmp_path: Path, quantised: bool) -> None:
    """Norms folded by the converter, axes its own; eight-bit weights are dequantised per channel and it is said."""
    from specfeat.tensorflow_runtime import keras, tf

    source = built(tmp_path, {"random": 5})
    model = keras.Model(source.model.inputs, source.model.get_layer("head").output)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if quantised:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([clip[None]] for clip in CLIPS)
    (tmp_path / "net.tflite").write_bytes(converter.convert())

    network = built(tmp_path, {"file": str(tmp_path / "net.tflite"), "match": "order"}, _folded())

    wanted, got = source.compute_rows(CLIPS), network.compute_rows(CLIPS)
    assert np.abs(wanted - got).max() <= (0.02 if quantised else 1e-5) * np.abs(wanted).max()
    assert network.weights["format"] == ("TFLite, dequantised" if quantised else "TFLite")
    if quantised:
        assert np.abs(wanted - got).max() > 0


@pytest.fixture(scope="module")
def tensorflows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint of each version and a TFLite file of 8 bits."""
    from specfeat.tensorflow_runtime import keras, tf

    folder = tmp_path_factory.mktemp("tensorflow")
    module = tf.Module()
    module.v = list(_variables(arrays()).values())
    tf.train.Checkpoint(module=module).save(str(folder / "w"))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, array in arrays().items():
            tf.compat.v1.get_variable(name, initializer=array)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(write_version=1).save(session, str(folder / "w.ckpt"))
    source = built(folder, {"random": 5})
    converter = tf.lite.TFLiteConverter.from_keras_model(
        keras.Model(source.model.inputs, source.model.get_layer("head").output)
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    (folder / "w.tflite").write_bytes(converter.convert())
    return folder


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ImportWarning")
@pytest.mark.parametrize("name", ["w-1.index", "w-1.data-00000-of-00001", "w.ckpt", "w.tflite"])
def test_damage_to_tensorflows_files_is_one_sentence(tensorflows: Path, tmp_path: Path, name: str) -> None:
    """Flipped and overwritten bytes: loaded or refused, never another exception, never a crash."""
    for path in tensorflows.iterdir():
        shutil.copy(path, tmp_path)
    given = "w-1.index" if name.startswith("w-1") else name
    chance = np.random.default_rng(0)
    good = (tmp_path / name).read_bytes()
    assert "damaged" not in try_to_load(str(tmp_path / given))
    said = set()
    for _ in range(100):
        data = bytearray(good)
        for at in chance.integers(len(data), size=chance.integers(1, 20)):
            data[at] = chance.integers(256)
        cut = chance.random() < 0.5
        end = int(chance.integers(len(data) // 2, len(data))) if cut else len(data)
        (tmp_path / name).write_bytes(data[:end])
        said.add(try_to_load(str(tmp_path / given))[:40])

    assert len(said) >= 2


# --- PyTorch -------------------------------------------------------------------------------------


def _torch_network(torch: Any) -> Any:
    """The test's network as PyTorch people would write it; input (batch, 1, frames, bins)."""
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 3, (4, 3), bias=False)
            self.bn = nn.BatchNorm2d(3)

    class Separable(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.depthwise = nn.Conv2d(6, 6, (3, 2), groups=6, bias=False)
            self.pointwise = nn.Conv2d(6, 5, 1)

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.block, self.sep = Block(), Separable()
            self.depth = nn.Conv2d(3, 6, (2, 3), groups=3)
            self.row, self.head = nn.Linear(200, 7), nn.Linear(7, 2)

        def forward(self, x: Any) -> Any:
            x = torch.relu(self.block.bn(self.block.conv(x)))
            x = self.sep.pointwise(self.sep.depthwise(self.depth(x)))
            return self.row(torch.flatten(x, 1))

    torch.manual_seed(0)
    net = Net()
    net.block.bn.running_mean.uniform_(-1, 1)
    net.block.bn.running_var.uniform_(0.5, 2)
    return net.eval()


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'specfeat[torch]'")


@pytest.mark.parametrize("inside", [None, "model", "state_dict"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pytorch_state_dict_gives_pytorchs_features(
    tmp_path: Path, torch: Any, inside: str | None, zipped: bool
) -> None:
    """The network computes what PyTorch computes, to 1e-5; alone or inside a training checkpoint."""
    net = _torch_network(torch)
    with torch.no_grad():
        wanted = net(torch.from_numpy(CLIPS.transpose(0, 3, 1, 2).copy())).numpy()
    state = net.state_dict()
    saved = {"iteration": 3, inside: state} if inside else state
    torch.save(saved, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)

    got = built(tmp_path, {"file": str(tmp_path / "w.pth")}).compute_rows(CLIPS)

    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("core", ["numpy._core", "numpy.core"])
def test_numpys_arrays_may_stand_beside_the_weights(tmp_path: Path, torch: Any, core: str) -> None:
    """PANNs' checkpoints hold the sampler's state, in NumPy's arrays, written under NumPy 1."""
    state = _torch_network(torch).state_dict()
    sampler = {"indexes": np.arange(5), "pointer": np.int64(3), "mean": np.float64(0.5)}
    torch.save({"iteration": 3, "model": state, "sampler": sampler}, tmp_path / "new.pth")
    with zipfile.ZipFile(tmp_path / "new.pth") as new, zipfile.ZipFile(tmp_path / "w.pth", "w") as old:
        for name in new.namelist():
            old.writestr(name, new.read(name).replace(b"cnumpy._core.", f"c{core}.".encode()))

    network = built(tmp_path, {"file": str(tmp_path / "w.pth")})

    np.testing.assert_array_equal(held(network)["head/bias"], state["head.bias"].numpy())


def test_a_pickle_of_more_than_arrays_is_refused(tmp_path: Path, torch: Any) -> None:
    """A whole pickled module would run code to be read: refused, and nothing has run."""
    marker = tmp_path / "ran"

    class Hostile:
        def __reduce__(self) -> Any:
            return (Path.touch, (marker,))

    torch.save({"row.weight": Hostile()}, tmp_path / "w.pth")

    with pytest.raises(WeightsError, match="holds more than arrays, and to read that would run code"):
        built(tmp_path, {"file": str(tmp_path / "w.pth")})

    assert not marker.exists()


class _Tensors:
    """As much of PyTorch as tells a tensor; here an array is one."""

    @staticmethod
    def is_tensor(value: object) -> bool:
        return isinstance(value, np.ndarray)


def test_the_state_dict_is_where_it_is_named() -> None:
    """Before what lies beside it: a counter that is a tensor, too, is no network of one number."""
    state = {"row.weight": np.zeros(3), "row.bias": np.zeros(3)}
    for key in ("state_dict", "model_state_dict", "model", "net"):
        assert _state_dict(_Tensors, {"epoch": np.array(7), key: state, "optimizer": {"state": {}}}) == state
    assert _state_dict(_Tensors, state) == state
    assert _state_dict(_Tensors, {"model": "Cnn6", **state}) == state


def test_no_tensor_of_a_state_dict_is_passed_over() -> None:
    """One that lies a mapping deeper comes with its path: it has a place in the network, or is left over."""
    inner = {"conv": {"weight": np.zeros(3)}, "names": ["a", "b"]}

    assert list(_state_dict(_Tensors, {"model": {"block": inner, "bias": np.zeros(1)}})) == [
        "block.conv.weight",
        "bias",
    ]


def test_two_state_dicts_in_a_file_are_refused() -> None:
    """Which of them is the network cannot be known."""
    state = {"row.weight": np.zeros(3)}

    with pytest.raises(WeightsError, match="has a state dict under model and under net; wanted one"):
        _state_dict(_Tensors, {"model": state, "net": state})
    with pytest.raises(WeightsError, match="holds no state dict"):
        _state_dict(_Tensors, {"model": {"epoch": 3}})


def test_without_pytorch_its_files_name_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch is an extra; its absence is told with the cure."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as file:
        file.writestr("w/data.pkl", b"")

    with pytest.raises(InstallError, match=r"pip install 'specfeat\[torch\]'"):
        built(tmp_path, {"file": str(tmp_path / "w.pth")})


# --- the sound that they were trained on ---------------------------------------------------------


def _panns(**changes: Any) -> Any:
    """What PANNs' checkpoints hold of their front end, by librosa: mel filters and STFT kernels."""
    from librosa.filters import get_window
    from librosa.filters import mel as mel_filters

    mel = {"sr": 8000, "n_fft": 128, "n_mels": 10, "fmin": 0.0, "fmax": 4000.0} | changes.pop("mel", {})
    n_fft = mel["n_fft"]
    window = get_window(changes.pop("window", "hann"), n_fft, fftbins=True)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft)) / n_fft) * window
    return {
        "logmel_extractor.melW": mel_filters(**mel).T,
        "spectrogram_extractor.stft.conv_real.weight": waves.real[:, None].astype(np.float32),
        "spectrogram_extractor.stft.conv_imag.weight": waves.imag[:, None].astype(np.float32),
    }


def test_the_front_end_of_a_checkpoint_is_the_configs(tmp_path: Path) -> None:
    """PANNs' checkpoints hold their mel filters and window: the same ones load, and are left over by rule."""
    made = arrays()
    path = _npz(tmp_path / "w.npz", torch_state(made) | _panns())

    same(made, held(built(tmp_path, {"file": str(path)})))


@pytest.mark.parametrize(
    ("change", "override", "said"),
    [
        ({}, "spectrogram.mel.fmin=100", "other mel bands .* look at spectrogram.mel.fmin, fmax and htk"),
        ({}, "spectrogram.mel.htk=true", "other mel bands"),
        ({}, "spectrogram.mel.norm=null", "trained with spectrogram.mel.norm slaney .*, the config has null"),
        (
            {"mel": {"norm": None}},
            "model.batch=4",
            "trained with spectrogram.mel.norm null .*, the config has slaney",
        ),
        ({}, "audio.sample_rate=16000", "other mel bands"),
        ({}, "spectrogram.n_fft=256", "trained with spectrogram.n_fft 128 .*, the config has 256"),
        ({}, "spectrogram.win_length=100", "another window than a Hann of 100 samples"),
        ({}, "spectrogram.periodic=false", "another window than a Hann of 128 samples"),
        ({}, "spectrogram.window=hamming", "trained with spectrogram.window hann .*, the config has hamming"),
        ({"window": "hamming"}, "model.batch=4", "another window than a Hann of 128 samples"),
    ],
)
def test_another_front_end_than_the_checkpoints_is_refused(
    tmp_path: Path, change: dict[str, Any], override: str, said: str
) -> None:
    """Weights on a spectrogram that they were not trained on would give plausible nonsense; the setting is named."""
    path = _npz(tmp_path / "w.npz", torch_state(arrays()) | _panns(**change))

    with pytest.raises(WeightsError, match=said):
        built(tmp_path, {"file": str(path)}, CONFIG, override)


# --- true files ----------------------------------------------------------------------------------


def test_yamnets_own_file_gives_every_array(shared: Path) -> None:
    """YAMNet's trained weights (Keras 2, names with slashes): every array is read, finite, under its layer's name."""
    from specfeat.weights.files.formats import open_weights_file
    from specfeat.weights.files.source import locate_weights

    path = shared / "reference" / "yamnet" / "yamnet_relu6.h5"
    if not path.exists():
        pytest.skip(f"no true weights at {path}")
    with open_weights_file(locate_weights(str(path))) as contents, h5py.File(path) as file:
        found = {(array.layer, array.role): array.read() for array in contents.arrays}
        names = [name.decode() for name in file.attrs["layer_names"]]

    layers = ["layer1/conv"] + [
        f"layer{i}/{kind}" for i in range(2, 15) for kind in ("depthwise_conv", "pointwise_conv")
    ]
    assert list(dict.fromkeys(layer for layer, _ in found)) == names == [*layers, "dense"]
    assert sum(array.size for array in found.values()) == 3_729_481
    assert {role for _, role in found} == {"kernel", "depthwise_kernel", "bias"}
    assert all(np.isfinite(array).all() for array in found.values())


def test_yamnets_own_weights_give_its_golden_scores(shared: Path, tmp_path: Path) -> None:
    """The shipped network, its norms folded into biases, with the true weights: the reference's embedding and scores."""
    folder = shared / "reference" / "yamnet"
    if not (folder / "golden.npz").exists():
        pytest.skip(f"no true weights at {folder}")
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
            clips, wanted = golden[f"{sound}_patches"][:4, ..., None], golden[f"{sound}_{name}"][:4]
            rows = network.compute_rows(np.ascontiguousarray(clips, np.float32))
            np.testing.assert_allclose(rows, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


@pytest.mark.parametrize("name", ["speech_music", "speech_music_noise", "male_female"])
def test_inaspeechs_own_files_load_into_their_network(shared: Path, tmp_path: Path, name: str) -> None:
    """Whole Keras 2 models with layers numbered from anywhere: the config in the file is not read, its arrays are."""
    path = shared / "reference" / "inaspeech" / f"keras_{name}_cnn.hdf5"
    if not path.exists():
        pytest.skip(f"no true weights at {path}")
    with h5py.File(path) as file:
        shapes = {key: item.shape for key, item in _flat(file["model_weights"]) if "kernel" in key}
        layers = json.loads(file.attrs["model_config"])["config"]
    layers = layers["layers"] if isinstance(layers, dict) else layers
    text = CONFIG.split("  layers:")[0] + "  layers:\n"
    text += (
        "".join(f"    - {line}\n" for line in filter(None, map(_line, layers)))
        + "  weights: {random: 3}\n  batch: 2\n"
    )
    text = text.replace(
        "n_mels: 10", f"n_mels: {24 if name == 'male_female' else 21}, fmax: 4000, empty_bands: keep"
    ).replace("frames: 14", "frames: 68")

    network = built(tmp_path, {"file": str(path)}, text)

    assert sorted(a.shape for n, a in held(network).items() if "kernel" in n) == sorted(shapes.values())
    assert network.weights["format"] == "Keras 1 or 2 whole model, its arrays alone (HDF5)"


def _flat(group: Any, path: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, item in group.items():
        found += _flat(item, f"{path}/{key}") if isinstance(item, h5py.Group) else [(f"{path}/{key}", item)]
    return found


def _line(layer: Any) -> str | None:
    """Write one layer of the author's config in ours, as a reader of it would."""
    options, kind = layer["config"], layer["class_name"]
    taken = {
        "Conv2D": ("filters", "kernel_size", "padding"),
        "Dense": ("units",),
        "MaxPooling2D": ("pool_size", "strides", "padding"),
        "BatchNormalization": ("epsilon",),
        "Activation": ("activation",),
        "Flatten": (),
        "Dropout": ("rate",),
    }
    if kind not in taken:
        return None
    return f"{kind}: {json.dumps({key: options[key] for key in taken[kind]})}"
