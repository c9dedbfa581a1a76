"""Whether the layers fit each other: a clip's shape is followed through them to the first that does not fit.

All of it is arithmetic, answered before Keras is loaded; what only Keras knows is left to the build.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from specfeat.architecture.graph import INPUT_NAME, Layer, LayerFitError, LayerGraph, Shape
from specfeat.architecture.layers import LAYERS
from specfeat.architecture.shapes import (
    POOL_SIZE,
    compute_array_shapes,
    compute_output_shape,
    compute_window_extent,
    iterate_layer_shapes,
    repeat_per_axis,
    to_axis_index,
)
from specfeat.architecture.size_limits import MAX_PARAMETERS, NetworkSize
from specfeat.text import format_shape

MAX_OUTPUT_BYTES = 2**34  # of one layer for one batch
MAX_SHOWN = 6  # layers, of those on the way to one that does not fit


def check_network(graph: LayerGraph, *, batch: int, features: str | None) -> None:
    """Follow a clip through the layers, as far as shapes are known without Keras.

    Args:
        graph: the layers and the shape of the input.
        batch: the number of clips that go through the network at once.
        features: the layer that the config names in `features`; None if it names none: the last one.

    Raises:
        LayerFitError: a layer does not fit, by itself or together with those before it.
    """
    size = NetworkSize(graph.layers, batch, graph.input_shape)
    layers = {layer.name: layer for layer in graph.layers}
    shapes: dict[str, Shape] = {}
    for layer, input_shapes in iterate_layer_shapes(graph, shapes):
        reason = find_mismatch(layer, input_shapes)
        if reason:
            raise LayerFitError(layer, reason + _way(layer, layers, shapes))
        output = compute_output_shape(layer, input_shapes)
        reason = check_output_size(output, batch) if output else None
        reason = reason or size.add(layer, input_shapes[0], output)
        if reason:
            raise LayerFitError(layer, reason)
    feature_layer = features or graph.layers[-1].name
    if feature_layer in shapes:
        check_feature_shape(layers, feature_layer, shapes[feature_layer], named=features)


def check_feature_shape(
    layers: Mapping[str, Layer], feature: str, shape: Shape, *, named: str | None
) -> None:
    """The features of a clip are one row; several axes mean that a Flatten or a pooling is missing.

    Args:
        layers: by name.
        feature: the layer whose output is the row.
        shape: of that output.
        named: what the config's `features` says, if it does.

    Raises:
        LayerFitError: the output has more than one axis.
    """
    layer = layers[feature]
    if len(shape) == 1:
        return
    dense = layer if layer.kind == "Dense" else None
    before = layer
    while not _is_spatial(before) and before.inputs[0] in layers:
        before = layers[before.inputs[0]]
        if before.kind == "Dense":
            dense = before
    gives = f"gives {format_shape(shape)} for a clip, not one row"
    if dense is not None and _is_spatial(before):
        raise LayerFitError(
            dense,
            f"follows {before.kind} {before.name!r} with no Flatten or pooling between, so the network "
            f"{gives}; put Flatten or GlobalAveragePooling2D between the two",
        )
    cure = "put Flatten or GlobalAveragePooling2D after it"
    if named is not None:
        cure += " and name that layer in features"
    raise LayerFitError(layer, f"{gives}; {cure}")


def _is_spatial(layer: Layer) -> bool:
    return ("Conv" in layer.kind or "Pooling" in layer.kind) and layer.kind[-2:] in ("1D", "2D")


def check_output_size(shape: Shape, batch: int) -> str | None:
    """Say that a layer's output for a batch is more than a machine holds, or None."""
    size = 4 * batch * math.prod(shape)
    if size <= MAX_OUTPUT_BYTES:
        return None
    return f"would give {format_shape(shape)}, {size / 2**30:.0f} GiB for a batch; wanted less"


def _way(layer: Layer, layers: Mapping[str, Layer], shapes: Mapping[str, Shape]) -> str:
    """The sizes on the way from the spectrogram to a layer: where they ran out, if they did."""
    names = [layer.inputs[0]]
    while names[-1] != INPUT_NAME:
        names.append(layers[names[-1]].inputs[0])
    names.reverse()
    changes = [INPUT_NAME, *(name for before, name in pairwise(names) if shapes[name] != shapes[before])]
    if len(changes) < 3 or LAYERS[layer.kind].merges or len(shapes[names[-1]]) == 1:
        return ""
    told = [f"{name} {format_shape(shapes[name])}" for name in changes]
    if len(told) > MAX_SHOWN:
        told = [told[0], "...", *told[-MAX_SHOWN + 1 :]]
    return f"; the sizes on the way: {', '.join(told)}"


def find_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    """Say in a sentence why the layer cannot take its inputs, or None where arithmetic finds no reason.

    Args:
        layer: the layer.
        shapes: of its inputs, without the batch.
    """
    axes = LAYERS[layer.kind].axes
    shape = shapes[0]
    if axes and len(shape) != axes + 1:
        return _wrong_rank(layer, shape, axes)
    return (
        _unequal(layer, shapes)
        or _no_such_axis(layer, shape)
        or _wrong_size(layer, shape)
        or _wrong_channels(layer, shape)
        or _nothing_left(layer, shape, axes)
        or _too_many(layer, shape)
    )


