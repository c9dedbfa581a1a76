"""Replaces a network of keras.applications by its own layers, so that they are like the layers in a config.

Therefore weights are matched by the names of these layers, their batch normalisations are folded, and their
random weights are derived from the seed and their names. Keras is not asked for trained weights, so it
downloads nothing.
"""

import re
from collections.abc import Iterable
from typing import Any

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.application import APPLICATIONS, PREPROCESSING
from specfeat.architecture.size_limits import MAX_PARAMETERS
from specfeat.tensorflow_runtime import keras
from specfeat.text import format_shape, format_value, suggest_name


def expand_application(layer: Layer, input_shape: Shape) -> tuple[list[Layer], str]:
    """Return an application's layers, in order, and the name of the one that has the application's output.

    Args:
        layer: a layer of the kind Application.
        input_shape: the shape of its input without the batch: (height, width, channels).

    Raises:
        ValueError: the application cannot take its input, or has no layer with the name in `output`. The
            message is a sentence without its subject, which is the layer.
    """
    options = layer.options
    include_top = options.get("include_top", True)
    reason = _find_mismatch(options["application"], input_shape, include_top=include_top)
    if reason:
        raise ValueError(reason)
    make_application = getattr(keras.applications, options["application"])
    application = make_application(weights=None, include_top=include_top, input_shape=input_shape)
    keras_layers = application.layers[1:]  # without the input
    layers = _make_preprocessing(layer)
    names = _assign_new_process_names(keras_layers)
    names[application.layers[0].name] = layers[-1].name if layers else layer.inputs[0]
    # Each layer of an application is called once, so the identity of its output tells the layer.
    producers = {id(keras_layer.output): keras_layer.name for keras_layer in application.layers}
    for keras_layer in keras_layers:
        inputs = tuple(names[producers[id(tensor)]] for tensor in keras.tree.flatten(keras_layer.input))
        config = keras_layer.get_config()
        layer_options = {key: value for key, value in config.items() if key not in ("name", "dtype")}
        kind = type(keras_layer).__name__
        layers.append(Layer(kind, names[keras_layer.name], inputs, layer_options, layer.path))
    return layers, _find_output(layer, layers)


def _find_mismatch(application: str, shape: Shape, *, include_top: bool) -> str | None:
    if shape[-1] != 3:
        return f"gets {format_shape(shape)}; wanted a picture of 3 channels: put Picture before it"
    # Only VGG networks have more weights for a larger picture: five poolings halve its sides, and a dense
    # layer of 4096 units reads all of the 512 channels.
    weights = (shape[0] // 32) * (shape[1] // 32) * 512 * 4096 if application.startswith("VGG") else 0
    if include_top and weights > MAX_PARAMETERS:
        return f"would have {weights:,} weights; wanted {MAX_PARAMETERS:,} or fewer: use a smaller picture"
    return None


def _make_preprocessing(layer: Layer) -> list[Layer]:
    """Return the layer that prepares the picture for the application; an empty list if none is needed."""
    mode = layer.options.get("preprocess", APPLICATIONS[layer.options["application"]])
    name = f"{layer.name}/preprocess"
    if mode == "none":
        return []
    return [Layer(PREPROCESSING.name, name, layer.inputs, {"mode": mode}, layer.path)]


def _assign_new_process_names(keras_layers: Iterable[Any]) -> dict[str, str]:
    """Return for each layer's name the name that Keras would give to the layer in a new process.

    Keras numbers layers without a name, separately for each class, and also counts the layers that this
    process made before. Names must not depend on that, because they are used to match weights and to derive
    seeds.
    """
    names: dict[str, str] = {}
    numbered: dict[str, list[tuple[int, str]]] = {}  # base name -> the numbers and names that Keras has given
    for keras_layer in keras_layers:
        name = keras_layer.name
        names[name] = name
        match = re.fullmatch(r"(.+?)(?:_(\d+))?", name)
        if match and match[1].replace("_", "") == type(keras_layer).__name__.lower():
            numbered.setdefault(match[1], []).append((int(match[2] or 0), name))
    for base, members in numbered.items():
        for i, (_, name) in enumerate(sorted(members)):
            names[name] = f"{base}_{i}" if i else base
    return names


def _find_output(layer: Layer, layers: list[Layer]) -> str:
    names = [part.name for part in layers]
    output = layer.options.get("output", names[-1])
    if output not in names:
        hint = suggest_name(output, names) or f"; the last is {names[-1]!r}"
        raise ValueError(f"has no layer {format_value(output).removeprefix('the text ')}{hint}")
    return str(output)
