"""The arrays that the network wants, in order, each with all that is needed to find it in a file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from specfeat.config.graph import INPUT, Layer, keras_name
from specfeat.network.weights.arrays import Shape

_SAME_ORDER = {"Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout", "BatchNormalization"}
_SAME_ORDER |= {"LayerNormalization", "Rescaling"}


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
        flattened: what a Flatten before the layer made one axis of, e.g. (frames, bins, channels); None
            without one, "mixed" if several came together in a way that cannot be undone.
        variable: Keras' own, to be set.
    """

    layer: str
    kind: str
    role: str
    index: int
    shape: Shape
    place: str
    flattened: Shape | Literal["mixed"] | None = None
    variable: Any = field(repr=False, compare=False, default=None)

    @property
    def name(self) -> str:
        """Layer and role: "conv1/kernel"."""
        return f"{self.layer}/{self.role}"


def find_slots(model: Any, layers: tuple[Layer, ...]) -> list[Slot]:
    """List the network's arrays in the order of its layers.

    A layer that is a network itself (a backbone of keras.applications) gives the arrays of its own layers.
    """
    return list(
        _slots(model, {keras_name(layer.name): layer for layer in layers}, _Flattened(model, layers), "")
    )


def _slots(model: Any, ours: dict[str, Layer], flattened: "_Flattened", place: str) -> Iterator[Slot]:
    counts: dict[str, int] = {}
    for made in model.layers:
        kind = type(made).__name__
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        here = f"{place}layers/{snake(kind)}" + (f"_{number}" if number else "")
        name = ours[made.name].name if made.name in ours else made.name
        if hasattr(made, "layers"):
            yield from _slots(made, {}, flattened, f"{here}/")
            continue
        before = flattened.before(name) if made.weights else None
        for i, variable in enumerate(made.weights):
            yield Slot(
                layer=name,
                kind=kind,
                role=variable.name,
                index=i,
                shape=tuple(variable.shape),
                place=here,
                flattened=before,
                variable=variable,
            )


class _Flattened:
    """Knows what stood before each layer's one axis."""

    def __init__(self, model: Any, layers: tuple[Layer, ...]) -> None:
        self._model = model
        self._layers = {layer.name: layer for layer in layers}

    def before(self, name: str) -> Shape | Literal["mixed"] | None:
        """What a Flatten before the layer made one axis of, with only layers between that keep the order."""
        if name not in self._layers:
            return None
        found = [self._given(source) for source in self._layers[name].inputs]
        if all(each == found[0] for each in found) and (found[0] is None or len(found) == 1):
            return found[0]
        return "mixed"

    def _given(self, name: str) -> Shape | Literal["mixed"] | None:
        if name == INPUT:
            return None
        layer = self._layers[name]
        made = self._model.get_layer(keras_name(name))
        if layer.kind in ("Flatten", "Reshape") and len(made.output.shape) == 2:
            before = self._layers.get(layer.inputs[0])
            # Who permutes before flattening has put the axes in the file's order already.
            shape = tuple(made.input.shape[1:])
            return None if len(shape) == 1 or (before and before.kind == "Permute") else shape
        if layer.kind in _SAME_ORDER or len(layer.inputs) > 1:
            return self.before(name)
        return None


def snake(kind: str) -> str:
    """Write a class name as Keras' files do: SeparableConv2D, separable_conv2d."""
    text = ""
    for i, c in enumerate(kind):
        starts = (
            c.isupper() and i and (kind[i - 1].islower() or (i + 1 < len(kind) and kind[i + 1].islower()))
        )
        text += ("_" if starts else "") + c.lower()
    return text
