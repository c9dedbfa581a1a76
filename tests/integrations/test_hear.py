"""Any config is a module of HEAR 2021."""

import subprocess
import sys
from pathlib import Path

import pytest

from specfeat.config import load_config
from specfeat.errors import ConfigError
from specfeat.integrations.hear_settings import (
    choose_sample_rate,
    make_scene_settings,
    make_timestamp_settings,
)

# hearvalidator imports torch only to ask whether a model is one of torch's.
VALIDATE = """
import sys, types, warnings

import numpy as np
from specfeat import Extractor
from specfeat.integrations import hear

torch = types.ModuleType("torch")  # after Keras, which looks for the real torch
torch.nn = types.ModuleType("torch.nn")
torch.nn.Module = type("Module", (), {})
torch.cuda = types.SimpleNamespace(is_available=lambda: False)
sys.modules["torch"], sys.modules["torch.nn"] = torch, torch.nn
from hearvalidator.validate import ValidateModel

with warnings.catch_warnings():
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "the network's weights are random")
    warnings.filterwarnings("ignore", " IMPORTANT: A common bug")  # given to every module
    for name in sys.argv[1:]:
        ValidateModel("specfeat.integrations.hear", name, None)()

model = hear.load_model("minimal")
sound = np.random.default_rng(0).uniform(-1, 1, (2, 20_000)).astype(np.float32)
scenes = np.asarray(hear.get_scene_embeddings(sound, model))
rows = [Extractor("minimal").extract(one, model.sample_rate).rows for one in sound]
np.testing.assert_allclose(scenes, [one.mean(axis=0) for one in rows], rtol=1e-5, atol=1e-6)
embeddings, times = hear.get_timestamp_embeddings(sound, model)
assert embeddings.shape[:2] == times.shape, (embeddings.shape, times.shape)
print("valid")
"""


@pytest.mark.tf
def test_the_validator_of_hear_accepts_configs(tmp_path: Path) -> None:
    """The validator gives neither an error nor a warning, also for a config with another rate; a scene is the mean of the rows."""
    pytest.importorskip("hearvalidator", reason="needs hearvalidator: see CONTRIBUTING.md")
    (tmp_path / "slow.yaml").write_text(
        "audio: {sample_rate: 8000}\nspectrogram: {n_fft: 256, hop_length: 80}\nclips: {frames: 50}\n"
        "model: {layers: [Flatten, Dense: {name: out, units: 4}], features: out, weights: {random: 0}}\n"
    )
    command = [sys.executable, "-c", VALIDATE, "minimal", "slow.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("valid\n")


@pytest.mark.parametrize(
    ("rate", "chosen"), [(8000, 16_000), (16_000, 16_000), (24_000, 32_000), (48_000, 48_000)]
)
def test_the_sounds_have_a_rate_of_hear_that_loses_nothing(rate: int, chosen: int) -> None:
    """The lowest rate of HEAR that is not below that of the config."""
    config = load_config(
        "default", [f"audio.sample_rate={rate}", "spectrogram.mel.fmax=null", "model.weights.random=0"]
    )

    assert choose_sample_rate(config) == chosen


def test_a_rate_above_those_of_hear_is_refused() -> None:
    """HEAR has no sounds for a config with 96 kHz."""
    config = load_config("minimal", ["audio.sample_rate=96000"])
    with pytest.raises(ConfigError, match=r"audio.sample_rate is 96000.*at most 48000"):
        choose_sample_rate(config)


def test_the_settings_differ_only_in_clips_and_rows() -> None:
    """One network serves both embeddings; timestamps are at most 50 ms apart."""
    config = load_config("yamnet")
    scene, timestamps = make_scene_settings(config), make_timestamp_settings(config)

    assert scene.rows.per == "file"
    assert timestamps.rows.per == "clip"
    assert timestamps.clip_grid.hop_samples <= 0.05 * timestamps.audio.sample_rate
    assert scene.input_shape == timestamps.input_shape == config.settings.input_shape
