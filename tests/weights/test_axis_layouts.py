"""Whose order of axes an array has: what its name and its file say, and what the shape can say."""

from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers.matching import (
    LoadNetwork,
    count_up,
    load_network,
    match_and_arrange,
)
from helpers.weights_files import write_keras_2, write_npz, write_safetensors
from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights


@pytest.fixture
def network(tmp_path: Path) -> LoadNetwork:
    """Load the settings of a network from its layers, one line each; the config is net.yaml in `tmp_path`."""
    return partial(load_network, tmp_path)


TWO_SQUARE_LAYERS = (
    "Reshape: {target_shape: [14, 10]}",
    "Dense: {name: a, units: 10, use_bias: false}",
    "Dense: {name: b, units: 10, use_bias: false}",
)


@pytest.mark.parametrize("kind", ["h5", "npz", "safetensors"])
def test_pytorchs_words_mean_pytorchs_axes_in_every_file(
    network: LoadNetwork, tmp_path: Path, kind: str
) -> None:
    """A square matrix has one shape in both orders; it is transposed, also in a state dict that was stored as HDF5."""
    arrays = {"a.weight": count_up(10, 10), "b.weight": count_up(10, 10) + 1}
    path = tmp_path / f"w.{kind}"
    if kind == "h5":
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    elif kind == "npz":
        write_npz(path, arrays)
    else:
        write_safetensors(path, arrays)

    with open_weights_file(locate_weights(str(path))) as contents:
        rows = match_and_arrange(network(*TWO_SQUARE_LAYERS), contents)

    np.testing.assert_array_equal(rows["a/kernel"], arrays["a.weight"].T)
    np.testing.assert_array_equal(rows["b/kernel"], arrays["b.weight"].T)


def test_weight_is_ambiguous_in_a_file_of_keras(network: LoadNetwork, tmp_path: Path) -> None:
    """A layer of the user's own may call its kernel `weight`: its shape decides, but the shape of a square cannot."""
    write_keras_2(tmp_path / "w.h5", {"a/weight": count_up(10, 10), "b/weight": count_up(10, 10)})
    with (
        open_weights_file(locate_weights(str(tmp_path / "w.h5"))) as contents,
        pytest.raises(WeightsError) as error,
    ):
        match_and_arrange(network(*TWO_SQUARE_LAYERS), contents)
    assert "a/a/weight:0 fits a/kernel in PyTorch's order of axes and in Keras'" in str(error.value)

    not_square = network("Reshape: {target_shape: [14, 10]}", "Dense: {name: a, units: 3, use_bias: false}")
    for shape in ((10, 3), (3, 10)):
        write_keras_2(tmp_path / "w.h5", {"a/weight": count_up(*shape)})
        with open_weights_file(locate_weights(str(tmp_path / "w.h5"))) as contents:
            rows = match_and_arrange(not_square, contents)["a/kernel"]
        np.testing.assert_array_equal(rows, count_up(*shape) if shape == (10, 3) else count_up(*shape).T)


def test_an_array_without_a_known_word_has_the_axes_of_its_file(network: LoadNetwork) -> None:
    """Beside arrays with PyTorch's words it is in PyTorch's order; if the file has Keras' words as well, it is refused."""
    user_map = {"b/kernel": "own"}
    state = {"a.weight": count_up(10, 10), "own": count_up(10, 10) + 1}

    np.testing.assert_array_equal(
        match_and_arrange(network(*TWO_SQUARE_LAYERS), state, user_map=user_map)["b/kernel"], state["own"].T
    )
    keras_layer = ("Dense: {name: c, units: 10, use_bias: false}",)
    with pytest.raises(WeightsError, match="own fits b/kernel in PyTorch's order of axes and in Keras'"):
        match_and_arrange(
            network(*TWO_SQUARE_LAYERS, *keras_layer),
            state | {"c/kernel": count_up(10, 10)},
            user_map=user_map,
        )


def test_axes_of_size_1_before_the_constants_of_a_norm_in_tflite(network: LoadNetwork) -> None:
    """A norm that was not folded reads constants of 1 x 1 x 1 x 10, which a map gives to its arrays."""
    roles = ("gamma", "beta", "moving_mean", "moving_variance")
    arrays = [
        FileArray(
            name=f"{i}:constant",
            shape=(1, 1, 10),
            dtype="float32",
            layer=f"constant{i}",
            layout="tflite",
            read=partial(count_up, 1, 1, 10),
        )
        for i in range(4)
    ]
    user_map = {f"norm/{role}": f"{i}:constant" for i, role in enumerate(roles)}
    settings = network("Reshape: {target_shape: [14, 10]}", "BatchNormalization: {name: norm}")

    rows = match_and_arrange(settings, FileContents(format="test", arrays=tuple(arrays)), user_map=user_map)

    np.testing.assert_array_equal(rows["norm/beta"], count_up(10))
