"""What `network.build.build` returns is ready, and depends on the config alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specfeat.config import load_config
from specfeat.errors import DeviceError, WeightsError

pytestmark = pytest.mark.tf

CONFIG = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 128, hop_length: 64, mel: {n_mels: 10}, compress: {db: {}}}
clips: {frames: 14}
model:
  layers:
    - Conv2D: {name: block/conv, filters: 3, kernel_size: [4, 3], activation: relu}
    - BatchNormalization: {name: block/bn}
    - SeparableConv2D: {filters: 5, kernel_size: 3, padding: same}
    - Dropout: {rate: 0.5}
    - Flatten: {name: flat}
    - Dense: {name: row, units: 7}
    - Dense: {name: head, units: 2}
  features: row
  weights: {random: 3}
  batch: 4
"""
CLIPS = np.random.default_rng(0).normal(size=(4, 14, 10, 1)).astype(np.float32)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def config(text: str = CONFIG, name: str = "c.yaml") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return config


def _build(path: str, *overrides: str, device: str = "cpu") -> Any:
    from specfeat.network.build import build_network

    return build_network(load_config(path, overrides), device)


def test_a_network_is_ready(write: Callable[..., str]) -> None:
    """It has its weights, is compiled as the config says, and gives rows of the named layer."""
    network = _build(write(), "model.compile.optimizer=sgd", "model.compile.loss=mae")
    rows = network.compute_rows(CLIPS)

    assert rows.shape == (4, 7)
    assert network.width == 7
    assert rows.dtype == np.float32
    assert network.model.compiled
    assert network.model.jit_compile is False
    assert network.model.optimizer.name == "sgd"
    assert network.model.loss == "mae"
    assert network.model.output_shape == (None, 2)
    assert network.row_function.trace_count == 1


def test_features_do_not_depend_on_compile(write: Callable[..., str]) -> None:
    """Optimizer, loss and metrics are for training; a row's bits are the same."""
    plain = _build(write()).compute_rows(CLIPS)
    other = _build(
        write(), "model.compile={optimizer: rmsprop, loss: huber, metrics: [mae, accuracy]}"
    ).compute_rows(CLIPS)

    np.testing.assert_array_equal(plain, other)


def test_xla_is_near(write: Callable[..., str]) -> None:
    """`jit_compile: true` uses XLA, for the model and for the extraction; values agree to 1e-4."""
    plain, xla = _build(write()), _build(write(), "model.compile.jit_compile=true")

    assert xla.model.jit_compile is True
    np.testing.assert_allclose(plain.compute_rows(CLIPS), xla.compute_rows(CLIPS), rtol=1e-4, atol=1e-5)


def test_dropout_and_batch_norm_are_at_rest(write: Callable[..., str]) -> None:
    """Inference has no chance in it: two runs give the same bits, and neighbours do not matter."""
    network = _build(write())
    rows = network.compute_rows(CLIPS)

    np.testing.assert_array_equal(rows, network.compute_rows(CLIPS))
    for k in range(4):
        moved = np.random.default_rng(k).normal(size=CLIPS.shape).astype(np.float32)
        moved[3 - k] = CLIPS[k]
        np.testing.assert_array_equal(rows[k], network.compute_rows(moved)[3 - k])


def test_random_weights_follow_seed_and_name(write: Callable[..., str]) -> None:
    """The same seed gives the same numbers; a layer's numbers do not depend on the layers around it."""
    import random

    random.seed(5)
    np.random.seed(5)
    state = random.getstate()
    first, again, other = _build(write()), _build(write()), _build(write(), "model.weights.random=4")
    longer = _build(
        write(CONFIG.replace("  layers:\n", "  layers:\n    - Activation: {activation: tanh}\n"), "d.yaml")
    )

    assert random.getstate() == state
    np.testing.assert_array_equal(first.compute_rows(CLIPS), again.compute_rows(CLIPS))
    assert np.abs(first.compute_rows(CLIPS) - other.compute_rows(CLIPS)).max() > 1e-3
    for a, b in zip(first.model.weights, longer.model.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_keras_json_changes_a_bit(write: Callable[..., str], tmp_path: Path) -> None:
    """A user's channels_first, float16 and other backend have no say, and nothing is written to the home.

    Keras' home in the environment is hidden from Keras while that is imported, and no longer.
    """
    home = tmp_path / "home"
    (home / ".keras").mkdir(parents=True)
    odd = {"image_data_format": "channels_first", "floatx": "float16", "epsilon": 0.1, "backend": "torch"}
    (home / ".keras" / "keras.json").write_text(json.dumps(odd))
    code = (
        "import os, sys, numpy as np; from specfeat.config import load_config;"
        "from specfeat.network.build import build_network;"
        "clips = np.random.default_rng(0).normal(size=(4, 14, 10, 1)).astype('f4');"
        "sys.stdout.buffer.write(build_network(load_config(sys.argv[1]), 'cpu').compute_rows(clips).tobytes());"
        "print(os.environ.get('KERAS_HOME'), end='')"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code, write()],
            capture_output=True,
            check=True,
            env={**os.environ, **change},
        )
        for change in (
            {"HOME": str(home), "KERAS_HOME": str(home / ".keras"), "KERAS_BACKEND": "torch"},
            {"HOME": str(tmp_path / "none")},
        )
    ]

    rows = _build(write()).compute_rows(CLIPS).tobytes()
    assert said[0].stdout == rows + os.fsencode(home / ".keras")
    assert said[1].stdout == rows + b"None"
    assert [done.stderr for done in said] == [b"", b""], "TensorFlow's chatter reached the terminal"
    assert not (tmp_path / "none" / ".keras").exists()


