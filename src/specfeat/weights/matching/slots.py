"""The slots of a network: the arrays that it needs, with everything that is used to find them in a file."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specfeat.architecture.graph import INPUT_NAME, Layer, list_in_keras_order, to_keras_name
from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.shapes import compute_network_shapes, list_network_arrays
from specfeat.config.model import FlattenOrder
from specfeat.config.settings import Settings
from specfeat.weights.files.arrays import Shape
from specfeat.weights.matching.axis_order import (
    SAME_ORDER,
    AxisOrder,
    compute_axis_orders,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """An array that the network needs.

    Attributes:
        layer: the layer's name in the config.
        kind: the layer's Keras class.
        role: Keras' name of the array: "kernel", "moving_mean", ...
        index: the array's number among the layer's arrays.
        shape: the shape in Keras.
        keras_path: the path in a Keras 3 file of the layer, or of its part with the arrays, e.g.
            "layers/conv2d_1" or "layers/lstm/cell".
        keras_position: the layer's number in Keras' order of the layers, counted from 0. In a network with
            branches, this order differs from that of the config.
        is_named: whether the layer has a name in the config. Otherwise specfeat has numbered it, and its name
            says nothing about the file.
        axis_order: the order, in PyTorch, of the values along the axis that the layer reads or normalises, if
            the program joined axes as the setting `flatten` says.
        channels_first_order: the same, if the program had its channels first when it joined axes.
        channels_last_order: the same, if the program had its channels last when it joined axes.
        variable: the Keras variable that receives the values; None if the network has not been built.
    """

    layer: str
    kind: str
    role: str
    index: int
    shape: Shape
    keras_path: str
    keras_position: int = 0
    is_named: bool = True
    axis_order: AxisOrder = SAME_ORDER
    channels_first_order: AxisOrder = SAME_ORDER
    channels_last_order: AxisOrder = SAME_ORDER
    variable: Any = field(repr=False, compare=False, default=None)

    @property
    def name(self) -> str:
        """Layer and role, e.g. "conv1/kernel"."""
        return f"{self.layer}/{self.role}"

    @property
    def part(self) -> str:
        """The part of the layer that has the array; "" if the layer itself has it."""
        return self.role.rpartition("/")[0]

    @property
    def part_role(self) -> str:
        """The array's role in its part, or in the layer."""
        return self.role.rpartition("/")[2]

    @property
    def part_layer(self) -> str:
        """The name of the layer, or of its part with the array, in a weights file: LAYER or LAYER/PART."""
        return f"{self.layer}/{self.part}" if self.part else self.layer


def list_model_slots(
    model: Any, layers: tuple[Layer, ...], flatten: FlattenOrder = "channels_first"
) -> list[Slot]:
    """Return the slots of a network that has been built, in the order of its layers.

    Args:
        model: the Keras model.
        layers: the layers that it was built from; an application is replaced by its own layers.
        flatten: whether the PyTorch program that wrote the weights had its channels first or last when it
            joined axes. This has no effect on weights of other programs.
    """
    keras_layers = {layer.name: model.get_layer(to_keras_name(layer.name)) for layer in layers}
    shapes = {name: tuple(keras_layer.output.shape[1:]) for name, keras_layer in keras_layers.items()}
    arrays = [
        (layer, role, tuple(variable.shape), variable)
        for layer in layers
        for role, variable in _list_variables(keras_layers[layer.name], layer)
    ]
    return _make_slots(layers, {INPUT_NAME: tuple(model.input.shape[1:]), **shapes}, flatten, arrays)


def _list_variables(keras_layer: Any, layer: Layer) -> list[tuple[str, Any]]:
    """Return the roles and the variables of a Keras layer that are arrays of its kind.

    If only Keras knows the arrays, they are all variables, and the roles are their names.
    """
    kind = get_layer_kind(layer.kind)
    variables = [(variable.name, variable) for variable in keras_layer.weights]
    if any("/" in role for role in kind.roles):  # the parts have variables of the same names
        roles = [array.role for array in kind.list_arrays(layer.options)]
        return [(role, variable) for role, (_, variable) in zip(roles, variables, strict=True)]
    return [(name, variable) for name, variable in variables if not kind.roles or name in kind.roles]


