"""The order of the rows of a kernel after axes were joined, for files in PyTorch's order."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.matching import (
    LoadNetwork,
    count_up,
    load_network,
    match_and_arrange,
)
from specfeat.errors import WeightsError


@pytest.fixture
def network(tmp_path: Path) -> LoadNetwork:
    """Load the settings of a network from its layers, one line each; the config is net.yaml in `tmp_path`."""
    return partial(load_network, tmp_path)


CONV = "Conv2D: {name: conv, filters: 4, kernel_size: 3, use_bias: false}"  # 12 x 8 x 4
DENSE = "Dense: {name: row, units: 5}"


def _make_torch_arrays(rows: int, filters: int = 4) -> dict[str, NDArray[Any]]:
    """Return a PyTorch state dict of one convolution and one dense layer."""
    return {
        "conv.weight": count_up(filters, 1, 3, 3),
        "row.weight": count_up(5, rows),
        "row.bias": count_up(5),
    }


@pytest.mark.parametrize(
    "between",
    [
        ["Flatten"],
        ["Reshape: {target_shape: [-1]}"],
        ["ReLU", "Dropout: {rate: 0.5}", "Flatten", "Activation: {activation: relu}"],
        ["Permute: {dims: [2, 1, 3]}", "Permute: {dims: [2, 1, 3]}", "Flatten"],  # and back again
        ["Reshape: {target_shape: [96, 4]}", "Flatten"],
        ["Reshape: {target_shape: [12, 1, 8, 4]}", "Flatten"],
    ],
    ids=str,
)
def test_rows_go_from_channels_first_to_channels_last(network: LoadNetwork, between: list[str]) -> None:
    """PyTorch flattens (channels, frames, bins): row c * 96 + t * 8 + f of the file is Keras' row t * 32 + f * 4 + c."""
    rows = match_and_arrange(network(CONV, *between, DENSE), _make_torch_arrays(384))["row/kernel"]

    torch_rows = _make_torch_arrays(384)["row.weight"].T.reshape(4, 12, 8, 5)
    np.testing.assert_array_equal(rows.reshape(12, 8, 4, 5), torch_rows.transpose(1, 2, 0, 3))


@pytest.mark.parametrize(
    "between",
    [
        ["Permute: {dims: [3, 1, 2]}", "Flatten"],
        ["Permute: {dims: [2, 3, 1]}", "Permute: {dims: [2, 3, 1]}", "Flatten"],  # the same in two steps
        ["Permute: {dims: [3, 1, 2]}", "ReLU", "Reshape: {target_shape: [384]}", "Dropout: {rate: 0.1}"],
    ],
    ids=str,
)
def test_rows_that_the_config_joins_in_pytorchs_order_stay(network: LoadNetwork, between: list[str]) -> None:
    """The Permute puts the channels first, as PyTorch has them."""
    rows = match_and_arrange(network(CONV, *between, DENSE), _make_torch_arrays(384))["row/kernel"]

    np.testing.assert_array_equal(rows, _make_torch_arrays(384)["row.weight"].T)


@pytest.mark.parametrize(
    "between",
    [
        ["Permute: {dims: [2, 1, 3]}", "Flatten"],
        ["Permute: {dims: [3, 2, 1]}", "Flatten"],
        ["Permute: {dims: [1, 3, 2]}", "Flatten"],
        ["Permute: {dims: [2, 1, 3]}", "ReLU", "Dropout: {rate: 0.1}", "Reshape: {target_shape: [384]}"],
        ["Reshape: {target_shape: [6, 16, 4]}", "Flatten"],
        ["Dense: {name: late, units: 4, use_bias: false}", "Flatten"],
    ],
    ids=str,
)
def test_rows_in_any_other_order_are_refused(network: LoadNetwork, between: list[str]) -> None:
    """After a Permute that is not channels first, or a Reshape that splits an axis, the file's order cannot be known."""
    arrays = _make_torch_arrays(384) | ({"late.weight": count_up(4, 4)} if "late" in str(between) else {})

    with pytest.raises(WeightsError, match=r"row/kernel reads axes .* the order of its rows cannot be known"):
        match_and_arrange(network(CONV, *between, DENSE), arrays)


def test_a_program_that_moves_channels_last_has_keras_order(network: LoadNetwork) -> None:
    """The program of torchvggish does; only the config can say so (flatten: channels_last). Then a config with channels first is refused."""
    channels_last = {"flatten": "channels_last"}

    rows = match_and_arrange(network(CONV, "Flatten", DENSE, weights=channels_last), _make_torch_arrays(384))[
        "row/kernel"
    ]
    np.testing.assert_array_equal(rows, _make_torch_arrays(384)["row.weight"].T)
    joined = network(CONV, "Reshape: {target_shape: [12, 32]}", DENSE, weights=channels_last)
    np.testing.assert_array_equal(
        match_and_arrange(joined, _make_torch_arrays(32))["row/kernel"],
        _make_torch_arrays(32)["row.weight"].T,
    )
    for dims in ("[3, 1, 2]", "[2, 1, 3]"):
        with pytest.raises(WeightsError, match="row/kernel reads axes"):
            match_and_arrange(
                network(CONV, f"Permute: {{dims: {dims}}}", "Flatten", DENSE, weights=channels_last),
                _make_torch_arrays(384),
            )


