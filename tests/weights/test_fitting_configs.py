"""The error about a weights file that does not fit the network names the shipped configs that it fits."""

from pathlib import Path

import numpy as np
import pytest

from helpers.weights_files import write_npz
from specfeat.config import load_config
from specfeat.errors import Remedy, WeightsError
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights, prefix_errors_with
from specfeat.weights.fitting_configs import add_fitting_configs


@pytest.fixture
def minimal_path(tmp_path: Path) -> str:
    """The path of a file with the arrays of the shipped config `minimal`, under other names."""
    shapes = {"a.weight": (32, 1, 3, 3), "a.bias": (32,), "b.weight": (10, 5408), "b.bias": (10,)}
    arrays = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    return str(write_npz(tmp_path / "w.npz", arrays))


def _describe(path: str, config: str, *overrides: str) -> WeightsError:
    """Return the error about a file that does not fit this config."""
    settings = load_config(config, overrides).settings
    try:
        with prefix_errors_with("w.npz"), open_weights_file(locate_weights(path)) as contents:
            raise add_fitting_configs(WeightsError("does not fit the network"), settings, contents)
    except WeightsError as e:
        return e


def test_the_shipped_config_that_fits_is_named(minimal_path: str) -> None:
    """Its name, its match rule if that is not the config's, and the remedy for the words of the interface."""
    error = _describe(minimal_path, "vggish")

    assert str(error) == (
        "w.npz: does not fit the network; the file fits the config minimal (with model.weights.match=order)"
    )
    assert error.remedy is Remedy.CHOOSE_FITTING_CONFIG


def test_a_config_with_the_same_network_is_not_named(minimal_path: str) -> None:
    """The file has been compared with this network; for another sound the config would help."""
    same = _describe(minimal_path, "minimal")

    assert (str(same), same.remedy) == ("w.npz: does not fit the network", None)
    assert "fits the config minimal" in str(_describe(minimal_path, "minimal", "spectrogram.n_fft=256"))
