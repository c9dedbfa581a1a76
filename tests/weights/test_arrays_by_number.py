"""Arrays of Keras 3 have numbers in place of names: which number is gamma, and which is beta."""

import json
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from helpers.matching import (
    Arrays,
    LoadNetwork,
    count_up,
    load_network,
    match_and_arrange,
)
from specfeat.config import load_config
from specfeat.errors import WeightsError
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights
from specfeat.weights.matching.match import MatchRule


@pytest.fixture
def network(tmp_path: Path) -> LoadNetwork:
    """Load the settings of a network from its layers, one line each; the config is net.yaml in `tmp_path`."""
    return partial(load_network, tmp_path)


def _write_keras_3(path: Path, arrays: Arrays, names: Mapping[str, str] | None = None) -> Path:
    """Write Keras 3's layout, from arrays by layer path and number, e.g. `batch_normalization/0`."""
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            keras_path, _, number = name.rpartition("/")
            group = file.require_group(f"layers/{keras_path}/vars")
            group[number] = array
            if names and keras_path in names:
                group.attrs["name"] = names[keras_path]
    return path


NORM = "BatchNormalization: {name: norm, axis: 2"


def _write_norm(path: Path, count: int = 3) -> Path:
    """Write a norm with a number of arrays."""
    arrays = {f"batch_normalization/{i}": count_up(10) + i for i in range(count)}
    return _write_keras_3(path, arrays, {"batch_normalization": "norm"})


@pytest.mark.parametrize("options", ["scale: false", "center: false"])
def test_gamma_is_not_taken_for_beta(network: LoadNetwork, tmp_path: Path, options: str) -> None:
    """Three arrays are beta and the statistics, or gamma and the statistics; the file does not say which."""
    settings = network(f"{NORM}, {options}}}", "Flatten")

    with open_weights_file(locate_weights(str(_write_norm(tmp_path / "w.weights.h5")))) as contents:
        with pytest.raises(
            WeightsError, match=r"layers/batch_normalization/vars/0, which may be norm/(beta|gamma)"
        ):
            match_and_arrange(settings, contents)
        role = "beta" if "scale" in options else "gamma"
        user_map = {
            f"norm/{r}": f"layers/batch_normalization/vars/{i}"
            for i, r in enumerate((role, "moving_mean", "moving_variance"))
        }
        np.testing.assert_array_equal(
            match_and_arrange(settings, contents, user_map=user_map)[f"norm/{role}"], count_up(10)
        )


def test_four_or_two_arrays_of_a_norm_are_clear(network: LoadNetwork, tmp_path: Path) -> None:
    """Four are all, two are the statistics; three do not fit a norm with both gamma and beta."""
    with open_weights_file(locate_weights(str(_write_norm(tmp_path / "4.weights.h5", 4)))) as contents:
        assert next(iter(match_and_arrange(network(f"{NORM}}}", "Flatten"), contents))) == "norm/gamma"
    with open_weights_file(locate_weights(str(_write_norm(tmp_path / "2.weights.h5", 2)))) as contents:
        assert (
            len(match_and_arrange(network(f"{NORM}, scale: false, center: false}}", "Flatten"), contents))
            == 2
        )
    three_arrays = open_weights_file(locate_weights(str(_write_norm(tmp_path / "3.weights.h5", 3))))
    with three_arrays as contents, pytest.raises(WeightsError, match="1 missing"):
        match_and_arrange(network(f"{NORM}}}", "Flatten"), contents)


@pytest.mark.parametrize("mapped_role", ["gamma", "beta"])
def test_a_map_of_one_array_leaves_the_others_clear(
    network: LoadNetwork, tmp_path: Path, mapped_role: str
) -> None:
    """In a norm with gamma and beta, a map of one of the two does not make the number of the other unclear."""
    user_map = {f"norm/{mapped_role}": f"layers/batch_normalization/vars/{int(mapped_role == 'beta')}"}

    with open_weights_file(locate_weights(str(_write_norm(tmp_path / "w.weights.h5", 4)))) as contents:
        rows = match_and_arrange(network(f"{NORM}}}", "Flatten"), contents, user_map=user_map)

    for index, role in enumerate(("gamma", "beta", "moving_mean", "moving_variance")):
        np.testing.assert_array_equal(rows[f"norm/{role}"], count_up(10) + index)


