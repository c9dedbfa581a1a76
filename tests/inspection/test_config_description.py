"""What `inspect` says of a config is what the settings and the published numbers say."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from specfeat.config import load_config, shipped_names
from specfeat.files import compute_sha256
from specfeat.inspection.config_description import describe_config
from specfeat.inspection.weights_description import describe_weights


def test_the_numbers_of_yamnet_are_the_published_ones() -> None:
    """96 x 64 every 0.48 s, 1,024 features, and 3,751,369 parameters (tensorflow/models, yamnet.py and params.py)."""
    description = describe_config(load_config("yamnet"))

    assert description.input_shape == (96, 64, 1)
    assert [number.value for number in description.input_sources] == [96, 64, 1]
    assert (description.clip_hop_s, description.features, description.parameters) == (0.48, 1024, 3_751_369)
    assert (description.lowest_hz, description.highest_hz) == pytest.approx((125, 7500))
    assert (description.clip_s, description.rows_per_minute) == (0.975, 124)
    assert description.bytes_per_hour == 4 * 1024 * load_config("yamnet").settings.count_rows(3600 * 16_000)
    # The first convolution sees 3 frames of 25 ms, one every 10 ms.
    assert astuple(description.layers[0])[3:9] == ((48, 32, 32), 288, 442_368, 3, 3, 45.0)


def test_every_shipped_config_is_described() -> None:
    """Only a network of keras.applications has layers that only Keras knows."""
    unknown = [name for name in shipped_names() if describe_config(load_config(name)).parameters is None]

    assert unknown == ["deepspectrum"]


def test_deltas_and_a_cepstrum_make_the_field_larger() -> None:
    """A delta of 5 frames needs 4 frames more; a coefficient is computed from all bands."""
    overrides = ("spectrogram.deltas={width: 5}", "spectrogram.kind=mfcc", "clips.frames=60")
    layers = "[Conv2D: {filters: 1, kernel_size: 3}, Flatten]"
    description = describe_config(load_config("minimal", [*overrides, f"model.layers={layers}"]))

    assert (description.layers[0].field_frames, description.layers[0].field_bins) == (3 + 4, 20)


def test_a_principal_component_analysis_changes_the_number_of_features(tmp_path: Path) -> None:
    """The row has as many features as the file has vectors."""
    np.savez(tmp_path / "pca.npz", pca_means=np.zeros(10), pca_eigen_vectors=np.eye(10)[:4])
    config = load_config("minimal", [f"model.postprocess=[{{pca: {tmp_path / 'pca.npz'}}}]"])

    assert describe_config(config).features == 4


def test_the_weights_are_identified(tmp_path: Path) -> None:
    """The shipped weights have their licence; those of random configs say what can be fetched; a wrong hash is named."""
    default = describe_weights(load_config("default"))
    assert default.path is not None
    assert (default.licence, default.sha256) == ("Apache-2.0", compute_sha256(Path(default.path)))
    assert describe_weights(load_config("yamnet")).fetchable == ("yamnet",)
    (tmp_path / "w.h5").write_bytes(b"other")
    overrides = [f"model.weights.file={tmp_path / 'w.h5'}", f"model.weights.sha256={default.sha256}"]
    other = describe_weights(load_config("default", overrides))
    assert (other.licence, f"the config wants {default.sha256}" in other.problem) == (None, True)
    missing = describe_weights(load_config("default", ["model.weights.file=nowhere.h5"]))
    assert "nowhere.h5: no such file" in missing.problem