def derive_slots(settings: Settings) -> list[Slot]:
    """Return the slots of a config's network by arithmetic, without Keras; their `variable` is None.

    Raises:
        UnknownShapeError: only Keras knows the shapes.
    """
    arrays = [(layer, role, shape, None) for layer, role, shape in list_network_arrays(settings.graph)]
    layers = settings.model.layers
    shapes = compute_network_shapes(settings.graph)
    return _make_slots(layers, shapes, settings.model.weights.flatten, arrays)


def _make_slots(
    layers: tuple[Layer, ...],
    shapes: Mapping[str, Shape],
    flatten: FlattenOrder,
    arrays: list[tuple[Layer, str, Shape, Any]],
) -> list[Slot]:
    """Make one slot for each array of the network.

    Args:
        layers: the layers of the network, in the order of the config.
        shapes: the output shape of each layer and of the input, by name, without the batch.
        flatten: whether the PyTorch program had its channels first or last when it joined axes.
        arrays: each array as its layer, its role, its shape and its Keras variable (or None).
    """
    channels_first = compute_axis_orders(layers, shapes, "channels_first")
    channels_last = compute_axis_orders(layers, shapes, "channels_last")
    orders = channels_first if flatten == "channels_first" else channels_last
    positions = _find_keras_positions(layers)
    slots: list[Slot] = []
    for layer, role, shape, variable in arrays:
        part = role.rpartition("/")[0]
        is_next = bool(slots) and (slots[-1].layer, slots[-1].part) == (layer.name, part)
        keras_path, keras_position = positions[layer.name]
        part_path = get_layer_kind(layer.kind).part_paths.get(part)
        slots.append(
            Slot(
                layer=layer.name,
                kind=layer.kind,
                role=role,
                index=slots[-1].index + 1 if is_next else 0,
                shape=shape,
                keras_path=f"{keras_path}/{part_path}" if part_path else keras_path,
                keras_position=keras_position,
                is_named=layer.is_named,
                axis_order=orders[layer.name],
                channels_first_order=channels_first[layer.name],
                channels_last_order=channels_last[layer.name],
                variable=variable,
            )
        )
    return slots


def _find_keras_positions(layers: tuple[Layer, ...]) -> dict[str, tuple[str, int]]:
    """Return for each layer its path in a Keras 3 file, and its number in Keras' order."""
    kinds = {layer.name: to_snake_case(layer.kind) for layer in layers}
    counts: Counter[str] = Counter()
    positions: dict[str, tuple[str, int]] = {}
    # Keras numbers the layers of a class in its own order, and the first one has no number.
    for position, name in enumerate(list_in_keras_order(layers)):
        kind = kinds[name]
        suffix = f"_{counts[kind]}" if counts[kind] else ""
        counts[kind] += 1
        positions[name] = f"layers/{kind}{suffix}", position
    return positions


def get_class_name(keras_path: str) -> str:
    """Return the class of the layer at a path of a Keras 3 file, e.g. "conv2d" for "layers/conv2d_1"."""
    return re.sub(r"_\d+$", "", keras_path.rpartition("/")[2])


def to_snake_case(kind: str) -> str:
    """Return the name of a class as Keras writes it into files: "separable_conv2d" for "SeparableConv2D"."""
    text = ""
    for i, letter in enumerate(kind):
        follows_small = i > 0 and kind[i - 1].islower()
        precedes_small = i + 1 < len(kind) and kind[i + 1].islower()
        if letter.isupper() and i > 0 and (follows_small or precedes_small):
            text += "_"
        text += letter.lower()
    return text