def test_a_map_of_one_array_does_not_hide_a_missing_one(network: LoadNetwork, tmp_path: Path) -> None:
    """If gamma comes from elsewhere, three arrays of the norm in the file do not fill its three other slots."""
    arrays = {f"batch_normalization/{i}": count_up(10) + i for i in range(3)} | {"dense/1": count_up(10)}
    path = _write_keras_3(tmp_path / "w.weights.h5", arrays, {"batch_normalization": "norm"})
    user_map = {"norm/gamma": "layers/dense/vars/1"}

    with (
        open_weights_file(locate_weights(str(path))) as contents,
        pytest.raises(WeightsError, match=r"1 missing \(norm/moving_variance 10\); 1 unused"),
    ):
        match_and_arrange(network(f"{NORM}}}", "Flatten"), contents, user_map=user_map)


def test_a_keras_archive_says_which_of_gamma_and_beta(network: LoadNetwork, tmp_path: Path) -> None:
    """The model's config in the archive is read as data: beta goes to beta, and never to gamma."""
    norm = {"class_name": "BatchNormalization", "config": {"name": "norm", "scale": False, "center": True}}
    with zipfile.ZipFile(tmp_path / "w.keras", "w") as file:
        file.write(_write_norm(tmp_path / "w.weights.h5"), "model.weights.h5")
        file.writestr("config.json", json.dumps({"config": {"layers": [norm]}}))

    with open_weights_file(locate_weights(str(tmp_path / "w.keras"))) as contents:
        rows = match_and_arrange(network(f"{NORM}, scale: false}}", "Flatten"), contents)
        np.testing.assert_array_equal(rows["norm/beta"], count_up(10))
        with pytest.raises(WeightsError, match=r"1 missing \(norm/gamma 10\); 1 unused"):
            match_and_arrange(network(f"{NORM}, center: false}}", "Flatten"), contents)


def test_a_number_is_used_only_in_a_layer_of_the_same_class(network: LoadNetwork, tmp_path: Path) -> None:
    """Two arrays of a LayerNormalization (gamma, beta) are not the statistics of a norm of the same name."""
    arrays = {f"layer_normalization/{i}": count_up(10) for i in range(2)}
    path = _write_keras_3(tmp_path / "w.weights.h5", arrays, {"layer_normalization": "norm"})

    with (
        open_weights_file(locate_weights(str(path))) as contents,
        pytest.raises(WeightsError, match=r"2 missing .* 2 unused"),
    ):
        match_and_arrange(network(f"{NORM}, scale: false, center: false}}", "Flatten"), contents)


@pytest.mark.tf
def test_a_converted_norm_without_gamma_loads_again(network: LoadNetwork, tmp_path: Path) -> None:
    """A file that specfeat has written says what each array is; YAMNet's norms have beta only."""
    from specfeat.network.build import build_network
    from specfeat.weights.save import save_weights

    network(f"{NORM}, scale: false}}", "Flatten")
    network_without_gamma = build_network(load_config(tmp_path / "net.yaml"), "cpu")
    settings = load_config(tmp_path / "net.yaml").settings
    with (tmp_path / "w.weights.h5").open("w+b") as file:
        save_weights(network_without_gamma.model, network_without_gamma.layers, settings, file)

    with open_weights_file(locate_weights(str(tmp_path / "w.weights.h5"))) as contents:
        assert [array.role for array in contents.arrays] == ["beta", "moving_mean", "moving_variance"]
        assert len(match_and_arrange(settings, contents)) == 3


@pytest.mark.parametrize("has_count", [True, False])
@pytest.mark.parametrize("match_rule", ["name", "order"])
def test_a_normalization_layer_needs_no_count(
    network: LoadNetwork, tmp_path: Path, has_count: bool, match_rule: MatchRule
) -> None:
    """Its mean and variance are used; the number of samples that Keras has seen may be in the file or not."""
    arrays: dict[str, Any] = {"normalization/0": count_up(10), "normalization/1": count_up(10) + 3}
    if has_count:
        arrays["normalization/2"] = np.int64(7)
    path = _write_keras_3(tmp_path / "w.weights.h5", arrays, {"normalization": "norm"})

    with open_weights_file(locate_weights(str(path))) as contents:
        rows = match_and_arrange(
            network("Normalization: {name: norm, axis: 2}", "Flatten"), contents, match_rule
        )

    np.testing.assert_array_equal(rows["norm/mean"], count_up(10))
    np.testing.assert_array_equal(rows["norm/variance"], count_up(10) + 3)
