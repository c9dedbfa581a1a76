"""Attention layers, whose output for each frame is a weighted mean over all frames of another input.

The weights of the mean are the softmax of scores: one number for each frame of the query and each frame of
the key. The inputs are, in this order, query, value and key; without a key, the value is also the key. All
have the shape frames x channels.

The layers are used for inference only: the arguments for dropout are left out. Masks are left out too,
because all clips have the same number of frames.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from specfeat.architecture.axes import Shape, describe_axes
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import (
    ArgumentType,
    Choice,
    Flag,
    InitializerName,
    WholeNumber,
)
from specfeat.architecture.kinds.base import (
    ArrayKind,
    AxisChange,
    Family,
    KernelLayout,
    LayerKind,
    Options,
)
from specfeat.text import format_shape

_MODULE = "specfeat.network.attention"


def _get_key_shape(shapes: Sequence[Shape]) -> Shape:
    return shapes[-1]


def _get_value_shape(shapes: Sequence[Shape]) -> Shape:
    return shapes[min(1, len(shapes) - 1)]


def _find_unequal_frames(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    """Return why the inputs have wrong axes or numbers of frames, or None."""
    for name, shape in zip(layer.inputs, shapes, strict=True):
        if len(shape) != 2:
            reshape = f"[{shape[0]}, {shape[1] * shape[2]}]" if len(shape) == 3 else "[frames, channels]"
            return (
                f"reads {name}, which has {describe_axes(shape)}; wanted 2 axes, frames x channels; "
                f"put Reshape: {{target_shape: {reshape}}} after {name}"
            )
    value, key = _get_value_shape(shapes), _get_key_shape(shapes)
    if value[0] != key[0]:
        return (
            f"gets a value of {format_shape(value)} and a key of {format_shape(key)}; "
            "wanted as many frames in both"
        )
    return None


def _find_unequal_channels(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    """Return why a layer without projections cannot compare query and key, or None."""
    reason = _find_unequal_frames(layer, shapes)
    query, key = shapes[0], _get_key_shape(shapes)
    if reason is None and query[1] != key[1]:
        return (
            f"compares a query of {format_shape(query)} with a key of {format_shape(key)}; "
            "wanted as many channels in both, e.g. by a Dense before one of them"
        )
    return reason


def _get_value_size(options: Options) -> int:
    """Return the number of channels that a head has for the value."""
    return int(options.get("value_dim", options["key_dim"]))


def _compute_multi_head_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    return (shapes[0][0], options.get("output_shape", shapes[0][1]))


def _compute_multi_head_scores(options: Options, shapes: Sequence[Shape]) -> Shape:
    return (options["num_heads"], shapes[0][0], _get_key_shape(shapes)[0])


def _compute_attention_shape(_: Options, shapes: Sequence[Shape]) -> Shape:
    return (shapes[0][0], _get_value_shape(shapes)[1])


def _compute_dot_scores(options: Options, shapes: Sequence[Shape]) -> Shape:
    if options.get("score_mode") == "concat":
        return _compute_additive_scores(options, shapes)
    return (shapes[0][0], _get_key_shape(shapes)[0])


def _compute_additive_scores(_: Options, shapes: Sequence[Shape]) -> Shape:
    """Return the shape of the sums of all frames of the query and all frames of the key."""
    return (shapes[0][0], _get_key_shape(shapes)[0], shapes[0][1])


def _count_head_products(options: Options, shapes: Sequence[Shape]) -> int:
    """Return the products of queries and keys, and those of the scores and values."""
    size = options["key_dim"] + _get_value_size(options)
    return math.prod(_compute_multi_head_scores(options, shapes)) * int(size)


def _count_attention_products(_: Options, shapes: Sequence[Shape]) -> int:
    size = shapes[0][1] + _get_value_shape(shapes)[1]
    return shapes[0][0] * _get_key_shape(shapes)[0] * size


def _make_projection(
    part: str, input_index: int, get_size: Callable[[Options], int]
) -> tuple[ArrayKind, ArrayKind]:
    """Return kernel and bias of the projection of one input.

    Args:
        part: the name of the projection in Keras: "query", "key" or "value".
        input_index: the number of the input that it reads.
        get_size: a function from the layer's arguments to the number of channels of one head.
    """
    return (
        ArrayKind(
            f"{part}/kernel",
            lambda options, shape: (shape[-1], options["num_heads"], get_size(options)),
            layout=KernelLayout.PROJECTION,
            input_index=input_index,
        ),
        ArrayKind(
            f"{part}/bias",
            lambda options, _: (options["num_heads"], get_size(options)),
            enabling_argument="use_bias",
        ),
    )


def _compute_output_kernel_shape(options: Options, query: Shape) -> Shape:
    return (options["num_heads"], _get_value_size(options), options.get("output_shape", query[-1]))


_PART_PATHS = {"query": "query_dense", "key": "key_dense", "value": "value_dense"}
_SCALE: Mapping[str, ArgumentType] = {"use_scale": Flag()}

KINDS = (
    LayerKind(
        name="MultiHeadAttention",
        family=Family.ATTENTION,
        required={"num_heads": WholeNumber(), "key_dim": WholeNumber()},
        optional={
            "value_dim": WholeNumber(),
            "output_shape": WholeNumber(),
            "use_bias": Flag(),
            "kernel_initializer": InitializerName(),
            "bias_initializer": InitializerName(),
        },
        input_axes=1,
        max_inputs=3,
        compute_output_shape=_compute_multi_head_shape,
        compute_score_shape=_compute_multi_head_scores,
        count_products=_count_head_products,
        find_mismatch=_find_unequal_frames,
        arrays=(
            *_make_projection("query", 0, lambda options: int(options["key_dim"])),
            *_make_projection("key", 2, lambda options: int(options["key_dim"])),
            *_make_projection("value", 1, _get_value_size),
            ArrayKind(
                "attention_output/kernel", _compute_output_kernel_shape, layout=KernelLayout.JOINED_HEADS
            ),
            ArrayKind(
                "attention_output/bias",
                lambda options, query: (options.get("output_shape", query[-1]),),
                enabling_argument="use_bias",
            ),
        ),
        axis_change=AxisChange.REPLACE_LAST,
        part_paths={**_PART_PATHS, "attention_output": "output_dense"},
        keras_class=f"{_MODULE}:MultiHeadAttention",
        other_names=dict.fromkeys(
            ("multiheadattention", "multihead_attention", "multi_head_attention", "mha"), ""
        ),
    ),
    LayerKind(
        name="Attention",
        family=Family.ATTENTION,
        optional={**_SCALE, "score_mode": Choice(("dot", "concat"))},
        input_axes=1,
        min_inputs=2,
        max_inputs=3,
        compute_output_shape=_compute_attention_shape,
        compute_score_shape=_compute_dot_scores,
        count_products=_count_attention_products,
        find_mismatch=_find_unequal_channels,
        arrays=(
            ArrayKind("scale", lambda *_: (), is_present=lambda options: options.get("use_scale", False)),
            ArrayKind(
                "concat_score_weight",
                lambda *_: (),
                is_present=lambda options: options.get("score_mode") == "concat",
            ),
        ),
        axis_change=AxisChange.TAKE_LAST,
        other_names={"dotattention": "", "luongattention": ""},
    ),
    LayerKind(
        name="AdditiveAttention",
        family=Family.ATTENTION,
        optional=_SCALE,
        input_axes=1,
        min_inputs=2,
        max_inputs=3,
        compute_output_shape=_compute_attention_shape,
        compute_score_shape=_compute_additive_scores,
        count_products=_count_attention_products,
        find_mismatch=_find_unequal_channels,
        arrays=(ArrayKind("scale", lambda _, query: (query[-1],), enabling_argument="use_scale"),),
        axis_change=AxisChange.TAKE_LAST,
        keras_class=f"{_MODULE}:AdditiveAttention",
        other_names={"bahdanauattention": ""},
    ),
)