def test_a_reshape_that_joins_channels_and_bins_is_refused(network: LoadNetwork) -> None:
    """Frames x (bins * channels) and frames x (channels * bins) have one shape; only the PyTorch program knows which."""
    joined = network(CONV, "Reshape: {target_shape: [12, 32]}", DENSE)

    with pytest.raises(WeightsError, match="row/kernel reads axes"):
        match_and_arrange(joined, _make_torch_arrays(32))
    pooled = network(CONV, "Reshape: {target_shape: [12, 32]}", "GlobalAveragePooling1D", DENSE)
    with pytest.raises(WeightsError, match="row/kernel reads axes"):
        match_and_arrange(pooled, _make_torch_arrays(32))
    permuted = network(CONV, "Permute: {dims: [1, 3, 2]}", "Reshape: {target_shape: [12, 32]}", DENSE)
    np.testing.assert_array_equal(
        match_and_arrange(permuted, _make_torch_arrays(32))["row/kernel"],
        _make_torch_arrays(32)["row.weight"].T,
    )


def test_channels_last_is_suggested_where_it_tells_the_order(network: LoadNetwork) -> None:
    """Frames x (bins x channels) has no order with the channels first; another mixture has none with them last."""
    layers = (CONV, "Reshape: {target_shape: [12, 32]}", DENSE)
    with pytest.raises(WeightsError, match="set flatten: channels_last"):
        match_and_arrange(network(*layers), _make_torch_arrays(32))
    assert match_and_arrange(network(*layers, weights={"flatten": "channels_last"}), _make_torch_arrays(32))

    with pytest.raises(WeightsError) as error:
        match_and_arrange(
            network(CONV, "Permute: {dims: [2, 1, 3]}", "Flatten", DENSE), _make_torch_arrays(384)
        )
    assert "channels_last" not in str(error.value)


def test_a_convolution_over_joined_axes_is_refused(network: LoadNetwork) -> None:
    """Its kernel reads the joined axis, so the order matters as it does for the rows of a dense layer."""
    joined = network(
        CONV, "Reshape: {target_shape: [12, 32]}", "Conv1D: {name: row, filters: 5, kernel_size: 1}"
    )

    with pytest.raises(WeightsError, match="row/kernel reads axes"):
        match_and_arrange(joined, _make_torch_arrays(32) | {"row.weight": count_up(5, 32, 1)})


def test_flattened_layers_that_are_joined_are_refused(network: LoadNetwork) -> None:
    """Two flattened outputs that are concatenated or added have no order that a PyTorch file could have."""
    for kind, row_count in (("Concatenate", 768), ("Add", 384)):
        joined = network(
            CONV,
            "Flatten: {name: one}",
            "MaxPooling2D: {name: same, inputs: conv, pool_size: 1}",
            "Flatten: {name: two}",
            f"{kind}: {{inputs: [one, two]}}",
            DENSE,
        )
        with pytest.raises(WeightsError, match="row/kernel reads axes"):
            match_and_arrange(joined, _make_torch_arrays(row_count))


def test_an_axis_of_one_part_has_one_order(network: LoadNetwork) -> None:
    """After global pooling, or if all other axes have the size 1, nothing is joined."""
    for between in (["GlobalMaxPooling2D"], ["MaxPooling2D: {pool_size: [12, 8]}", "Flatten"]):
        rows = match_and_arrange(network(CONV, *between, DENSE), _make_torch_arrays(4))["row/kernel"]
        np.testing.assert_array_equal(rows, _make_torch_arrays(4)["row.weight"].T)


def test_a_network_that_reads_bins_by_frames(network: LoadNetwork) -> None:
    """A Permute at the start is what PyTorch reads, too; a later Flatten joins the axes of the convolution."""
    rows = match_and_arrange(
        network("Permute: {dims: [2, 1, 3]}", CONV, "Flatten", DENSE), _make_torch_arrays(384)
    )["row/kernel"]

    torch_rows = _make_torch_arrays(384)["row.weight"].T.reshape(4, 8, 12, 5)
    np.testing.assert_array_equal(rows.reshape(8, 12, 4, 5), torch_rows.transpose(1, 2, 0, 3))


def test_the_bias_of_a_dense_layer_is_not_taken_for_channels(network: LoadNetwork) -> None:
    """With as many units as joined values, the rows of the kernel are reordered, and the bias is not."""
    settings = network(CONV, "Flatten", "Dense: {name: row, units: 384}")
    arrays = _make_torch_arrays(384) | {"row.weight": count_up(384, 384), "row.bias": count_up(384)}

    rows = match_and_arrange(settings, arrays)

    np.testing.assert_array_equal(rows["row/bias"], arrays["row.bias"])
    assert (rows["row/kernel"] != arrays["row.weight"].T).any()


def test_a_norm_after_a_flatten_is_reordered(network: LoadNetwork) -> None:
    """Its arrays belong to the joined axis, as the rows of a dense layer do."""
    settings = network(CONV, "Flatten", "BatchNormalization: {name: norm}", DENSE)
    words = ("weight", "bias", "running_mean", "running_var")
    arrays = _make_torch_arrays(384) | {f"norm.{word}": count_up(384) for word in words}

    rows = match_and_arrange(settings, arrays)

    expected = count_up(4, 12, 8).transpose(1, 2, 0).reshape(-1)
    for role in ("gamma", "beta", "moving_mean", "moving_variance"):
        np.testing.assert_array_equal(rows[f"norm/{role}"], expected)
