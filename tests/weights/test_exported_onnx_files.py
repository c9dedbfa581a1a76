"""The rows of a network with weights from an ONNX file are the outputs of the program that wrote the file."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.weights_files import (
    CLIPS,
    Arrays,
    build_small_network,
    compute_rows,
    load_small_config,
    make_arrays,
    make_torch_state,
)

onnx: Any = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'specfeat[test]'")
TensorProto, helper, numpy_helper = onnx.TensorProto, onnx.helper, onnx.numpy_helper

pytestmark = pytest.mark.tf

# In a process of its own: torch.export and TensorFlow do not always live in one.
EXPORT = """
import numpy as np, torch
nn = torch.nn
torch.manual_seed(0)
net = nn.Sequential(
    nn.Conv2d(1, 3, (4, 3), bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 6, (2, 3), groups=3),
    nn.PReLU(6), nn.Conv2d(6, 5, (3, 2)), nn.Flatten(), nn.Linear(200, 7),
).eval()
net[1].running_mean.uniform_(-1, 1)
net[1].running_var.uniform_(0.5, 2)
net[4].weight.data.uniform_(-1, 1)
clips = torch.from_numpy(np.load("clips.npy").transpose(0, 3, 1, 2).copy())
with torch.no_grad():
    np.save("rows.npy", net(clips).numpy())
torch.onnx.export(net, (clips,), "w.onnx", OPTIONS)
"""
FOLDED_CONFIG = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 128, hop_length: 64, mel: {n_mels: 10}, compress: {db: {}}}
clips: {frames: 14}
model:
  layers:
    - Conv2D: {name: conv, filters: 3, kernel_size: [4, 3]}
    - ReLU
    - DepthwiseConv2D: {name: depth, kernel_size: [2, 3], depth_multiplier: 2}
    - PReLU: {name: slopes, shared_axes: [1, 2]}
    - Conv2D: {name: last, filters: 5, kernel_size: [3, 2]}
    - Flatten
    - Dense: {name: row, units: 7}
  weights: {random: 3}
  batch: 4
"""


def _write_network(path: Path, state: Arrays, names: dict[str, str], *, is_channels_last: bool) -> None:
    """Write the small network of `helpers.weights_files` as exporters do.

    Args:
        path: the file.
        state: its arrays, in PyTorch's order of axes.
        names: other names of arrays in the file.
        is_channels_last: whether it moves its channels last before the Flatten and then uses MatMul and Add, as
            the exporter of TensorFlow does; else it uses Gemm, as PyTorch's.
    """
    arrays = {names.get(name, name): array for name, array in state.items() if array.ndim}

    def add(operation: str, inputs: list[str], output: str, **attributes: Any) -> Any:
        return helper.make_node(operation, [names.get(name, name) for name in inputs], [output], **attributes)

    norm = [f"block.bn.{role}" for role in ("weight", "bias", "running_mean", "running_var")]
    nodes = [
        add("Conv", ["x", "block.conv.weight"], "a"),
        add("BatchNormalization", ["a", *norm], "b", epsilon=1e-5),
        add("Relu", ["b"], "c"),
        add("Conv", ["c", "depth.weight", "depth.bias"], "d", group=3),
        add("Conv", ["d", "sep.depthwise.weight"], "e", group=6),
        add("Conv", ["e", "sep.pointwise.weight", "sep.pointwise.bias"], "f"),
    ]
    if is_channels_last:
        rows = names.get("row.weight", "row.weight")
        arrays[rows] = arrays[rows].reshape(7, 5, 8, 5).transpose(2, 3, 1, 0).reshape(200, 7)
        nodes += [
            add("Transpose", ["f"], "g", perm=[0, 2, 3, 1]),
            add("Flatten", ["g"], "h"),
            add("MatMul", ["h", "row.weight"], "i"),
            add("Add", ["i", "row.bias"], "row"),
        ]
    else:
        nodes += [add("Flatten", ["f"], "g"), add("Gemm", ["g", "row.weight", "row.bias"], "row", transB=1)]
    nodes.append(add("Gemm", ["row", "head.weight", "head.bias"], "head", transB=1))
    tensors = [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in arrays.items()]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "row", "head")]
    graph = helper.make_graph(
        nodes, "graph", values[:1], values[1:], sorted(tensors, key=lambda t: str(t.name))
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize("is_channels_last", [False, True])
@pytest.mark.parametrize("match", ["name", "order"])
def test_rows_are_those_of_onnx(tmp_path: Path, is_channels_last: bool, match: str) -> None:
    """ONNX's reference implementation runs the file; with generated names the order of the nodes counts."""
    from onnx.reference import ReferenceEvaluator

    state = make_torch_state(make_arrays())
    names = {} if match == "name" else {name: f"onnx::{99 - i}" for i, name in enumerate(state)}
    path = tmp_path / "w.onnx"
    _write_network(path, state, names, is_channels_last=is_channels_last)
    expected = ReferenceEvaluator(str(path)).run(["row"], {"x": CLIPS.transpose(0, 3, 1, 2)})[0]

    network = build_small_network(tmp_path, {"file": str(path), "match": match})

    np.testing.assert_allclose(compute_rows(network), expected, rtol=1e-4, atol=1e-5)
    assert network.weights["format"] == "ONNX"


def test_a_converted_onnx_file_gives_the_same_bits(tmp_path: Path) -> None:
    """`weights convert` writes what was set in the network."""
    from specfeat.network.build import build_network
    from specfeat.weights.save import save_weights

    _write_network(tmp_path / "w.onnx", make_torch_state(make_arrays()), {}, is_channels_last=False)
    config = load_small_config(tmp_path, {"file": str(tmp_path / "w.onnx")})
    network = build_network(config, "cpu")

    with (tmp_path / "w.weights.h5").open("wb+") as file:
        save_weights(network.model, config.settings.model.layers, config.settings, file)

    converted = build_small_network(tmp_path, {"file": str(tmp_path / "w.weights.h5")})
    np.testing.assert_array_equal(compute_rows(network), compute_rows(converted))


@pytest.mark.parametrize("is_dynamo", [False, True])
def test_rows_are_those_of_pytorch(tmp_path: Path, is_dynamo: bool) -> None:
    """Of both of PyTorch's exporters, which fold the norm into the convolution before it."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: pip install 'specfeat[torch]'")
    if is_dynamo and importlib.util.find_spec("onnxscript") is None:
        pytest.skip("PyTorch's newer exporter needs onnxscript")
    np.save(tmp_path / "clips.npy", CLIPS)
    options = "dynamo=True, external_data=False" if is_dynamo else "dynamo=False"
    script = EXPORT.replace("OPTIONS", options)
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=True, timeout=300)

    weights = {"file": str(tmp_path / "w.onnx"), "match": "order"}
    network = build_small_network(tmp_path, weights, FOLDED_CONFIG)

    np.testing.assert_allclose(compute_rows(network), np.load(tmp_path / "rows.npy"), rtol=1e-4, atol=1e-5)
