"""Whether the layers fit each other: a clip's shape is followed through them to the first that does not fit.

All of it is arithmetic, answered before Keras is loaded; what only Keras knows is left to the build.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from specfeat.config.graph import INPUT, Layer
from specfeat.config.layers import LAYERS
from specfeat.config.settings import Settings
from specfeat.config.shapes import POOL_SIZE, Shape, array_shapes, each, index_of, output_shape, reach, walk
from specfeat.config.together import MAX_PARAMETERS, Together
from specfeat.config.tree import Tree, dotted
from specfeat.config.words import times
from specfeat.errors import ModelError

MAX_OUTPUT_BYTES = 2**34  # of one layer for one batch
MAX_SHOWN = 6  # layers, of those on the way to one that does not fit


def check_network(settings: Settings, tree: Tree) -> None:
    """Follow a clip through the layers, as far as shapes are known without Keras.

    Raises:
        ModelError: a layer does not fit, by itself or together with those before it; names the YAML line, the
            layer and the shapes or sizes.
    """
    model = settings.model
    together = Together(model.layers, model.batch, settings.input_shape)
    layers = {layer.name: layer for layer in model.layers}
    shapes: dict[str, Shape] = {}
    for layer, given in walk(settings, shapes):
        reason = misfit(layer, given)
        if reason:
            raise layer_error(tree, layer, reason + _way(layer, layers, shapes))
        output = output_shape(layer, given)
        reason = too_large(output, model.batch) if output else None
        reason = reason or together.add(layer, given[0], output)
        if reason:
            raise layer_error(tree, layer, reason)
    if model.feature_layer in shapes:
        check_row(tree, layers, model.feature_layer, shapes[model.feature_layer], named=model.features)


def layer_error(tree: Tree, layer: Layer, reason: str) -> ModelError:
    """Make the error for a layer that does not fit; `reason` goes on after its name."""
    path = ("model", "layers", *layer.path)
    where = tree.where(path, at_key=True)
    shown = dotted(path[:-1] if isinstance(path[-1], str) else path)
    return ModelError(f"{where}: {shown}: {layer.kind} {layer.name!r} {reason}")


def check_row(
    tree: Tree, layers: Mapping[str, Layer], feature: str, shape: Shape, *, named: str | None
) -> None:
    """The features of a clip are one row; several axes mean that a Flatten or a pooling is missing.

    Args:
        tree: of the config.
        layers: by name.
        feature: the layer whose output is the row.
        shape: of that output.
        named: what the config's `features` says, if it does.

    Raises:
        ModelError: the output has more than one axis.
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
    gives = f"gives {times(shape)} for a clip, not one row"
    if dense is not None and _is_spatial(before):
        raise layer_error(
            tree,
            dense,
            f"follows {before.kind} {before.name!r} with no Flatten or pooling between, so the network "
            f"{gives}; put Flatten or GlobalAveragePooling2D between the two",
        )
    cure = "put Flatten or GlobalAveragePooling2D after it"
    if named is not None:
        cure += " and name that layer in features"
    raise layer_error(tree, layer, f"{gives}; {cure}")


def _is_spatial(layer: Layer) -> bool:
    return ("Conv" in layer.kind or "Pooling" in layer.kind) and layer.kind[-2:] in ("1D", "2D")


def too_large(shape: Shape, batch: int) -> str | None:
    """Say that a layer's output for a batch is more than a machine holds, or None."""
    size = 4 * batch * math.prod(shape)
    if size <= MAX_OUTPUT_BYTES:
        return None
    return f"would give {times(shape)}, {size / 2**30:.0f} GiB for a batch; wanted less"


def _way(layer: Layer, layers: Mapping[str, Layer], shapes: Mapping[str, Shape]) -> str:
    """The sizes on the way from the spectrogram to a layer: where they ran out, if they did."""
    names = [layer.inputs[0]]
    while names[-1] != INPUT:
        names.append(layers[names[-1]].inputs[0])
    names.reverse()
    changes = [INPUT, *(name for before, name in pairwise(names) if shapes[name] != shapes[before])]
    if len(changes) < 3 or LAYERS[layer.kind].merges or len(shapes[names[-1]]) == 1:
        return ""
    told = [f"{name} {times(shapes[name])}" for name in changes]
    if len(told) > MAX_SHOWN:
        told = [told[0], "...", *told[-MAX_SHOWN + 1 :]]
    return f"; the sizes on the way: {', '.join(told)}"


def misfit(layer: Layer, shapes: Sequence[Shape]) -> str | None:
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
    return f"{shape[0]} values in one axis" if len(shape) == 1 else f"{times(shape)}, {len(shape)} axes"


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
    return f"gets {times(shape)}, {values} values, which do not fill a target_shape of {times(target)}"


def _wrong_channels(layer: Layer, shape: Shape) -> str | None:
    if layer.kind == "Picture" and shape[-1] != 1:
        return f"gets {times(shape)}; wanted 1 channel, whose values it colours"
    # Without a word Keras' GroupNormalization makes 32 groups.
    groups = layer.options.get("groups", 32 if layer.kind == "GroupNormalization" else 1)
    axis = layer.options.get("axis", -1)
    channels = shape[index_of(axis, shape)] if groups > 1 else 1
    for what, number in (("channels", channels), ("filters", layer.options.get("filters", 0))):
        if groups > 1 and number % groups:
            return f"has {groups} groups, which do not divide its {number} {what}"
    return None


def _nothing_left(layer: Layer, shape: Shape, axes: int) -> str | None:
    if layer.kind.startswith("Cropping"):
        left = output_shape(layer, [shape]) or shape
        return None if min(left) > 0 else f"gets {times(shape)}, of which its cropping leaves nothing"
    what = "pool_size" if "Pooling" in layer.kind else "kernel_size"
    pools = axes and "Pooling" in layer.kind and "Global" not in layer.kind
    size = layer.options.get(what, POOL_SIZE if pools else None)
    if size is None or layer.options.get("padding", "valid") != "valid":
        return None
    sizes, far = each(size, axes), reach(size, layer.options.get("dilation_rate", 1), axes)
    if _covers(far, shape):
        return None
    dilated = "" if far == sizes else f", dilated to {times(far)},"
    turned = ""
    if _covers(far[::-1], shape):
        turned = f"sizes go [frames, bins], and [{_listed(sizes[::-1])}] would fit; else "
    return (
        f"gets {times(shape)}, of which a {what} of {times(sizes)}{dilated} leaves nothing; {turned}"
        "make it smaller, pool less before it, make the clips longer, or use padding: same"
    )


def _covers(far: Shape, shape: Shape) -> bool:
    return all(k <= n for k, n in zip(far, shape, strict=False))


def _unequal(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    if not LAYERS[layer.kind].merges or len(set(shapes)) == 1:
        return None
    ranks = {len(shape) for shape in shapes}
    named = ", ".join(f"{name} ({times(shape)})" for name, shape in zip(layer.inputs, shapes, strict=True))
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
    at = index_of(axis, shape)
    return shape[:at] + shape[at + 1 :] if 0 <= at < len(shape) else shape


def _too_many(layer: Layer, shape: Shape) -> str | None:
    """Refuse weights that no machine holds, before memory is asked for."""
    weights = sum(math.prod(array) for _, array in array_shapes(layer, shape))
    if weights <= MAX_PARAMETERS:
        return None
    return f"would have {weights:,} weights; wanted {MAX_PARAMETERS:,} or fewer"
