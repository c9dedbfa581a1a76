"""What is and what is not an attention layer of PyTorch."""

from pathlib import Path

import numpy as np
import pytest

from helpers.matching import Arrays, count_up, load_network, make_contents, match_and_arrange
from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileContents
from specfeat.weights.files.torch_attention import translate_attention_layers

LAYERS = ("Reshape: {target_shape: [14, 10]}", "MultiHeadAttention: {name: mha, num_heads: 2, key_dim: 5}")
STATE = {
    "mha.in_proj_weight": count_up(30, 10),
    "mha.in_proj_bias": count_up(30),
    "mha.out_proj.weight": count_up(10, 10),
    "mha.out_proj.bias": count_up(10),
}


def _translate(arrays: Arrays) -> FileContents:
    translated = translate_attention_layers(make_contents(arrays).arrays)
    return FileContents(format="test", arrays=translated)


def test_one_array_is_divided_into_three_projections(tmp_path: Path) -> None:
    """PyTorch has query, key and value one behind the other; the values of the first head come first."""
    arrays = match_and_arrange(load_network(tmp_path, *LAYERS), _translate(STATE))

    key = STATE["mha.in_proj_weight"][10:20]  # heads x values, in
    np.testing.assert_array_equal(arrays["mha/key/kernel"], key.T.reshape(10, 2, 5))
    np.testing.assert_array_equal(arrays["mha/value/bias"], np.arange(20, 30).reshape(2, 5))
    output = STATE["mha.out_proj.weight"].T
    np.testing.assert_array_equal(arrays["mha/attention_output/kernel"], output.reshape(2, 5, 10))


def test_layers_of_other_names_are_paired_by_order(tmp_path: Path) -> None:
    """All parts of a layer of the file go to one layer of the network."""
    state = {f"blocks.0.{name}": array for name, array in STATE.items()}
    arrays = match_and_arrange(load_network(tmp_path, *LAYERS), _translate(state), "order")

    assert len(arrays) == 8
    np.testing.assert_array_equal(arrays["mha/query/bias"], np.arange(10).reshape(2, 5))


def test_a_dense_layer_called_query_is_a_layer_of_its_own(tmp_path: Path) -> None:
    """It is no part of an attention layer, because the other parts are not there."""
    network = load_network(tmp_path, "Flatten", "Dense: {name: first, units: 2, use_bias: false}")
    arrays = match_and_arrange(network, {"block/query/kernel": count_up(140, 2)}, "order")

    np.testing.assert_array_equal(arrays["first/kernel"], count_up(140, 2))


def test_biases_before_the_projection_are_refused(tmp_path: Path) -> None:
    """Keras has no such layer (`add_bias_kv`); nothing is divided, so the arrays do not fit."""
    with pytest.raises(WeightsError, match="mha"):
        match_and_arrange(
            load_network(tmp_path, *LAYERS), _translate({**STATE, "mha.bias_k": count_up(1, 1, 10)})
        )
