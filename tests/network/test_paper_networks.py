"""Networks of other kinds than the shipped ones, each against a second program: NumPy, channels first, as PyTorch has them.

The residual block with squeeze and excitation, and the convolution over frames alone, of docs/your-own-network.md.
"""

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.weights_files import write_npz
from specfeat.config import load_config

pytestmark = pytest.mark.tf

Float = NDArray[np.float32]
Arrays = dict[str, Float]

HEAD = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 256, hop_length: 64, mel: {n_mels: 12}, compress: {db: {}}}
clips: {frames: 20}
model:
  batch: 3
  weights: {file: w.npz}
  layers:
"""
PAGE = (Path(__file__).parents[2] / "docs" / "your-own-network.md").read_text()
OTHERS = PAGE[PAGE.index("## Networks of other kinds") :]
RESIDUAL, FRAMES = re.findall(r"```yaml\n(.*?)```", OTHERS, re.S)
CLIPS = np.random.default_rng(0).normal(size=(3, 20, 12, 1)).astype(np.float32)


def _arrays(**shapes: tuple[int, ...]) -> Arrays:
    """Numbers under PyTorch's names and in its axes; `_` stands for the dot."""
    chance = np.random.default_rng(1)
    return {
        name.replace("_", "."): chance.normal(0, 0.4, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def _rows(folder: Path, layers: str, arrays: Arrays) -> Float:
    from specfeat.network.build import build_network

    (folder / "c.yaml").write_text(HEAD + textwrap.indent(layers, "    "))
    write_npz(folder / "w.npz", arrays)
    return build_network(load_config(folder / "c.yaml"), "cpu").compute_rows(CLIPS)


def _conv(x: Float, kernel: Float) -> Float:
    """A convolution of (channels, height, width) that keeps the size."""
    height, width = kernel.shape[2:]
    padded = np.pad(x, ((0, 0), (height // 2,) * 2, (width // 2,) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    y: Float = np.einsum("ihwkl,oikl->ohw", windows, kernel)
    return y


def test_a_residual_block_with_squeeze_and_excitation(tmp_path: Path) -> None:
    """Slopes, groups, a size of 1 that is spread, the norm of a row: each as PyTorch's documents define it."""
    a = _arrays(
        stem_weight=(8, 1, 3, 5), stem_bias=(8,), slope_weight=(8,), conv_weight=(8, 8, 3, 3), norm_weight=(8,),
        norm_bias=(8,), reduce_weight=(2, 8, 1, 1), reduce_bias=(2,), expand_weight=(8, 2, 1, 1), expand_bias=(8,),
    )  # fmt: skip
    rows = []
    for clip in CLIPS.transpose(0, 3, 1, 2):
        y = _conv(clip, a["stem.weight"]) + a["stem.bias"][:, None, None]
        shortcut = np.where(y > 0, y, y * a["slope.weight"][:, None, None])
        groups = _conv(shortcut, a["conv.weight"]).reshape(4, -1)
        groups = (groups - groups.mean(1, keepdims=True)) / np.sqrt(groups.var(1, keepdims=True) + 1e-5)
        y = groups.reshape(8, 20, 12) * a["norm.weight"][:, None, None] + a["norm.bias"][:, None, None]
        gate = np.maximum(a["reduce.weight"][:, :, 0, 0] @ y.mean((1, 2)) + a["reduce.bias"], 0)
        gate = 1 / (1 + np.exp(-(a["expand.weight"][:, :, 0, 0] @ gate + a["expand.bias"])))
        y = y * gate[:, None, None] + shortcut
        row = (y * np.clip(y + 3, 0, 6) / 6).max((1, 2))
        rows.append(row / np.linalg.norm(row))

    np.testing.assert_allclose(_rows(tmp_path, RESIDUAL, a), rows, rtol=1e-4, atol=1e-5)


def test_a_convolution_over_frames(tmp_path: Path) -> None:
    """The bands as channels: what PyTorch's Conv1d makes of bands x frames."""
    a = _arrays(conv_weight=(6, 12, 3), conv_bias=(6,))
    rows = []
    for clip in CLIPS[..., 0]:
        y = np.stack([clip[t] @ a["conv.weight"][:, :, 0].T for t in range(16)])
        y += np.stack([clip[t + 2] @ a["conv.weight"][:, :, 1].T for t in range(16)])
        y += np.stack([clip[t + 4] @ a["conv.weight"][:, :, 2].T for t in range(16)]) + a["conv.bias"]
        y = np.where(y > 0, y, 0.1 * y)
        rows.append(np.concatenate([y.mean(0), y.max(0)]))

    np.testing.assert_allclose(_rows(tmp_path, FRAMES, a), rows, rtol=1e-4, atol=1e-5)
