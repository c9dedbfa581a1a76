"""The network's shapes by arithmetic, without Keras: what each layer gives, and the arrays that it has.

For what must be answered without TensorFlow; the network itself is Keras' own, and a test compares the two.
The rules are Keras': `same` gives ceil(n / stride), `valid` floor((n - reach) / stride) + 1.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from specfeat.architecture.graph import INPUT_NAME, Layer, LayerGraph, Shape
from specfeat.architecture.layers import LAYERS


class ArrayShape(NamedTuple):
    """One array of the network: whose, what, and its shape in Keras' axes."""

    layer: Layer
    role: str
    shape: Shape


class UnknownShapeError(Exception):
    """A layer whose shapes are not known here; the argument is its class."""


def compute_network_shapes(graph: LayerGraph) -> dict[str, Shape]:
    """Give the shape that each layer gives for one clip, without the batch; `spectrogram` is the input.

    Raises:
        UnknownLayerError: only Keras knows.
    """
    shapes: dict[str, Shape] = {}
    for _ in iterate_layer_shapes(graph, shapes):
        pass
    for layer in graph.layers:
        if layer.name not in shapes:
            raise UnknownShapeError(layer.kind)
    return shapes


def iterate_layer_shapes(graph: LayerGraph, shapes: dict[str, Shape]) -> Iterator[tuple[Layer, list[Shape]]]:
    """Follow a clip through the layers, as far as shapes are known without Keras.

    Args:
        graph: the layers and the shape of the input.
        shapes: is filled on the way, first with that of the input.

    Yields:
        A layer and the shapes of its inputs, before that of its output is worked out, which wants a layer
        that fits.
    """
    shapes[INPUT_NAME] = graph.input_shape
    for layer in graph.layers:
        if not all(name in shapes for name in layer.inputs):
            continue  # behind an application
        given = [shapes[name] for name in layer.inputs]
        yield layer, given
        output = compute_output_shape(layer, given)
        if output is not None:
            shapes[layer.name] = output


def compute_output_shape(layer: Layer, shapes: Sequence[Shape]) -> Shape | None:
    """Give the shape that a layer makes of its inputs', which fit it; None where only Keras knows."""
    output = _OUTPUTS.get(layer.kind)
    return output(layer.options, shapes) if output else None


def list_network_arrays(graph: LayerGraph) -> Iterator[ArrayShape]:
    """Give the arrays of every layer, in Keras' order.

    Raises:
        UnknownLayerError: only Keras knows.
    """
    shapes = compute_network_shapes(graph)
    for layer in graph.layers:
        for role, shape in compute_array_shapes(layer, shapes[layer.inputs[0]]):
            yield ArrayShape(layer, role, shape)


def count_multiplications(graph: LayerGraph) -> float:
    """Return how many multiplications a layer with a kernel takes for one clip, on average; 0 without any.

    Raises:
        UnknownLayerError: only Keras knows.
    """
    shapes = compute_network_shapes(graph)
    each: dict[str, int] = {}
    for layer, role, shape in list_network_arrays(graph):
        if role.endswith("kernel"):
            places = math.prod(shapes[layer.name][:-1])
            each[layer.name] = each.get(layer.name, 0) + math.prod(shape) * places
    return sum(each.values()) / max(1, len(each))


Options = Mapping[str, Any]


def repeat_per_axis(value: Any, axes: int) -> Shape:
    """Write a size that holds for every axis, or is given for each, as one for each."""
    return tuple(value) if isinstance(value, tuple) else (value,) * axes


def compute_window_extent(size: Any, dilation: Any, axes: int) -> Shape:
    """How far a window goes along each axis: with gaps of `dilation - 1` between its points."""
    return tuple(
        (k - 1) * d + 1
        for k, d in zip(repeat_per_axis(size, axes), repeat_per_axis(dilation, axes), strict=True)
    )


def to_axis_index(axis: int, shape: Sequence[object]) -> int:
    """Turn an axis that counts the batch as 0, or from the end, into an index of a shape without it."""
    return axis - 1 if axis > 0 else len(shape) + axis


