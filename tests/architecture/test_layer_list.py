"""What a list of layers means."""

import pytest

from helpers.layer_lists import CONV, parse_beginning, parse_items

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")


def list_names(*items: str) -> list[str]:
    return [layer.name for layer in parse_beginning(*items)]


def test_a_layer_reads_the_one_before_unless_it_says_otherwise() -> None:
    read = parse_beginning(
        CONV,
        "ReLU: {name: relu}",
        "Add: {inputs: [conv, relu]}",
        "Flatten",
        "Dense: {units: 3, inputs: [conv]}",
    )

    assert [layer.inputs for layer in read] == [
        ("spectrogram",),
        ("conv",),
        ("conv", "relu"),
        ("add_1",),
        ("conv",),
    ]


def test_layers_without_a_name_are_counted_by_kind() -> None:
    assert list_names("ReLU", "Flatten", "ReLU", "Dense: {units: 3}") == [
        "relu_1",
        "flatten_1",
        "relu_2",
        "dense_1",
    ]


@pytest.mark.parametrize("item", ["Flatten", "Flatten:", "Flatten: {}", "Flatten: null", '"Flatten"'])
def test_a_layer_without_arguments_is_written_in_any_of_these_ways(item: str) -> None:
    assert parse_items(item) == parse_items("Flatten")


REPEATED = [
    ("{repeat: 3, layers: [{ReLU: {name: r$i}}]}", ["r1", "r2", "r3"]),
    ("{repeat: 2, first: 8, layers: [{ReLU: {name: r$i}}]}", ["r8", "r9"]),
    ("{repeat: 2, first: 0, layers: [{ReLU: {name: $i/r$i}}]}", ["0/r0", "1/r1"]),
    ("{repeat: 2, layers: [ReLU, Flatten]}", ["relu_1", "flatten_1", "relu_2", "flatten_2"]),
    ("{repeat: 2, layers: [{repeat: 2, layers: [ReLU]}, Flatten]}",
     ["relu_1", "relu_2", "flatten_1", "relu_3", "relu_4", "flatten_2"]),
    ("ReLU: {name: r$i}", ["r$i"]),
]  # fmt: skip


@pytest.mark.parametrize(("item", "wanted"), REPEATED)
def test_a_block_is_repeated_with_its_number_in_the_names(item: str, wanted: list[str]) -> None:
    assert wanted == list_names(item)


def test_a_repeated_block_reads_the_layers_of_its_own_turn() -> None:
    block = "{repeat: 2, layers: [{ReLU: {name: a$i}}, {ReLU: {name: b$i}}, {Add: {inputs: [a$i, b$i]}}]}"

    assert [layer.inputs for layer in parse_beginning(block)[2::3]] == [("a1", "b1"), ("a2", "b2")]


def test_a_repeat_is_what_it_would_be_written_out() -> None:
    written = [f"Dense: {{name: d{i}, units: 3, activation: relu}}" for i in (4, 5, 6)]

    assert parse_beginning(*written) == parse_beginning(
        "{repeat: 3, first: 4, layers: [{Dense: {name: d$i, units: 3, activation: relu}}]}"
    )


def test_arguments_come_as_they_were_written_with_tuples_for_lists() -> None:
    (layer,) = parse_beginning("ZeroPadding2D: {padding: [[1, 2], [3, 4]]}")

    assert layer.options == {"padding": ((1, 2), (3, 4))}
