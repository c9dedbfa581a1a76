"""The engine ONNX Runtime gives the rows of TensorFlow, and needs no TensorFlow once a network is converted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.specfeat_command import write_noise
from specfeat.cli import run_command_line
from specfeat.config import load_config
from specfeat.errors import DeviceError, ModelError, UsageError
from specfeat.run.extract_to import extract_to

pytestmark = pytest.mark.tf

LAYERS = """
audio: {sample_rate: 8000}
spectrogram: {kind: mel, n_fft: 256, hop_length: 80, mel: {n_mels: 20}}
clips: {frames: 25}
model:
  layers:
    - Conv2D: {filters: 5, kernel_size: 3, padding: same}
    - BatchNormalization
    - ReLU: {name: low}
    - DepthwiseConv2D: {kernel_size: 3, padding: same, activation: sigmoid}
    - Multiply: {inputs: [low, depthwiseconv2d_1]}
    - MaxPooling2D: {pool_size: 2}
    - Reshape: {target_shape: [12, 50]}
    - GRU: {units: 7}
    - Dense: {name: last, units: 6, activation: softmax}
  weights: {random: 3}
  batch: 7
"""

# Runs the command line, and prints which files and sockets it has opened outside the folders that it may use.
WATCHED = """
import json, os, sys
opened = []
def watch(event, arguments):
    if event == "socket.connect":
        opened.append(str(arguments[1]))
    elif event in ("os.mkdir", "open") and (event == "os.mkdir" or arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        opened.append(str(arguments[0]))
sys.addaudithook(watch)
from specfeat.cli import run_command_line
code = run_command_line(sys.argv[1:])
print(json.dumps([code, [name for name in ("tensorflow", "keras") if name in sys.modules], opened]))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two sounds and a config, whose cache for networks is empty."""
    pytest.importorskip("onnxruntime", reason="the engine needs onnxruntime")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for number in range(2):
        write_noise(tmp_path / f"in/{number}.wav", 1.5 + number, 8000)
    (tmp_path / "my.yaml").write_text(LAYERS)
    return tmp_path


def test_rows_are_those_of_tensorflow(folder: Path) -> None:
    """They differ by rounding only, and have the same bits at every place and with any number of threads."""
    from specfeat.network.build import build_network
    from specfeat.network.prepare import prepare_network

    config = load_config("my.yaml")
    clips = np.random.default_rng(0).standard_normal((7, 25, 20, 1)).astype(np.float32)
    wanted = build_network(config).compute_rows(clips)
    network = prepare_network(config, threads=1, engine="onnxruntime")
    rows = network.compute_rows(clips)

    np.testing.assert_allclose(rows, wanted, rtol=1e-5, atol=1e-6)
    assert network.places == 7
    assert network.compute_rows(clips[::-1].copy())[::-1].tobytes() == rows.tobytes()
    cached = prepare_network(config, threads=3, engine="onnxruntime")
    assert not hasattr(cached, "model")
    assert cached.compute_rows(clips).tobytes() == rows.tobytes()
    assert (cached.width, cached.columns, cached.parameters) == (
        network.width,
        network.columns,
        network.parameters,
    )
    clips[2, 3, 4, 0] = np.nan
    finite = np.isfinite(cached.compute_rows(clips)).all(axis=1)
    assert finite.tolist() == [True, True, False, True, True, True, True]


def test_a_converted_network_needs_no_tensorflow(folder: Path) -> None:
    """The second run loads no TensorFlow, contacts nobody, writes nothing elsewhere, and has the same bytes."""
    extract_to("in", "first.npy", "my.yaml", engine="onnxruntime")
    (folder / "home").mkdir()
    environment = {**os.environ, "HOME": str(folder / "home")}
    command = [
        sys.executable,
        "-B",
        "-c",
        WATCHED,
        *["extract", "in", "second.npy", "-q", "--engine", "onnxruntime", "-c", "my.yaml"],
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    code, libraries, opened = json.loads(done.stdout)

    assert (code, libraries) == (0, [])
    # A number is a file that is open already, such as a pipe to a worker.
    others = [name for name in opened if not name.isdigit() and not name.startswith("/dev/")]
    assert [name for name in others if "second" not in name] == []
    assert [*(folder / "home").iterdir()] == []
    assert Path("second.npy").read_bytes() == Path("first.npy").read_bytes()
    first, second = (json.loads(Path(f"{name}.run.json").read_bytes()) for name in ("first", "second"))
    assert first["engine"].startswith("onnxruntime 1.")
    for key in ("engine", "weights", "device", "features", "config"):
        assert first[key] == second[key]


def test_an_output_is_verified_and_searched_with_its_engine(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`verify` gets the same bytes again, and `search` can compute the row of an example."""
    extract_to("in", "out.npy", "my.yaml", engine="onnxruntime")
    assert run_command_line(["verify", "out.npy"]) == 0
    assert "with the same bytes" in capsys.readouterr().out
    assert run_command_line(["search", "out.npy", "--like", "in/0.wav@0-0.25", "-k", "1"]) == 0


def test_engines_are_not_mixed(folder: Path) -> None:
    """A run is not updated with another engine; a GPU, an unknown engine and XLA are refused."""
    extract_to("in", "out.npy", "my.yaml")
    with pytest.raises(UsageError, match=r"engine: tensorflow, now onnxruntime 1\."):
        extract_to("in", "out.npy", "my.yaml", engine="onnxruntime", update=True)
    with pytest.raises(DeviceError, match="runs on the CPU only"):
        extract_to("in", "gpu.npy", "my.yaml", engine="onnxruntime", device="gpu")
    with pytest.raises(UsageError, match="the engine is 'torch'; wanted tensorflow or onnxruntime"):
        extract_to("in", "other.npy", "my.yaml", engine="torch")
    with pytest.raises(ModelError, match="only the engine tensorflow compiles with XLA"):
        extract_to(
            "in", "x.npy", "my.yaml", overrides=["model.compile={jit_compile: true}"], engine="onnxruntime"
        )


def test_a_damaged_cache_is_replaced(folder: Path) -> None:
    """A network with a wrong byte is converted again."""
    extract_to("in", "first.npy", "my.yaml", engine="onnxruntime")
    (cached,) = (folder / "cache/specfeat/networks").iterdir()
    content = cached.read_bytes()
    cached.write_bytes(content[:-50] + bytes(50))
    extract_to("in", "second.npy", "my.yaml", engine="onnxruntime")

    assert Path("second.npy").read_bytes() == Path("first.npy").read_bytes()
    assert not cached.read_bytes().endswith(bytes(50))
