"""One of keras.applications, taken apart: from then on its layers are like those that a config lists.

So their weights are read by their names, their batch norms are folded, and their random numbers follow from
seed and name, as everywhere. Keras is never asked for weights, and so never fetches any.
"""

import re
from collections.abc import Iterator
from typing import Any

from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.application import APPLICATIONS, PREPROCESSING
from specfeat.architecture.size_limits import MAX_PARAMETERS
from specfeat.network.keras_layers import Shape
from specfeat.tensorflow_runtime import keras
from specfeat.text import format_shape, format_value, suggest_name


def expand_application(layer: Layer, shape: Shape) -> tuple[list[Layer], str]:
    """Return an application's layers, in order, and the name of the one whose output is the application's.

    Args:
        layer: of the kind Application.
        shape: of its input without the batch: height, width, channels.

    Raises:
        ValueError: a sentence that says why the application cannot take its input, or has no such output.
    """
    options = layer.options
    include_top = options.get("include_top", True)
    reason = _misfit(options["application"], shape, include_top=include_top)
    if reason:
        raise ValueError(reason)
    make = getattr(keras.applications, options["application"])
    entries = make(weights=None, include_top=include_top, input_shape=shape).get_config()["layers"]
    layers = _prepared(layer)
    names = {entries[0]["name"]: layers[-1].name if layers else layer.inputs[0], **_names(entries[1:])}
    for entry in entries[1:]:
        inputs = tuple(names[read] for read in _read(entry["inbound_nodes"]))
        own = {key: value for key, value in entry["config"].items() if key not in ("name", "dtype")}
        layers.append(Layer(entry["class_name"], names[entry["name"]], inputs, own, layer.path))
    return layers, _output(layer, layers)


def _misfit(application: str, shape: Shape, *, include_top: bool) -> str | None:
    if shape[-1] != 3:
        return f"gets {format_shape(shape)}; wanted a picture of 3 channels: put Picture before it"
    # Of these alone the number of weights grows with the picture: five times halved, then 4096 units.
    weights = (shape[0] // 32) * (shape[1] // 32) * 512 * 4096 if application.startswith("VGG") else 0
    if include_top and weights > MAX_PARAMETERS:
        return f"would have {weights:,} weights; wanted {MAX_PARAMETERS:,} or fewer: a smaller picture"
    return None


def _prepared(layer: Layer) -> list[Layer]:
    """Return what comes before the application, if it is anything."""
    mode = layer.options.get("preprocess", APPLICATIONS[layer.options["application"]])
    name = f"{layer.name}/preprocess"
    if mode == "none":
        return []
    return [Layer(PREPROCESSING.name, name, layer.inputs, {"mode": mode}, layer.path)]


def _names(entries: list[Any]) -> dict[str, str]:
    """Return each layer's name as Keras gives it in a new process.

    Layers without a name of their own are numbered, kind by kind, and what was made before counts.
    """
    names = {entry["name"]: entry["name"] for entry in entries}
    numbered: dict[str, list[tuple[int, str]]] = {}
    for entry in entries:
        match = re.fullmatch(r"(.+?)(?:_(\d+))?", entry["name"])
        if match and match[1].replace("_", "") == entry["class_name"].lower():
            numbered.setdefault(match[1], []).append((int(match[2] or 0), entry["name"]))
    for base, found in numbered.items():
        for i, (_, name) in enumerate(sorted(found)):
            names[name] = f"{base}_{i}" if i else base
    return names


def _read(node: object) -> Iterator[str]:
    """Yield the names of the layers that an entry of Keras' config reads, in order."""
    if isinstance(node, dict) and node.get("class_name") == "__keras_tensor__":
        yield node["config"]["keras_history"][0]
        return
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ()
    for part in inside:
        yield from _read(part)


def _output(layer: Layer, layers: list[Layer]) -> str:
    names = [part.name for part in layers]
    output = layer.options.get("output", names[-1])
    if output not in names:
        hint = suggest_name(output, names) or f"; the last is {names[-1]!r}"
        raise ValueError(f"has no layer {format_value(output).removeprefix('the text ')}{hint}")
    return str(output)