def _wrong_rank(layer: Layer, shape: Shape, axes: int) -> str:
    wanted = {1: "frames x channels", 2: "frames x bins x channels"}[axes]
    cure = (
        "; it stands after a Flatten, Dense or global pooling, so move it before" if len(shape) == 1 else ""
    )
    if len(shape) == axes:
        cure = (
            f"; the channel axis is missing: put Reshape: {{target_shape: [{_listed(shape)}, 1]}} before it"
        )
    if len(shape) == axes + 2:
        merged = (*shape[:-2], shape[-2] * shape[-1])
        cure = f"; put Reshape: {{target_shape: [{_listed(merged)}]}} before it"
    return f"gets {_gets(shape)}; wanted {axes + 1} axes, {wanted}{cure}"


def _listed(shape: Shape) -> str:
    return ", ".join(map(str, shape))


def _gets(shape: Shape) -> str:
    return (
        f"{shape[0]} values in one axis" if len(shape) == 1 else f"{format_shape(shape)}, {len(shape)} axes"
    )


def _no_such_axis(layer: Layer, shape: Shape) -> str | None:
    """An axis counts the batch as 0; Permute's `dims` are axes, too."""
    options = layer.options
    axis = options.get("axis", options.get("dims", options.get("shared_axes", ())))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if any(abs(a) > len(shape) for a in axes):
        return (
            f"gets {_gets(shape)}; wanted an axis of them, 1 to {len(shape)} or -1, not {max(axes, key=abs)}"
        )
    if layer.kind == "Permute" and len(axes) != len(shape):
        return f"gets {_gets(shape)}, but dims names {len(axes)}"
    if layer.kind == "RepeatVector" and len(shape) != 1:
        return f"gets {_gets(shape)}; wanted one axis, as Flatten or a global pooling gives it"
    return None


def _wrong_size(layer: Layer, shape: Shape) -> str | None:
    target = layer.options.get("target_shape")
    if target is None:
        return None
    known, free = math.prod(n for n in target if n != -1), target.count(-1)
    if free > 1:
        return f"has {free} sizes of -1 in target_shape; wanted one at most"
    values = math.prod(shape)
    if (values == known) if not free else (values % known == 0):
        return None
    return f"gets {format_shape(shape)}, {values} values, which do not fill a target_shape of {format_shape(target)}"


def _wrong_channels(layer: Layer, shape: Shape) -> str | None:
    if layer.kind == "Picture" and shape[-1] != 1:
        return f"gets {format_shape(shape)}; wanted 1 channel, whose values it colours"
    # Without a word Keras' GroupNormalization makes 32 groups.
    groups = layer.options.get("groups", 32 if layer.kind == "GroupNormalization" else 1)
    axis = layer.options.get("axis", -1)
    channels = shape[to_axis_index(axis, shape)] if groups > 1 else 1
    for what, number in (("channels", channels), ("filters", layer.options.get("filters", 0))):
        if groups > 1 and number % groups:
            return f"has {groups} groups, which do not divide its {number} {what}"
    return None


def _nothing_left(layer: Layer, shape: Shape, axes: int) -> str | None:
    if layer.kind.startswith("Cropping"):
        left = compute_output_shape(layer, [shape]) or shape
        return None if min(left) > 0 else f"gets {format_shape(shape)}, of which its cropping leaves nothing"
    what = "pool_size" if "Pooling" in layer.kind else "kernel_size"
    pools = axes and "Pooling" in layer.kind and "Global" not in layer.kind
    size = layer.options.get(what, POOL_SIZE if pools else None)
    if size is None or layer.options.get("padding", "valid") != "valid":
        return None
    sizes, far = (
        repeat_per_axis(size, axes),
        compute_window_extent(size, layer.options.get("dilation_rate", 1), axes),
    )
    if _covers(far, shape):
        return None
    dilated = "" if far == sizes else f", dilated to {format_shape(far)},"
    turned = ""
    if _covers(far[::-1], shape):
        turned = f"sizes go [frames, bins], and [{_listed(sizes[::-1])}] would fit; else "
    return (
        f"gets {format_shape(shape)}, of which a {what} of {format_shape(sizes)}{dilated} leaves nothing; {turned}"
        "make it smaller, pool less before it, make the clips longer, or use padding: same"
    )


def _covers(far: Shape, shape: Shape) -> bool:
    return all(k <= n for k, n in zip(far, shape, strict=False))


def _unequal(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    if not LAYERS[layer.kind].merges or len(set(shapes)) == 1:
        return None
    ranks = {len(shape) for shape in shapes}
    named = ", ".join(
        f"{name} ({format_shape(shape)})" for name, shape in zip(layer.inputs, shapes, strict=True)
    )
    if layer.kind == "Concatenate":
        if len(ranks) == 1 and len({_without(s, layer.options.get("axis", -1)) for s in shapes}) == 1:
            return None
        return f"joins {named}; wanted equal shapes, but for the joined axis"
    if len(ranks) == 1 and all(len(set(sizes) - {1}) <= 1 for sizes in zip(*shapes, strict=True)):
        return None  # a size of 1 is spread over the others', as in squeeze and excitation
    cure = ""
    if len(ranks) > 1 and 1 in ranks:
        cure = ", or sizes of 1, as a global pooling with keepdims: true gives them"
    return f"joins {named}; wanted equal shapes{cure}"


def _without(shape: Shape, axis: int) -> Shape:
    """The shape less an axis, which counts the batch as 0; an axis that is not there takes nothing away."""
    at = to_axis_index(axis, shape)
    return shape[:at] + shape[at + 1 :] if 0 <= at < len(shape) else shape


def _too_many(layer: Layer, shape: Shape) -> str | None:
    """Refuse weights that no machine holds, before memory is asked for."""
    weights = sum(math.prod(array) for _, array in compute_array_shapes(layer, shape))
    if weights <= MAX_PARAMETERS:
        return None
    return f"would have {weights:,} weights; wanted {MAX_PARAMETERS:,} or fewer"