def _window(options: Options, shape: Shape, size: Any, strides: Any) -> Shape:
    """The spatial axes after a window of `size` has gone over them."""
    axes = len(shape) - 1
    steps = repeat_per_axis(strides, axes)
    if options.get("padding", "valid") == "same":
        return tuple(-(-n // s) for n, s in zip(shape, steps, strict=False))
    far = compute_window_extent(size, options.get("dilation_rate", 1), axes)
    return tuple((n - k) // s + 1 for n, k, s in zip(shape, far, steps, strict=False))


def _conv(options: Options, shapes: Sequence[Shape]) -> Shape:
    shape = shapes[0]
    channels = options.get("filters") or shape[-1] * options.get("depth_multiplier", 1)
    return (*_window(options, shape, options["kernel_size"], options.get("strides", 1)), channels)


POOL_SIZE = 2  # Keras' default


def _pool(options: Options, shapes: Sequence[Shape]) -> Shape:
    size = options.get("pool_size", POOL_SIZE)
    return (*_window(options, shapes[0], size, options.get("strides") or size), shapes[0][-1])


def _global(options: Options, shapes: Sequence[Shape]) -> Shape:
    *spatial, channels = shapes[0]
    return (*([1] * len(spatial)), channels) if options.get("keepdims") else (channels,)


def _margins(value: Any, axes: int) -> list[int]:
    """How much each axis grows or shrinks: n, [n, n] or [[before, after], [before, after]]."""
    if axes == 1 and isinstance(value, tuple):
        return [sum(value)]
    pairs: Any = value if isinstance(value, tuple) else (value,) * axes
    return [sum(pair) if isinstance(pair, tuple) else 2 * pair for pair in pairs]


def _pad(options: Options, shapes: Sequence[Shape]) -> Shape:
    *spatial, channels = shapes[0]
    grown = _margins(options.get("padding", 1), len(spatial))
    return (*(n + m for n, m in zip(spatial, grown, strict=True)), channels)


_CROPPING: dict[int, Shape | tuple[Shape, Shape]] = {
    1: (1, 1),
    2: ((0, 0), (0, 0)),
}  # Keras' defaults: one of them cuts


def _crop(options: Options, shapes: Sequence[Shape]) -> Shape:
    *spatial, channels = shapes[0]
    cut = _margins(options.get("cropping", _CROPPING[len(spatial)]), len(spatial))
    return (*(n - m for n, m in zip(spatial, cut, strict=True)), channels)


def _upsample(options: Options, shapes: Sequence[Shape]) -> Shape:
    *spatial, channels = shapes[0]
    return (
        *(n * s for n, s in zip(spatial, repeat_per_axis(options.get("size", 2), len(spatial)), strict=True)),
        channels,
    )


def _reshape(options: Options, shapes: Sequence[Shape]) -> Shape:
    target = options["target_shape"]
    known = math.prod(n for n in target if n != -1)
    return tuple(math.prod(shapes[0]) // known if n == -1 else n for n in target)


def _concatenate(options: Options, shapes: Sequence[Shape]) -> Shape:
    at = to_axis_index(options.get("axis", -1), shapes[0])
    return (*shapes[0][:at], sum(shape[at] for shape in shapes), *shapes[0][at + 1 :])


_SAME = (
    *(
        "BatchNormalization",
        "LayerNormalization",
        "GroupNormalization",
        "UnitNormalization",
        "PReLU",
        "Activation",
        "ReLU",
        "LeakyReLU",
        "ELU",
        "Softmax",
        "Dropout",
    ),
    *("SpatialDropout1D", "SpatialDropout2D", "Rescaling"),
)
_MERGES = [name for name, kind in LAYERS.items() if kind.merges]  # Concatenate has a rule of its own
_CONVOLUTIONS = [f"{kind}{axes}D" for kind in ("Conv", "DepthwiseConv", "SeparableConv") for axes in (1, 2)]

_OUTPUTS: dict[str, Callable[[Options, Sequence[Shape]], Shape]] = {
    **dict.fromkeys(_SAME, lambda _, shapes: shapes[0]),
    **dict.fromkeys(_MERGES, lambda _, shapes: tuple(map(max, *shapes))),
    **dict.fromkeys(_CONVOLUTIONS, _conv),
    **{f"{kind}Pooling{axes}D": _pool for kind in ("Max", "Average") for axes in (1, 2)},
    **{f"Global{kind}Pooling{axes}D": _global for kind in ("Max", "Average") for axes in (1, 2)},
    **{f"ZeroPadding{axes}D": _pad for axes in (1, 2)},
    **{f"Cropping{axes}D": _crop for axes in (1, 2)},
    **{f"UpSampling{axes}D": _upsample for axes in (1, 2)},
    "Dense": lambda options, shapes: (*shapes[0][:-1], options["units"]),
    "Flatten": lambda _, shapes: (math.prod(shapes[0]),),
    "Reshape": _reshape,
    "Permute": lambda options, shapes: tuple(shapes[0][axis - 1] for axis in options["dims"]),
    "RepeatVector": lambda options, shapes: (options["n"], *shapes[0]),
    "Concatenate": _concatenate,
    "Picture": lambda _, shapes: (shapes[0][1], shapes[0][0], 3),
    "Resizing": lambda options, shapes: (options["height"], options["width"], shapes[0][-1]),
}

Arrays = list[tuple[str, Shape]]


def _with_bias(arrays: Arrays, options: Options, channels: int) -> Arrays:
    return [*arrays, ("bias", (channels,))] if options.get("use_bias", True) else arrays


def _conv_arrays(options: Options, shape: Shape) -> Arrays:
    kernel = repeat_per_axis(options["kernel_size"], len(shape) - 1)
    filters = options["filters"]
    return _with_bias(
        [("kernel", (*kernel, shape[-1] // options.get("groups", 1), filters))], options, filters
    )


def _depthwise_arrays(options: Options, shape: Shape) -> Arrays:
    kernel, multiplier = (
        repeat_per_axis(options["kernel_size"], len(shape) - 1),
        options.get("depth_multiplier", 1),
    )
    return _with_bias([("kernel", (*kernel, shape[-1], multiplier))], options, shape[-1] * multiplier)


def _separable_arrays(options: Options, shape: Shape) -> Arrays:
    kernel, multiplier = (
        repeat_per_axis(options["kernel_size"], len(shape) - 1),
        options.get("depth_multiplier", 1),
    )
    filters = options["filters"]
    arrays: Arrays = [
        ("depthwise_kernel", (*kernel, shape[-1], multiplier)),
        ("pointwise_kernel", (*([1] * len(kernel)), shape[-1] * multiplier, filters)),
    ]
    return _with_bias(arrays, options, filters)


def _dense_arrays(options: Options, shape: Shape) -> Arrays:
    return _with_bias([("kernel", (shape[-1], options["units"]))], options, options["units"])


def _norm_arrays(options: Options, shape: Shape) -> Arrays:
    axis = options.get("axis", -1)
    sizes = tuple(shape[to_axis_index(a, shape)] for a in repeat_per_axis(axis, 1))
    arrays = [("gamma", sizes)] if options.get("scale", True) else []
    return [*arrays, ("beta", sizes)] if options.get("center", True) else arrays


def _slopes(options: Options, shape: Shape) -> Arrays:
    axes = repeat_per_axis(options.get("shared_axes", ()), 1)
    return [("alpha", tuple(1 if i in axes else n for i, n in enumerate(shape, 1)))]


def _batch_norm_arrays(options: Options, shape: Shape) -> Arrays:
    size = (shape[to_axis_index(options.get("axis", -1), shape)],)
    return [*_norm_arrays(options, shape), ("moving_mean", size), ("moving_variance", size)]


_ARRAYS: dict[str, Callable[[Options, Shape], Arrays]] = {
    **{f"Conv{axes}D": _conv_arrays for axes in (1, 2)},
    **{f"DepthwiseConv{axes}D": _depthwise_arrays for axes in (1, 2)},
    **{f"SeparableConv{axes}D": _separable_arrays for axes in (1, 2)},
    "Dense": _dense_arrays,
    "LayerNormalization": _norm_arrays,
    "GroupNormalization": _norm_arrays,
    "PReLU": _slopes,
    "BatchNormalization": _batch_norm_arrays,
}


def compute_array_shapes(layer: Layer, shape: Shape) -> Arrays:
    """Give the arrays of a layer that gets `shape`, in Keras' order, by role; none where only Keras knows."""
    arrays = _ARRAYS.get(layer.kind)
    return arrays(layer.options, shape) if arrays else []
