"""Layers whose arrays PyTorch keeps in another way: the network computes what PyTorch computes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.weights_files import CLIPS, build_small_network, compute_rows, write_safetensors

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


@pytest.fixture
def torch() -> Any:
    """The module, if it is installed."""
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'specfeat[torch]'")


def _compare(
    folder: Path, torch: Any, layers: str, modules: dict[str, Any], compute: Callable[[Any], Any]
) -> None:
    """Compare the rows of a config with what modules of PyTorch compute from the same weights.

    Args:
        folder: where the config and the weights are written.
        torch: the module.
        layers: the lines of the config's layers.
        modules: the modules of PyTorch by the names that their arrays begin with.
        compute: computes the output, whose axes are batch and then those of the config's last layer before
            Flatten, from clips of the shape (batch, frames, bins, channels).
    """
    state = {
        f"{name}.{key}": value.numpy()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    path = write_safetensors(folder / "w.safetensors", state)
    with torch.no_grad():
        expected = compute(torch.from_numpy(CLIPS)).numpy()

    rows = compute_rows(build_small_network(folder, {"file": str(path)}, HEAD + layers))

    np.testing.assert_allclose(rows, expected.reshape(len(expected), -1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("LSTM", "LSTM"), ("GRU", "GRU"), ("SimpleRNN", "RNN")],
)
@pytest.mark.parametrize("has_bias", [True, False])
def test_recurrent_layers(tmp_path: Path, torch: Any, kind: str, options: str, has_bias: bool) -> None:
    """PyTorch has two biases, another order of gates, and several layers in one module; the input is joined axes."""
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(1, 3, (1, 4))
    make = getattr(torch.nn, options)
    module = make(21, 5, num_layers=2, batch_first=True, bias=has_bias)
    last = make(5, 4, batch_first=True, bias=has_bias)
    bias = str(has_bias).lower()
    layers = f"""\
    - Conv2D: {{name: conv, filters: 3, kernel_size: [1, 4]}}
    - Permute: {{dims: [1, 3, 2]}}
    - Reshape: {{target_shape: [14, 21]}}
    - {kind}: {{name: module/l0, units: 5, return_sequences: true, use_bias: {bias}}}
    - {kind}: {{name: module/l1, units: 5, return_sequences: true, use_bias: {bias}}}
    - {kind}: {{name: last, units: 4, use_bias: {bias}}}
"""

    def compute(clips: Any) -> Any:
        maps = conv(clips.permute(0, 3, 1, 2)).permute(0, 2, 1, 3)  # frames, channels, bins
        return last(module(maps.reshape(4, 14, 21))[0])[0][:, -1]

    _compare(tmp_path, torch, layers, {"conv": conv, "module": module, "last": last}, compute)


def test_recurrent_layers_in_two_directions(tmp_path: Path, torch: Any) -> None:
    """A module of two layers with two directions each; the second one reads both directions of the first one."""
    torch.manual_seed(0)
    module = torch.nn.GRU(10, 5, num_layers=2, batch_first=True, bidirectional=True)
    layers = """\
    - Reshape: {target_shape: [14, 10]}
    - Bidirectional: {name: module/l0, layer: {GRU: {units: 5, return_sequences: true}}}
    - Bidirectional: {name: module/l1, layer: {GRU: {units: 5, return_sequences: true}}}
    - Flatten
"""
    _compare(tmp_path, torch, layers, {"module": module}, lambda clips: module(clips[..., 0])[0])


@pytest.mark.parametrize("has_bias", [True, False])
def test_attention(tmp_path: Path, torch: Any, has_bias: bool) -> None:
    """One array has the projections of query, key and value; the input is joined axes."""
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(1, 4, (1, 5))
    first = torch.nn.MultiheadAttention(24, 3, batch_first=True, bias=has_bias)
    second = torch.nn.MultiheadAttention(24, 2, batch_first=True, bias=has_bias, kdim=10, vdim=10)
    for module in (first, second):
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    bias = str(has_bias).lower()
    layers = f"""\
    - Reshape: {{name: frames, target_shape: [14, 10]}}
    - Conv2D: {{name: conv, inputs: spectrogram, filters: 4, kernel_size: [1, 5]}}
    - Permute: {{dims: [1, 3, 2]}}
    - Reshape: {{target_shape: [14, 24]}}
    - MultiHeadAttention: {{name: first, num_heads: 3, key_dim: 8, use_bias: {bias}}}
    - MultiHeadAttention: {{name: second, inputs: [first, frames], num_heads: 2, key_dim: 12, use_bias: {bias}}}
    - Flatten
"""

    def compute(clips: Any) -> Any:
        maps = conv(clips.permute(0, 3, 1, 2)).permute(0, 2, 1, 3)  # frames, channels, bins
        maps = maps.reshape(4, 14, 24)
        own = first(maps, maps, maps)[0]
        return second(own, clips[..., 0], clips[..., 0])[0]

    modules = {"conv": conv, "first": first, "second": second}
    _compare(tmp_path, torch, layers, modules, compute)


def test_rms_normalization(tmp_path: Path, torch: Any) -> None:
    """PyTorch calls the scale `weight`."""
    norm = torch.nn.RMSNorm(10, eps=1e-6)
    torch.nn.init.uniform_(norm.weight)
    layers = """\
    - Reshape: {target_shape: [14, 10]}
    - RMSNormalization: {name: norm}
    - Flatten
"""
    _compare(tmp_path, torch, layers, {"norm": norm}, lambda clips: norm(clips[..., 0]))


def test_transposed_convolutions(tmp_path: Path, torch: Any) -> None:
    """PyTorch's kernel is (in, out, height, width); its padding removes margins of the output."""
    torch.manual_seed(0)
    up = torch.nn.ConvTranspose2d(1, 3, (4, 3), stride=(1, 2), padding=(1, 1), output_padding=(0, 1))
    along_time = torch.nn.ConvTranspose1d(60, 2, 3, stride=2)
    layers = """\
    - Conv2DTranspose: {name: up, filters: 3, kernel_size: [4, 3], strides: [1, 2], output_padding: [0, 1]}
    - Cropping2D: {cropping: [1, 1]}
    - Permute: {dims: [1, 3, 2]}
    - Reshape: {target_shape: [15, 60]}
    - Permute: {dims: [2, 1]}
    - Permute: {dims: [2, 1]}
    - Conv1DTranspose: {name: along_time, filters: 2, kernel_size: 3, strides: 2}
    - Flatten
"""

    def compute(clips: Any) -> Any:
        maps = up(clips.permute(0, 3, 1, 2))  # channels, frames, bins
        return along_time(maps.permute(0, 1, 3, 2).reshape(4, 60, 15)).permute(0, 2, 1)

    _compare(tmp_path, torch, layers, {"up": up, "along_time": along_time}, compute)
