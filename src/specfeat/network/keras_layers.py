"""Makes a Keras layer from a layer of the config."""

import hashlib
import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from specfeat.architecture.graph import Layer, to_keras_name
from specfeat.architecture.kinds import get_layer_kind
from specfeat.tensorflow_runtime import keras


def make_keras_layer(layer: Layer, seed: int | None) -> Any:
    """Make a Keras layer, which is not built before it is applied to its inputs.

    The layer computes in float32 with the channels last, independently of the user's Keras settings. Each
    initialiser gets a seed that is derived from `seed`, the layer's name and the name of the initialiser's
    argument. So the random weights of a layer do not depend on the other layers.

    Args:
        layer: the layer of the config.
        seed: the config's seed for random weights; None if the weights come from a file. Random initialisers
            are then replaced by zeros.
    """
    cls = _find_keras_class(layer.kind)
    options = {**get_layer_kind(layer.kind).keras_options, **layer.options}
    wrapped_argument = get_layer_kind(layer.kind).wrapped_argument
    if wrapped_argument:
        options |= _make_both_directions(layer, options[wrapped_argument], seed)
    parameters = inspect.signature(cls.__init__).parameters
    if "data_format" in parameters:
        options["data_format"] = "channels_last"
    if "seed" in parameters and options.get("seed") is None:  # of what a layer draws while it is trained
        options["seed"] = _derive_seed(seed or 0, layer.name, "seed")
    for name, parameter in parameters.items():
        if name.endswith("_initializer"):
            options[name] = _seed_initializer(options.get(name, parameter.default), seed, layer.name, name)
    return cls(name=to_keras_name(layer.name), dtype="float32", **options)


def _make_both_directions(layer: Layer, wrapped: Mapping[str, Any], seed: int | None) -> dict[str, Any]:
    """Return Keras' arguments with the recurrent layer of each direction.

    Args:
        layer: the layer that runs a recurrent layer in both directions.
        wrapped: the name of the recurrent layer's kind, with its arguments.
        seed: see `make_keras_layer`.
    """
    kind, arguments = next(iter(wrapped.items()))
    forward, backward = (
        make_keras_layer(Layer(kind, f"{layer.name}/{direction}", layer.inputs, options, layer.path), seed)
        for direction, options in (
            ("forward", arguments),
            ("backward", {**arguments, "go_backwards": True}),
        )
    )
    return {"layer": forward, "backward_layer": backward}


def _find_keras_class(name: str) -> Any:
    """Return the class of a layer kind: a class of Keras, or a class of specfeat (`module:class`)."""
    keras_class = get_layer_kind(name).keras_class
    if keras_class is None:
        return getattr(keras.layers, name)
    module, _, own_name = keras_class.partition(":")
    return getattr(importlib.import_module(module), own_name)


def _seed_initializer(initializer: object, seed: int | None, layer: str, argument: str) -> Any:
    """Return a random initialiser with its own seed, or zeros without a seed; others stay unchanged."""
    unseeded = keras.initializers.get(initializer)
    if not hasattr(unseeded, "seed"):
        return unseeded
    if seed is None:
        return keras.initializers.Zeros()
    return type(unseeded).from_config({**unseeded.get_config(), "seed": _derive_seed(seed, layer, argument)})


def _derive_seed(seed: int, *names: str) -> int:
    """Return the seed of one initialiser: 31 bits of the SHA-256 of the config's seed and the names."""
    digest = hashlib.sha256("/".join([str(seed), *names]).encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1