def test_weights_come_back(write: Callable[..., str], tmp_path: Path) -> None:
    """What Keras saved is loaded: every array of the network, equal, and the hash is known."""
    saved = _build(write())
    saved.model.save_weights(tmp_path / "w.weights.h5")
    loaded = _build(write(CONFIG.replace("{random: 3}", "w.weights.h5"), "d.yaml"))

    np.testing.assert_array_equal(saved.compute_rows(CLIPS), loaded.compute_rows(CLIPS))
    assert loaded.weights["file"] == str(tmp_path / "w.weights.h5")
    assert len(loaded.weights["sha256"]) == 64


def _edit(path: Path, change: Callable[[Any], None]) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        change(file)


def _replace(file: Any, name: str, array: Any) -> None:
    del file[name]
    file[name] = array


CHANGES: dict[str, tuple[Callable[[Any], None], str]] = {
    "missing": (
        lambda f: f.__delitem__("layers/dense_1/vars/0"),
        "does not fit the network: 1 missing (head/kernel 7 x 2)",
    ),
    "unused": (
        lambda f: f.create_dataset("layers/dense_2/vars/0", data=np.zeros(3, np.float32)),
        "does not fit the network: 1 unused (layers/dense_2/vars/0 3)",
    ),
    "transposed": (
        lambda f: _replace(f, "layers/conv2d/vars/0", np.zeros((3, 4, 1, 3), np.float32)),
        "1 of another shape (layers/conv2d/vars/0 3 x 4 x 1 x 3 for block/conv/kernel 4 x 3 x 1 x 3)",
    ),
    "not finite": (
        lambda f: _replace(f, "layers/dense/vars/1", np.full(7, np.nan, np.float32)),
        "layers/dense/vars/1 has values that are not finite",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), CHANGES.values(), ids=CHANGES)
def test_weights_that_do_not_fit(
    write: Callable[..., str], tmp_path: Path, change: Callable[[Any], None], sentence: str
) -> None:
    """Missing, extra, transposed or odd arrays are refused by name; nothing is loaded in part."""
    _build(write()).model.save_weights(tmp_path / "w.weights.h5")
    _edit(tmp_path / "w.weights.h5", change)

    with pytest.raises(WeightsError) as error:
        _build(write(CONFIG.replace("{random: 3}", "{file: w.weights.h5}"), "d.yaml"))

    assert sentence in str(error.value)


@pytest.mark.parametrize("content", [None, b"", b"not HDF5"])
def test_weights_that_are_no_file(write: Callable[..., str], tmp_path: Path, content: bytes | None) -> None:
    """A weights file that is missing, empty or of another kind is one sentence with its path."""
    if content is not None:
        (tmp_path / "w.weights.h5").write_bytes(content)

    with pytest.raises(
        WeightsError, match=r"w\.weights\.h5: (the weights cannot be read: |is empty|is a text file)"
    ):
        _build(write(CONFIG.replace("{random: 3}", "{file: w.weights.h5}"), "d.yaml"))


@pytest.mark.parametrize("device", ["gpu:7", "gpu", "tpu", "cpu:1", "gpu:x"])
def test_a_device_that_is_not_there(write: Callable[..., str], device: str) -> None:
    """Asking for what is not there is an error, never a silent fall-back."""
    from specfeat.tensorflow_runtime import tf

    if device == "gpu" and tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    with pytest.raises(DeviceError, match=rf"device {device}: "):
        _build(write(), device=device)


def test_inputs_branch_and_join(write: Callable[..., str]) -> None:
    """A graph with branches, a block that repeats, and features in the middle."""
    text = CONFIG.split("  layers:")[0] + (
        "  layers:\n"
        "    - Conv2D: {name: stem, filters: 4, kernel_size: 3, padding: same}\n"
        "    - repeat: 3\n"
        "      layers:\n"
        "        - Conv2D: {name: c$i, filters: 4, kernel_size: 3, padding: same}\n"
        "        - ReLU: {name: r$i}\n"
        "    - Add: {name: sum, inputs: [stem, r3]}\n"
        "    - GlobalMaxPooling2D: {name: max}\n"
        "    - GlobalAveragePooling2D: {name: mean, inputs: sum}\n"
        "    - Concatenate: {name: both, inputs: [max, mean]}\n"
        "  weights: {random: 0}\n"
        "  batch: 4\n"
    )
    network = _build(write(text))
    maximum = _build(write(text), "model.features=max")

    assert network.width == 8
    assert [layer.name for layer in network.model.layers if layer.name.startswith("c")] == ["c1", "c2", "c3"]
    np.testing.assert_array_equal(network.compute_rows(CLIPS)[:, :4], maximum.compute_rows(CLIPS))
