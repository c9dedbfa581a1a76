"""PANNs' Cnn6 as its authors wrote it, with random weights, gives the same embedding as in PyTorch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.weights_files import compute_rows
from specfeat.config import load_config
from specfeat.errors import WeightsError

pytestmark = pytest.mark.tf

BLOCK = """\
    - Conv2D: {{name: conv_block{i}/conv1, filters: {n}, kernel_size: 5, padding: same, use_bias: false}}
    - BatchNormalization: {{name: conv_block{i}/bn1, epsilon: 1.0e-5}}
    - ReLU: {{name: conv_block{i}/relu}}
    - AveragePooling2D: {{name: conv_block{i}/pool, pool_size: 2}}
"""
CONFIG = (
    """\
audio: {sample_rate: 32000}
spectrogram:
  n_fft: 1024
  hop_length: 320
  pad_mode: reflect
  mel: {n_mels: 64, fmin: 50, fmax: 14000}
  compress: {db: {}}
clips: {frames: 70}
model:
  layers:
    - BatchNormalization: {name: bn0, axis: 2, epsilon: 1.0e-5}
"""
    + "".join(BLOCK.format(i=i + 1, n=n) for i, n in enumerate((64, 128, 256, 512)))
    + """\
    - AveragePooling2D: {name: over_frequency, pool_size: [1, 4]}
    - GlobalMaxPooling2D: {name: max, inputs: over_frequency}
    - GlobalAveragePooling2D: {name: mean, inputs: over_frequency}
    - Add: {name: over_time, inputs: [max, mean]}
    - Dense: {name: fc1, units: 512}
    - ReLU: {name: embedding}
    - Dense: {name: fc_audioset, units: 527}
  features: embedding
  weights: cnn6.pth
  batch: 2
"""
)


def _make_cnn6(torch: Any) -> Any:
    """Return the network of audioset_tagging_cnn's models.py after the log-mel, with random weights."""
    nn = torch.nn

    # mypy knows no classes of `torch` here, because `torch` is a parameter. So the classes need `type: ignore`.
    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, before: int, after: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(before, after, 5, padding=2, bias=False)
            self.bn1 = nn.BatchNorm2d(after)

        def forward(self, x: Any) -> Any:
            return nn.functional.avg_pool2d(torch.relu(self.bn1(self.conv1(x))), 2)

    class Cnn6(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.bn0 = nn.BatchNorm2d(64)
            sizes = (1, 64, 128, 256, 512)
            for i in range(4):
                setattr(self, f"conv_block{i + 1}", Block(sizes[i], sizes[i + 1]))
            self.fc1, self.fc_audioset = nn.Linear(512, 512), nn.Linear(512, 527)

        def forward(self, x: Any) -> Any:  # (batch, 1, frames, bands)
            x = self.bn0(x.transpose(1, 3)).transpose(1, 3)
            for i in range(4):
                x = getattr(self, f"conv_block{i + 1}")(x)
            x = x.mean(dim=3)
            return torch.relu(self.fc1(x.max(dim=2).values + x.mean(dim=2)))

    torch.manual_seed(0)
    net = Cnn6()
    for norm in filter(lambda module: isinstance(module, nn.BatchNorm2d), net.modules()):
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
        nn.init.uniform_(norm.weight, 0.5, 2)
        nn.init.uniform_(norm.bias, -1, 1)
    return net.eval()


def _make_front_end(torch: Any, **mel: Any) -> dict[str, Any]:
    """Return the buffers of torchlibrosa's layers, which every checkpoint of PANNs contains."""
    from librosa.filters import mel as mel_filters

    n = np.arange(1024)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(513), n) / 1024) * (
        0.5 - 0.5 * np.cos(2 * np.pi * n / 1024)
    )
    filters = mel_filters(**({"sr": 32000, "n_fft": 1024, "n_mels": 64, "fmin": 50, "fmax": 14000} | mel)).T
    return {
        "spectrogram_extractor.stft.conv_real.weight": torch.tensor(waves.real[:, None], dtype=torch.float32),
        "spectrogram_extractor.stft.conv_imag.weight": torch.tensor(waves.imag[:, None], dtype=torch.float32),
        "logmel_extractor.melW": torch.tensor(filters),
    }


def test_cnn6_gives_pytorchs_embedding(tmp_path: Path) -> None:
    """It loads by name, without a map, from a training checkpoint; the embedding is PyTorch's to 1e-4."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'specfeat[torch]'")
    from specfeat.network.build import build_network

    net = _make_cnn6(torch)
    torch.save({"iteration": 1, "model": _make_front_end(torch) | net.state_dict()}, tmp_path / "cnn6.pth")
    (tmp_path / "cnn6.yaml").write_text(CONFIG)
    clips = np.random.default_rng(0).normal(-30, 20, (2, 70, 64, 1)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(clips.transpose(0, 3, 1, 2).copy())).numpy()

    network = build_network(load_config(tmp_path / "cnn6.yaml"), "cpu")

    assert sum(int(np.prod(v.shape)) for v in network.model.trainable_weights) == 4_837_455
    np.testing.assert_allclose(
        compute_rows(network, clips), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max()
    )


@pytest.mark.parametrize(
    "change", [{"fmax": 16000}, {"htk": True}, {"norm": None}, {"n_mels": 63}, {"n_fft": 2048}]
)
def test_cnn6_with_another_front_end_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """Its checkpoint holds the mel filters; on other filters the weights would be wrong without an error."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'specfeat[torch]'")
    from specfeat.network.build import build_network

    torch.save(
        {"model": _make_front_end(torch, **change) | _make_cnn6(torch).state_dict()}, tmp_path / "cnn6.pth"
    )
    (tmp_path / "cnn6.yaml").write_text(CONFIG)

    with pytest.raises(WeightsError, match=r"was trained (with|on) .*logmel_extractor\.melW"):
        build_network(load_config(tmp_path / "cnn6.yaml"), "cpu")
