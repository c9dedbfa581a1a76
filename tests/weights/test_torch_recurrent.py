"""What is and what is not a recurrent layer of PyTorch."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.matching import Arrays, count_up, load_network, make_contents, match_and_arrange
from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileContents
from specfeat.weights.files.torch_recurrent import translate_recurrent_layers

LAYERS = ("Reshape: {target_shape: [14, 10]}", "GRU: {name: rnn, units: 2}")
STATE = {
    "rnn.weight_ih_l0": count_up(6, 10),
    "rnn.weight_hh_l0": count_up(6, 2),
    "rnn.bias_ih_l0": count_up(6),
    "rnn.bias_hh_l0": count_up(6) + 10,
}


def _translate(arrays: Arrays) -> FileContents:
    translated = translate_recurrent_layers(make_contents(arrays).arrays)
    return FileContents(format="test", arrays=translated)


@pytest.fixture
def match(tmp_path: Path) -> partial[dict[str, NDArray[Any]]]:
    """Match with the network of one GRU."""
    return partial(match_and_arrange, load_network(tmp_path, *LAYERS))


def test_the_gates_of_a_gru_change_places(match: partial[dict[str, NDArray[Any]]]) -> None:
    """PyTorch has reset, update, new; Keras update, reset, new. Each of the two biases stays."""
    arrays = match(_translate(STATE))

    kernel = STATE["rnn.weight_ih_l0"]
    np.testing.assert_array_equal(arrays["rnn/kernel"], kernel[[2, 3, 0, 1, 4, 5]].T)
    np.testing.assert_array_equal(arrays["rnn/bias"], [[2, 3, 0, 1, 4, 5], [12, 13, 10, 11, 14, 15]])


def test_projections_are_refused(
    match: partial[dict[str, NDArray[Any]]],
) -> None:
    """Keras has no such layer; nothing is translated, so the arrays do not fit."""
    with pytest.raises(WeightsError, match="5 unused"):
        match(_translate({**STATE, "rnn.weight_hr_l0": count_up(6, 10)}))


def test_a_gru_of_another_kind_is_named(tmp_path: Path) -> None:
    """A GRU of Keras with reset_after: false has one bias, and computes another function."""
    network = load_network(tmp_path, LAYERS[0], "GRU: {name: rnn, units: 2, reset_after: false}")

    with pytest.raises(WeightsError, match=r"; rnn needs reset_after: true for these weights$"):
        match_and_arrange(network, _translate(STATE))
