"""Which layer of the file is which layer of the network: by name, by the config's map, or by order."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from helpers.matching import (
    CONFIG_HEAD,
    LoadNetwork,
    count_up,
    list_dense_layers,
    load_network,
    make_contents,
    make_dense_kernels,
    match_and_arrange,
)
from specfeat.architecture.graph import list_in_keras_order
from specfeat.config import load_config
from specfeat.errors import ConfigError, WeightsError
from specfeat.weights.matching.match import MatchRule


@pytest.fixture
def network(tmp_path: Path) -> LoadNetwork:
    """Load the settings of a network from its layers, one line each; the config is net.yaml in `tmp_path`."""
    return partial(load_network, tmp_path)


@pytest.mark.parametrize(
    ("network_layers", "file_layers"),
    [
        (
            ("fc", "fc_1"),
            ("fc_1", "fc_2"),
        ),  # all numbers are one higher: names alone would pair them crosswise
        (("fc", "fc_2"), ("fc_1", "fc_2")),
        (("fc",), ("fc_1", "fc_2")),
        (("fc", "fc_1"), ("fc_1",)),
    ],
)
def test_a_number_after_a_name_is_kept_if_names_differ_only_by_numbers(
    network: LoadNetwork, network_layers: tuple[str, ...], file_layers: tuple[str, ...]
) -> None:
    """`fc` is `fc_1` only if no other layer of the file or of the network has that name except for a number."""
    with pytest.raises(WeightsError, match=r"1 missing \(fc/kernel 10 x 10\)"):
        match_and_arrange(network(*list_dense_layers(*network_layers)), make_dense_kernels(*file_layers))


def test_a_number_after_a_single_name_is_ignored(network: LoadNetwork) -> None:
    """Keras 2 adds it to the name of a layer that is made a second time in a session."""
    rows = match_and_arrange(
        network(*list_dense_layers("fc", "out_2")), make_dense_kernels("fc_1", "out_2_1")
    )

    np.testing.assert_array_equal(rows["fc/kernel"], count_up(10, 10))
    np.testing.assert_array_equal(rows["out_2/kernel"], count_up(10, 10) + 1)


@pytest.mark.parametrize("match_rule", ["name", "order"])
def test_a_map_of_layers_is_obeyed(network: LoadNetwork, match_rule: MatchRule) -> None:
    """It pairs whole layers under both rules; the other layers are paired with what remains."""
    rows = match_and_arrange(
        network(*list_dense_layers("a", "b")), make_dense_kernels("b", "a"), match_rule, {"a": "b", "b": "a"}
    )
    np.testing.assert_array_equal(rows["a/kernel"], count_up(10, 10))

    rows = match_and_arrange(
        network(*list_dense_layers("x", "y", "z")), make_dense_kernels("p", "q", "r"), "order", {"x": "r"}
    )
    np.testing.assert_array_equal(rows["x/kernel"], count_up(10, 10) + 2)
    np.testing.assert_array_equal(rows["y/kernel"], count_up(10, 10))


@pytest.mark.parametrize("match_rule", ["name", "order"])
@pytest.mark.parametrize(
    ("user_map", "message"),
    [
        ({"a": "aa"}, "has no layer 'aa', which the map gives to a (did you mean 'a'?)"),
        ({"a": "quite"}, "has no layer 'quite', which the map gives to a; it has a, b"),
        ({"a/kernel": "W"}, "has no array 'W', which the map gives to a/kernel; it has a/kernel, b/kernel"),
        (
            {"a/bias": "b"},
            "the map's entry 'a/bias' is not an array or a layer with arrays; its layer has a/kernel",
        ),
        ({"re": "b"}, "the map's entry 're' is not an array or a layer with arrays; its layer has no arrays"),
        (
            {"a": "none", "a/kernel": "b/kernel"},
            "the map has an entry for a and one for each of its arrays; remove one of the two",
        ),
        ({"a": "b", "b": "b"}, "has one b; the map gives it to a and to b"),
        (
            {"a/kernel": "b/kernel", "b/kernel": "b/kernel"},
            "has one b/kernel; the map gives it to a/kernel and to b/kernel",
        ),
    ],
    ids=str,
)
def test_a_map_that_cannot_be_obeyed_is_refused(
    network: LoadNetwork, match_rule: MatchRule, user_map: dict[str, str], message: str
) -> None:
    """An entry without effect is an error, even if the layers have equal names."""
    settings = network("ReLU: {name: re}", *list_dense_layers("a", "b"))

    with pytest.raises(WeightsError) as error:
        match_and_arrange(settings, make_dense_kernels("a", "b"), match_rule, user_map)

    assert message in str(error.value)


def test_a_separable_convolution_is_mapped_with_both_parts(network: LoadNetwork) -> None:
    """It is two layers in the file, and the name in the map is the beginning of both names."""
    settings = network("SeparableConv2D: {name: sep, filters: 3, kernel_size: 3, use_bias: false}")
    arrays = {"net.s.depthwise.weight": count_up(1, 1, 3, 3), "net.s.pointwise.weight": count_up(3, 1, 1, 1)}

    assert list(match_and_arrange(settings, arrays, user_map={"sep": "net/s"})) == [
        "sep/depthwise_kernel",
        "sep/pointwise_kernel",
    ]
    with pytest.raises(WeightsError, match=r"has no layer 'net/t', which the map gives to sep"):
        match_and_arrange(settings, arrays, user_map={"sep": "net/t"})


def test_a_map_with_a_wrong_word_for_an_array_is_refused(tmp_path: Path) -> None:
    """The config is refused when it is read, with the word that was probably meant."""
    text = (
        CONFIG_HEAD.replace("{random: 0}", "{random: 0, map: {a/kernal: W}}")
        + "    - Dense: {name: a, units: 1}\n"
    )
    (tmp_path / "net.yaml").write_text(text)

    with pytest.raises(
        ConfigError, match=r"a/kernal.*does not end in the name of an array \(did you mean 'kernel'\?\)"
    ):
        load_config(tmp_path / "net.yaml")


def test_a_map_is_ignored_only_for_a_file_converted_for_this_network(network: LoadNetwork) -> None:
    """A converted file whose layers have other names than the config still needs the map."""
    arrays = {"a/kernel": count_up(10, 10), "b/kernel": count_up(10, 10) + 1}
    exchange = {"a": "b", "b": "a"}

    plain = match_and_arrange(network(*list_dense_layers("a", "b")), make_contents(arrays), user_map=exchange)
    converted = match_and_arrange(
        network(*list_dense_layers("a", "b")), make_contents(arrays, "{}"), user_map=exchange
    )
    other = match_and_arrange(
        network(*list_dense_layers("x", "y")), make_contents(arrays, "{}"), user_map={"x": "b", "y": "a"}
    )

    np.testing.assert_array_equal(plain["a/kernel"], arrays["b/kernel"])
    np.testing.assert_array_equal(converted["a/kernel"], arrays["a/kernel"])
    np.testing.assert_array_equal(other["x/kernel"], arrays["b/kernel"])


BRANCHES = (
    "Reshape: {name: in, target_shape: [14, 10]}",
    "Dense: {name: a1, units: 10, use_bias: false}",
    "Dense: {name: a2, units: 10, use_bias: false}",
    "Dense: {name: b1, units: 10, use_bias: false, inputs: in}",
    "Dense: {name: b2, units: 10, use_bias: false}",
    "Add: {inputs: [a2, b2]}",
)


def test_the_order_of_branches_is_not_guessed(network: LoadNetwork) -> None:
    """Keras lists a1 b1 a2 b2, the config a1 a2 b1 b2: if both orders fit, the file is refused."""
    with pytest.raises(
        WeightsError, match="could have q/kernel or r/kernel for a2/kernel: the network has branches"
    ):
        match_and_arrange(network(*BRANCHES), make_dense_kernels("p", "q", "r", "s"), "order")

    user_map = {"a2": "q", "b1": "r"}
    rows = match_and_arrange(network(*BRANCHES), make_dense_kernels("p", "q", "r", "s"), "order", user_map)
    np.testing.assert_array_equal(rows["b2/kernel"], count_up(10, 10) + 3)

    distinct = [
        line.replace("a2, units: 10", "a2, units: 7").replace("b2, units: 10", "b2, units: 7")
        for line in BRANCHES
    ]
    arrays = make_dense_kernels("p", "q", "r", "s") | {f"{n}/kernel": count_up(10, 7) for n in ("q", "s")}
    rows = match_and_arrange(network(*distinct), arrays, "order")
    np.testing.assert_array_equal(rows["b1/kernel"], arrays["r/kernel"])


@pytest.mark.tf
def test_the_order_of_layers_is_that_of_keras(network: LoadNetwork, tmp_path: Path) -> None:
    """In a graph with branches of several lengths and ends, each layer has the position that it has in Keras' model."""
    from specfeat.network.build import build_network

    settings = network(
        "Conv2D: {name: a, filters: 2, kernel_size: 1}",
        "Conv2D: {name: b, filters: 2, kernel_size: 1}",
        "Conv2D: {name: c, filters: 2, kernel_size: 1, inputs: a}",
        "Conv2D: {name: d, filters: 2, kernel_size: 1, inputs: spectrogram}",
        "Add: {name: e, inputs: [d, b]}",
        "Add: {name: f, inputs: [c, e]}",
        "Conv2D: {name: end, filters: 2, kernel_size: 1, inputs: d}",
        "Conv2D: {name: g, filters: 2, kernel_size: 1, inputs: f}",
        "GlobalMaxPooling2D: {name: h, inputs: g}",
        "GlobalMaxPooling2D: {name: i, inputs: end}",
        "Concatenate: {name: j, inputs: [i, h]}",
    )
    model = build_network(load_config(tmp_path / "net.yaml"), "cpu").model

    names = [layer.name for layer in model.layers if layer.name != "spectrogram"]
    assert (
        list_in_keras_order(settings.model.layers) == names != [layer.name for layer in settings.model.layers]
    )
