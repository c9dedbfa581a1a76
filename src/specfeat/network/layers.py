"""One layer of the config to one Keras layer, and the plain sentence for one that does not fit."""

import hashlib
import inspect
import math
import re
from typing import Any

from specfeat.config.graph import Layer, keras_name
from specfeat.config.layers import LAYERS
from specfeat.config.settings import times
from specfeat.network.picture import OWN
from specfeat.network.runtime import keras

Shape = tuple[int, ...]

MAX_PARAMETERS = 2**31  # 8 GiB of float32; the largest published networks for audio have under 2**30


def make_layer(layer: Layer, seed: int | None) -> Any:
    """Make the Keras layer, unbuilt.

    Whatever the user's Keras settings are, it computes in float32, channels last. Each initialiser is
    seeded from `seed`, the layer's name and its own, so that a layer's numbers do not depend on the
    layers around it; without a seed (weights come from a file) it fills with zeros.
    """
    cls: Any = OWN.get(layer.kind) or getattr(keras.layers, layer.kind)
    options = dict(layer.options)
    if "data_format" in inspect.signature(cls.__init__).parameters:
        options["data_format"] = "channels_last"
    made = cls(name=keras_name(layer.name), dtype="float32", **options)
    for attribute, initializer in list(vars(made).items()):
        if attribute.endswith("_initializer") and hasattr(initializer, "seed"):
            if seed is None:
                setattr(made, attribute, keras.initializers.Zeros())
            else:
                own = {**initializer.get_config(), "seed": _seed(seed, layer.name, attribute)}
                setattr(made, attribute, type(initializer).from_config(own))
    return made


def _seed(seed: int, *names: str) -> int:
    digest = hashlib.sha256("/".join([str(seed), *names]).encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1


def misfit(layer: Layer, shapes: list[Shape]) -> str | None:
    """Say in a sentence why the layer cannot take its inputs, or None where this finds no reason.

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
        or _no_plane(layer, shape)
        or _nothing_left(layer, shape, axes)
        or _too_many(layer, shape, axes)
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
    if len(shape) == axes + 2 and shape[-1] == 1:
        cure = f"; put Reshape: {{target_shape: [{_listed(shape[:-1])}]}} before it"
    return f"gets {_gets(shape)}; wanted {axes + 1} axes, {wanted}{cure}"


def _listed(shape: Shape) -> str:
    return ", ".join(map(str, shape))


def _gets(shape: Shape) -> str:
    return f"{shape[0]} values in one axis" if len(shape) == 1 else f"{times(shape)}, {len(shape)} axes"


def _no_such_axis(layer: Layer, shape: Shape) -> str | None:
    """An axis counts the batch as 0; Permute's `dims` are axes, too."""
    axis = layer.options.get("axis", layer.options.get("dims", ()))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if any(abs(a) > len(shape) for a in axes):
        return (
            f"gets {_gets(shape)}; wanted an axis of them, 1 to {len(shape)} or -1, not {max(axes, key=abs)}"
        )
    if layer.kind == "Permute" and len(axes) != len(shape):
        return f"gets {_gets(shape)}, but dims names {len(axes)}"
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


def _no_plane(layer: Layer, shape: Shape) -> str | None:
    if layer.kind != "Picture" or shape[-1] == 1:
        return None
    return f"gets {times(shape)}; wanted 1 channel, whose values it colours"


def _nothing_left(layer: Layer, shape: Shape, axes: int) -> str | None:
    what = "pool_size" if "Pooling" in layer.kind else "kernel_size"
    size = layer.options.get(
        what, 2 if axes and "Pooling" in layer.kind and "Global" not in layer.kind else None
    )
    if size is None or layer.options.get("padding", "valid") != "valid":
        return None
    sizes, dilation = _each(size, axes), _each(layer.options.get("dilation_rate", 1), axes)
    reach = tuple((k - 1) * d + 1 for k, d in zip(sizes, dilation, strict=True))
    if all(k <= n for k, n in zip(reach, shape, strict=False)):
        return None
    dilated = "" if reach == sizes else f", dilated to {times(reach)},"
    return (
        f"gets {times(shape)}, of which a {what} of {times(sizes)}{dilated} leaves nothing; "
        "make it smaller, pool less before it, make the clips longer, or use padding: same"
    )


def _each(value: int | Shape, axes: int) -> Shape:
    return (value,) * axes if isinstance(value, int) else value


def _unequal(layer: Layer, shapes: list[Shape]) -> str | None:
    if not LAYERS[layer.kind].merges or len(set(shapes)) == 1:
        return None
    axis = layer.options.get("axis", -1)
    if layer.kind == "Concatenate" and len({len(s) for s in shapes}) == 1 and isinstance(axis, int):
        at = axis - 1 if axis > 0 else axis
        if -len(shapes[0]) <= at < len(shapes[0]) and len({_without(s, at) for s in shapes}) == 1:
            return None
    named = ", ".join(f"{name} ({times(shape)})" for name, shape in zip(layer.inputs, shapes, strict=True))
    return f"joins {named}; wanted equal shapes" + (
        ", but for the joined axis" if layer.kind == "Concatenate" else ""
    )


def _without(shape: Shape, axis: int) -> Shape:
    at = axis % len(shape)
    return shape[:at] + shape[at + 1 :]


def _too_many(layer: Layer, shape: Shape, axes: int) -> str | None:
    """Refuse weights that no machine holds, before memory is asked for."""
    options, channels = layer.options, shape[-1] if shape else 0
    kernel = math.prod(_each(options.get("kernel_size", 1), max(1, axes)))
    outputs = options.get("filters", options.get("units", options.get("depth_multiplier", 0)))
    if kernel * channels * outputs <= MAX_PARAMETERS:
        return None
    return f"would have {kernel * channels * outputs:,} weights; wanted {MAX_PARAMETERS:,} or fewer"


def plain(error: Exception) -> str:
    """Keep of one of Keras' or TensorFlow's errors what is true and can be read on one line."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    text = re.sub(r"^Exception encountered when calling [^\n]*\n+", "", text)
    text = text.split("\n\nArguments received by")[0]
    text = " ".join(text.replace("`", "").split())
    return text.rstrip(".") or type(error).__name__
