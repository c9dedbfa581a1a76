"""The network as a graph of layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from specfeat.architecture.axes import Shape
from specfeat.key_path import KeyPath

INPUT_NAME = "spectrogram"  # the name of the network's input, for `inputs:`


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the network, checked but not yet built.

    Attributes:
        kind: the name of the layer kind, e.g. "Conv2D"; `kinds.get_layer_kind` has its record.
        name: unique in the network.
        inputs: the names of the layers whose outputs it reads: one, or several for a merging layer.
        options: Keras' arguments, without the name; lists are tuples.
        path: the keys that lead from the config's list of layers to this layer, for messages.
        is_named: whether the config or the application gives the name. Otherwise specfeat has made it from
            the kind and a number ("conv2d_1").
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    options: Mapping[str, Any]
    path: KeyPath = field(compare=False)
    is_named: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class LayerGraph:
    """The layers of a network, and the shape of its input.

    Attributes:
        layers: the layers in the config's order; each reads only layers before it, or the input.
        input_shape: the shape of one clip, without the batch: (frames, bins, channels).
    """

    layers: tuple[Layer, ...]
    input_shape: Shape


class LayerError(ValueError):
    """The layers of the config do not make a network."""


class LayerListError(LayerError):
    """The config's list of layers has a mistake that does not depend on shapes.

    Attributes:
        path: the keys that lead from the list of layers to the mistake.
        text: what is wrong, as a sentence without its subject, which is the path.
        at_key: whether the mistake is in a key and not in its value.
    """

    def __init__(self, path: KeyPath, text: str, *, at_key: bool = False) -> None:
        super().__init__(text)
        self.path, self.text, self.at_key = path, text, at_key


class LayerMismatchError(LayerError):
    """A layer cannot take the outputs of the layers that it reads, or is too large.

    Attributes:
        layer: the layer.
        reason: what is wrong, as a sentence without its subject, which is the layer.
    """

    def __init__(self, layer: Layer, reason: str) -> None:
        super().__init__(f"{layer.kind} {layer.name!r} {reason}")
        self.layer, self.reason = layer, reason


def to_keras_name(name: str) -> str:
    """Return a layer's name in the Keras model, which has dots for slashes; a/b and a.b are the same name."""
    return name.replace("/", ".")


def list_in_keras_order(layers: Sequence[Layer]) -> list[str]:
    """Return the names of the layers in the order in which Keras lists the layers of a model.

    Keras numbers the layers in its files in this order. The layer that is farthest from an end of the network
    comes first. Of layers with the same distance, the one that is reached first on the way back from the ends
    comes first. In a network without branches, this is the order of the config.
    """
    inputs = {layer.name: layer.inputs for layer in layers}
    used = {name for layer in layers for name in layer.inputs}
    reached: dict[str, None] = {}
    pending = [layer.name for layer in reversed(layers) if layer.name not in used]
    while pending:
        name = pending.pop()
        if name in inputs and name not in reached:
            reached[name] = None
            pending += reversed(inputs[name])
    # The distance of each layer from the end that is farthest from it. The order of the config makes one pass
    # enough, because each layer reads only layers before it.
    distance = dict.fromkeys(inputs, 0)
    for layer in reversed(layers):
        for name in layer.inputs:
            distance[name] = max(distance.get(name, 0), distance[layer.name] + 1)
    return sorted(reached, key=lambda name: -distance[name])
