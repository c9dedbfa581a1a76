"""The arrays that the network wants, in order, each with all that is needed to find it in a file."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specfeat.architecture.graph import INPUT_NAME, Layer, list_in_keras_order, to_keras_name
from specfeat.architecture.shapes import compute_network_shapes, list_network_arrays
from specfeat.config.model import FlattenOrder
from specfeat.config.settings import Settings
from specfeat.weights.files.arrays import Shape
from specfeat.weights.matching.axis_order import AxisOrder, compute_axis_orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One array of the network.

    Attributes:
        layer: as the YAML names it.
        kind: the layer's Keras class.
        role: Keras' name of the array: "kernel", "moving_mean", ...
        index: its number among the layer's arrays.
        shape: as Keras has it.
        place: of the layer in a file of Keras 3, e.g. "layers/conv2d_1".
        rank: of the layer, among all, as Keras counts them.
        reads: in which order the numbers lie that the array goes along; see axes.py.
        variable: Keras' own, to be set.
    """

    layer: str
    kind: str
    role: str
    index: int
    shape: Shape
    place: str
    rank: int = 0
    reads: AxisOrder = None
    variable: Any = field(repr=False, compare=False, default=None)

    @property
    def name(self) -> str:
        """Layer and role: "conv1/kernel"."""
        return f"{self.layer}/{self.role}"


def list_model_slots(
    model: Any, layers: tuple[Layer, ...], flatten: FlattenOrder = "channels_first"
) -> list[Slot]:
    """List the arrays of a network that is built, in the order of its layers.

    Args:
        model: the Keras model.
        layers: that it was built of, those of an application in its place.
        flatten: how PyTorch's program joined axes, if the weights are from one.
    """
    made = {layer.name: model.get_layer(to_keras_name(layer.name)) for layer in layers}
    shapes = {name: tuple(one.output.shape[1:]) for name, one in made.items()}
    arrays = [
        (layer, variable.name, tuple(variable.shape), variable)
        for layer in layers
        for variable in made[layer.name].weights
    ]
    orders = compute_axis_orders(layers, {INPUT_NAME: tuple(model.input.shape[1:]), **shapes}, flatten)
    return _slots(layers, orders, arrays)


def derive_slots(settings: Settings) -> list[Slot]:
    """List the same by arithmetic, for a network that is not built; nothing can be set through them.

    Raises:
        UnknownLayerError: only Keras knows the shapes.
    """
    arrays = [(layer, role, shape, None) for layer, role, shape in list_network_arrays(settings.graph)]
    layers = settings.model.layers
    orders = compute_axis_orders(
        layers, compute_network_shapes(settings.graph), settings.model.weights.flatten
    )
    return _slots(layers, orders, arrays)


def _slots(
    layers: tuple[Layer, ...], orders: Mapping[str, AxisOrder], arrays: list[tuple[Layer, str, Shape, Any]]
) -> list[Slot]:
    places = _places(layers)
    slots: list[Slot] = []
    for layer, role, shape, variable in arrays:
        index = slots[-1].index + 1 if slots and slots[-1].layer == layer.name else 0
        place, rank = places[layer.name]
        slots.append(
            Slot(
                layer=layer.name,
                kind=layer.kind,
                role=role,
                index=index,
                shape=shape,
                place=place,
                rank=rank,
                reads=orders[layer.name],
                variable=variable,
            )
        )
    return slots


def _places(layers: tuple[Layer, ...]) -> dict[str, tuple[str, int]]:
    """Give each layer its place in a file of Keras 3, and its number among all, as Keras counts."""
    kinds = {layer.name: to_snake_case(layer.kind) for layer in layers}
    counts: Counter[str] = Counter()
    places: dict[str, tuple[str, int]] = {}
    for rank, name in enumerate(list_in_keras_order(layers)):
        number = counts[kinds[name]]
        counts[kinds[name]] += 1
        places[name] = f"layers/{kinds[name]}" + (f"_{number}" if number else ""), rank
    return places


def get_class_name(place: str) -> str:
    """The class, in Keras' spelling, of the layer at a place in a file of Keras 3."""
    return re.sub(r"_\d+$", "", place.rpartition("/")[2])


def to_snake_case(kind: str) -> str:
    """Write a class name as Keras' files do: SeparableConv2D, separable_conv2d."""
    text = ""
    for i, c in enumerate(kind):
        starts = (
            c.isupper() and i and (kind[i - 1].islower() or (i + 1 < len(kind) and kind[i + 1].islower()))
        )
        text += ("_" if starts else "") + c.lower()
    return text
