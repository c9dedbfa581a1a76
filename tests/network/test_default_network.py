"""The network `default`, whose trained weights are part of specfeat."""

import hashlib
import warnings
from pathlib import Path

import numpy as np
import pytest

from helpers.sample_data import compute_clips, make_noise
from specfeat.config import load_config

CONFIGS = Path(__file__).parents[2] / "configs"
MAX_BYTES = 4_000_000  # of the weights in the wheel


def test_the_config_names_the_weights_that_are_shipped() -> None:
    """The weights file is small, and the config has its SHA-256, so that a damaged file is refused."""
    weights = load_config("default").settings.model.weights
    content = (CONFIGS / "default.weights.h5").read_bytes()

    assert weights.sha256 == hashlib.sha256(content).hexdigest()
    assert len(content) < MAX_BYTES


def test_the_recipe_trains_the_shipped_network() -> None:
    """The recipe of the training has the same sound, clips and layers as the shipped config."""
    shipped = load_config("default").settings
    recipe = load_config(CONFIGS / "training" / "default.yaml").settings

    assert recipe.audio == shipped.audio
    assert recipe.spectrogram == shipped.spectrogram
    assert recipe.clips == shipped.clips
    assert recipe.model.layers == shipped.model.layers
    assert recipe.model.features == shipped.model.features


@pytest.mark.tf
def test_the_features_end_with_mean_and_maximum_of_each_band() -> None:
    """The last 128 features are those of NumPy, the others differ between sounds, and nothing warns of random weights."""
    from specfeat import Extractor

    noise = (make_noise(32_000) / 4).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = Extractor(device="cpu").extract(noise, 16_000).rows

    clips = compute_clips(load_config("default").settings, noise)[..., 0]
    assert rows.shape == (2, 640)
    np.testing.assert_allclose(rows[:, 512:576], clips.mean(axis=1), atol=1e-4)
    np.testing.assert_allclose(rows[:, 576:], clips.max(axis=1), atol=1e-4)
    assert (np.ptp(rows[:, :512], axis=0) > 0).mean() > 0.5
