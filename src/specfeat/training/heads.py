"""The layers that training adds to the network of a config."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.kinds.dense import DENSE
from specfeat.config import Config
from specfeat.config.layer_errors import make_layer_error
from specfeat.config.model import Weights
from specfeat.text import suggest_free_name

PROJECTION_UNITS = (256, 128)  # of the layers behind the features that `contrast` trains and throws away
_OUTPUT_ACTIVATIONS = ("softmax", "sigmoid")


@dataclass(frozen=True, slots=True)
class NetworkWithHeads:
    """The network of a config with the heads: the layers that are added for the training.

    Attributes:
        config: the config that is composed; its layers include those that are added, its weights are random.
        saved_layers: the layers whose weights are saved: those of the config, and the head of `classify`. The
            other heads are removed after the training.
        outputs: the names of the layers whose outputs are compared with the targets.
        activation: the activation of the first output: "linear", "softmax" or "sigmoid".
        added_names: the names of the layers that are added.
        notes: what the user should know.
    """

    config: Config
    saved_layers: tuple[Layer, ...]
    outputs: tuple[str, ...]
    activation: str
    added_names: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def add_class_head(config: Config, classes: int, *, multi: bool) -> NetworkWithHeads:
    """Return the network with an output for each class; a Dense layer is added if it has none.

    Args:
        config: the config.
        classes: the number of classes.
        multi: whether a sound may have several labels.

    Raises:
        ModelError: the network ends in class scores, but of another number of classes, or in a softmax where
            a sound may have several labels.
    """
    layers = config.settings.model.layers
    found = _find_class_output(config, classes, multi=multi)
    if found:
        name, activation = found
        return NetworkWithHeads(_with_layers(config, ()), layers, (name,), activation)
    activation = "sigmoid" if multi else "softmax"
    head = _make_dense(config, "classes", config.settings.model.feature_layer, classes, activation)
    note = (
        f"the network has no layer of {classes} units at its end, so the layer {head.name!r} "
        f"(Dense, {classes} units, {activation}) is added to {config.settings.model.feature_layer!r}"
    )
    return NetworkWithHeads(
        _with_layers(config, (head,)),
        (*layers, head),
        (head.name,),
        activation,
        frozenset((head.name,)),
        (note,),
    )


def add_teacher_heads(config: Config, widths: Sequence[int]) -> NetworkWithHeads:
    """Return the network with a linear layer that predicts the features of each teacher."""
    feature = config.settings.model.feature_layer
    heads = tuple(
        _make_dense(config, f"teacher_{number}", feature, width, "linear")
        for number, width in enumerate(widths)
    )
    names = tuple(head.name for head in heads)
    layers = config.settings.model.layers
    return NetworkWithHeads(_with_layers(config, heads), layers, names, "linear", frozenset(names))


def add_projection(config: Config) -> NetworkWithHeads:
    """Return the network with two Dense layers whose output is compared between forms of a clip."""
    feature = config.settings.model.feature_layer
    first = _make_dense(config, "projection_0", feature, PROJECTION_UNITS[0], "relu")
    second = _make_dense(config, "projection_1", first.name, PROJECTION_UNITS[1], "linear")
    layers = config.settings.model.layers
    names = frozenset((first.name, second.name))
    return NetworkWithHeads(_with_layers(config, (first, second)), layers, (second.name,), "linear", names)


def _find_class_output(config: Config, classes: int, *, multi: bool) -> tuple[str, str] | None:
    """Return the name and the activation of the layer that ends the network with the scores of classes."""
    layers = config.settings.model.layers
    read = {name for layer in layers for name in layer.inputs}
    by_name = {layer.name: layer for layer in layers}
    for last in reversed([layer for layer in layers if layer.name not in read]):
        dense, activation = last, str(last.options.get("activation") or "linear")
        only_activation = get_layer_kind(last.kind).find_only_activation(last.options)
        if only_activation:
            dense, activation = by_name.get(last.inputs[0], last), only_activation
        if get_layer_kind(dense.kind) is not DENSE:
            continue
        units = dense.options["units"]
        if units == classes and activation in ("linear", *_OUTPUT_ACTIVATIONS):
            if multi and activation == "softmax":
                raise make_layer_error(
                    config.tree,
                    last,
                    "is a softmax, but a sound may have several labels; use activation: sigmoid",
                )
            return last.name, activation
        if activation in _OUTPUT_ACTIVATIONS and dense.name != config.settings.model.feature_layer:
            raise make_layer_error(
                config.tree,
                dense,
                f"has {units} units, but the labels have {classes} classes; "
                f"give units: {classes}, or remove the layer",
            )
    return None


def _make_dense(config: Config, name: str, source: str, units: int, activation: str) -> Layer:
    """Make a Dense layer whose name no layer of the config has."""
    used = {layer.name for layer in config.settings.model.layers}
    options: dict[str, Any] = {"units": units, "activation": activation}
    return Layer(DENSE.name, suggest_free_name(name, used), (source,), options, ())


def _with_layers(config: Config, added: Sequence[Layer]) -> Config:
    """Return the config with more layers, and with random weights; a weights file is loaded later."""
    model = config.settings.model
    seed = (
        model.weights.random
        if model.weights.random is not None
        else (config.settings.train.seed if config.settings.train else 0)
    )
    weights = Weights(random=seed, map={})
    new_model = model.model_copy(
        update={"layers": (*model.layers, *added), "weights": weights, "features": model.feature_layer}
    )
    return replace(config, settings=config.settings.model_copy(update={"model": new_model}))
