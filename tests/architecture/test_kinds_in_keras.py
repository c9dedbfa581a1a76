"""What the records say of shapes and arrays is what Keras makes; each kind is tested as soon as it has a record."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from specfeat.architecture.axes import Shape
from specfeat.architecture.check import find_mismatch
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.architecture.kinds.arguments import (
    ActivationName,
    ArgumentType,
    Choice,
    Flag,
    InitializerName,
    Margins,
    Number,
    NumberArray,
    NumberRange,
    Sizes,
    Text,
    WholeNumber,
    check_argument,
)
from specfeat.architecture.kinds.axis_arguments import (
    Axes,
    AxesOrNone,
    AxisPermutation,
    OneAxis,
    SharedAxes,
    TargetShape,
)
from specfeat.architecture.kinds.base import LayerKind
from specfeat.architecture.kinds.recurrent import RecurrentLayer
from specfeat.architecture.shapes import compute_array_shapes, compute_output_shape

SHAPES: tuple[Shape, ...] = ((4, 5, 6), (4, 5, 1), (4, 6), (6,))  # of the inputs that are tried


def _list_examples(argument: ArgumentType, rank: int) -> list[Any]:
    """Return allowed values of a type of argument, for a layer whose input has `rank` axes."""
    if isinstance(argument, Choice):
        return list(argument.names)
    if isinstance(argument, Sizes):
        return [2, [3, 2][: argument.axes]]
    if isinstance(argument, Margins):
        return [1, [0, 1], [[0, 1], [2, 0]]] if argument.axes == 2 else [1, [0, 1]]
    examples: dict[type, list[Any]] = {
        WholeNumber: [6],
        Number: [0.5],
        NumberRange: [[0, 1]],
        NumberArray: [0.5],
        RecurrentLayer: [
            {"LSTM": {"units": 6}},
            {"GRU": {"units": 3, "return_sequences": True, "use_bias": False}},
        ],
        Text: ["viridis"],
        Flag: [True, False],
        ActivationName: ["tanh"],
        InitializerName: ["ones"],
        Axes: [1, -1, [1, rank]] if rank > 1 else [1],
        AxesOrNone: [1, -1, None, [1, rank]] if rank > 1 else [1, None],
        OneAxis: [1, -1],
        SharedAxes: [1, rank, list(range(1, rank + 1))],
        TargetShape: [[-1], [2, -1]],
        AxisPermutation: [list(range(rank, 0, -1))],
    }
    return examples[type(argument)]


def _list_options(kind: LayerKind, rank: int) -> Iterator[dict[str, Any]]:
    """Yield the required arguments alone, and with each example of each argument."""
    required = {key: _list_examples(argument, rank)[0] for key, argument in kind.required.items()}
    yield required
    for key, argument in kind.arguments.items():
        for value in _list_examples(argument, rank):
            yield {**required, key: value}


def _to_tuple(value: Any) -> Any:
    return tuple(map(_to_tuple, value)) if isinstance(value, list) else value


def _list_layers(kind: LayerKind) -> Iterator[tuple[Layer, list[Shape]]]:
    """Yield layers of a kind with the shapes of inputs that they can take."""
    for shape in SHAPES:
        shapes = [shape] * kind.min_inputs
        names = ("one", "two")[: len(shapes)]
        for options in _list_options(kind, len(shape)):
            frozen = {key: _to_tuple(value) for key, value in options.items()}
            layer = Layer(kind.name, f"tried_{len(shape)}", names, frozen, ())
            if find_mismatch(layer, shapes) is None:
                yield layer, shapes


@pytest.mark.parametrize("name", LAYER_KINDS)
def test_every_kind_takes_one_of_the_inputs(name: str) -> None:
    """What the comparison with Keras tries is there for each kind, and its arguments are allowed."""
    kind = LAYER_KINDS[name]
    tried = list(_list_layers(kind))

    assert tried
    assert kind.required.keys().isdisjoint(kind.optional)
    for options in _list_options(kind, 3):
        assert all(check_argument(kind.arguments[key], value) is None for key, value in options.items())


@pytest.mark.tf
def test_transposed_convolutions_have_the_sizes_of_keras() -> None:
    """Size, stride, padding and output padding decide together; what TensorFlow cannot compute is refused."""
    from specfeat.network.keras_layers import make_keras_layer

    for size, stride, padding, added in product(
        (1, 2, 3, 4, 5), (1, 2, 3), ("valid", "same"), (None, 0, 1, 2)
    ):
        options = {"filters": 1, "kernel_size": size, "strides": stride, "padding": padding}
        options |= {} if added is None else {"output_padding": added}
        layer = Layer("Conv1DTranspose", "tried", ("one",), options, ())
        if find_mismatch(layer, [(4, 2)]) is None:
            output = make_keras_layer(layer, 0)(np.zeros((1, 4, 2), np.float32))
            assert compute_output_shape(layer, [(4, 2)]) == tuple(output.shape[1:]), layer
        else:
            assert added is not None
            assert added >= stride or (padding == "same" and size % 2 == 0 and added == 0), layer


@pytest.mark.tf
@pytest.mark.parametrize("name", [name for name, kind in LAYER_KINDS.items() if not kind.is_composite])
def test_every_kind_is_the_same_in_keras(name: str) -> None:
    """The shape of the output, and the arrays in their order, with each argument that has a part in them."""
    from specfeat.network.keras_layers import make_keras_layer
    from specfeat.tensorflow_runtime import keras

    for layer, shapes in _list_layers(LAYER_KINDS[name]):
        inputs = [keras.Input(shape) for shape in shapes]
        made = make_keras_layer(layer, 0)
        output = made(inputs if len(inputs) > 1 else inputs[0])

        assert compute_output_shape(layer, shapes) == tuple(output.shape[1:]), layer
        arrays = [(v.name, tuple(v.shape)) for v in made.weights if v.name != "count"]  # computes nothing
        expected = [(role.rpartition("/")[2], size) for role, size in compute_array_shapes(layer, shapes)]
        assert expected == arrays, layer
