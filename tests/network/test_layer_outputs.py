"""The outputs of single layers."""

from pathlib import Path

import numpy as np
import pytest

from helpers.sample_data import make_noise
from helpers.specfeat_command import run_in_this_process, write_noise

CONFIG = """\
audio: {sample_rate: 8000}
spectrogram: {kind: linear, n_fft: 16, hop_length: 16}
clips: {frames: 5}
model:
  layers:
    - Conv2D: {name: part/conv, filters: 3, kernel_size: 1, activation: relu}
    - Flatten
    - Dense: {name: scores, units: 2}
  weights: {random: 0}
"""


@pytest.mark.tf
@pytest.mark.slow
def test_a_layer_gives_what_its_weights_say(tmp_path: Path) -> None:
    """The output is that of the formula of the layer, computed by NumPy; the command draws it."""
    from specfeat.config import load_config
    from specfeat.errors import UsageError
    from specfeat.network.build import build_network
    from specfeat.network.layer_outputs import compute_layer_output

    (tmp_path / "my.yaml").write_text(CONFIG)
    network = build_network(load_config(tmp_path / "my.yaml"), "cpu", 1)
    clip = make_noise(5 * 9).reshape(5, 9, 1)
    kernel, bias = map(np.asarray, network.model.get_layer("part.conv").get_weights())
    maps = np.maximum(0, clip @ kernel[0, 0] + bias)

    assert np.allclose(compute_layer_output(network, "part/conv", clip), maps, atol=1e-6)
    kernel, bias = map(np.asarray, network.model.get_layer("scores").get_weights())
    assert np.allclose(
        compute_layer_output(network, "scores", clip), maps.reshape(-1) @ kernel + bias, atol=1e-5
    )
    with pytest.raises(UsageError, match=r"no layer 'score' \(did you mean 'scores'\?\)"):
        compute_layer_output(network, "score", clip)

    write_noise(tmp_path / "a.wav", 0.2, 8000)
    for layer in ("part/conv", "scores"):
        words = ("plot", "a.wav", "--terminal", "-c", "my.yaml", "--layer", layer)
        done = run_in_this_process(tmp_path, *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"layer {layer}: " in done.stdout
    done = run_in_this_process(
        tmp_path, "plot", "a.wav", "a.svg", "-c", "my.yaml", "--layer", "part/conv", "-q"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "a.svg").read_bytes().startswith(b"<?xml")
