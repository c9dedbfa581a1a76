"""Convolutions: plain, depthwise and separable, along one axis or two."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from specfeat.architecture.axes import Shape, repeat_per_axis
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import (
    ActivationName,
    ArgumentType,
    Choice,
    Flag,
    InitializerName,
    Sizes,
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
from specfeat.architecture.kinds.groups import find_group_mismatch
from specfeat.architecture.kinds.read_ranges import make_window_reader
from specfeat.architecture.kinds.windows import count_window_positions, find_window_mismatch

BIAS_ARGUMENTS: Mapping[str, ArgumentType] = {"use_bias": Flag(), "bias_initializer": InitializerName()}


def _compute_output_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    shape = shapes[0]
    channels = options.get("filters") or shape[-1] * options.get("depth_multiplier", 1)
    strides = options.get("strides", 1)
    return (*count_window_positions(options, shape, options["kernel_size"], strides), channels)


def _find_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    return find_group_mismatch(layer, shapes[0], layer.options.get("groups", 1)) or find_window_mismatch(
        layer, shapes[0], "kernel_size", layer.options["kernel_size"]
    )


def _get_kernel_sizes(options: Options, shape: Shape) -> Shape:
    return repeat_per_axis(options["kernel_size"], len(shape) - 1)


def _compute_kernel_shape(options: Options, shape: Shape) -> Shape:
    channels = shape[-1] // options.get("groups", 1)
    return (*_get_kernel_sizes(options, shape), channels, options["filters"])


def _compute_depthwise_shape(options: Options, shape: Shape) -> Shape:
    return (*_get_kernel_sizes(options, shape), shape[-1], options.get("depth_multiplier", 1))


def _compute_pointwise_shape(options: Options, shape: Shape) -> Shape:
    ones = [1] * (len(shape) - 1)
    return (*ones, shape[-1] * options.get("depth_multiplier", 1), options["filters"])


def _compute_bias_shape(options: Options, shape: Shape) -> Shape:
    return (options.get("filters") or shape[-1] * options.get("depth_multiplier", 1),)


BIAS_ARRAY = ArrayKind("bias", _compute_bias_shape, enabling_argument="use_bias")


def _make_conv(axes: int) -> LayerKind:
    return LayerKind(
        name=f"Conv{axes}D",
        family=Family.CONVOLUTION,
        required={"filters": WholeNumber(), "kernel_size": Sizes(axes)},
        optional={
            "strides": Sizes(axes),
            "padding": Choice(("valid", "same", "causal") if axes == 1 else ("valid", "same")),
            "dilation_rate": Sizes(axes),
            "groups": WholeNumber(),
            "activation": ActivationName(),
            "kernel_initializer": InitializerName(),
            **BIAS_ARGUMENTS,
        },
        input_axes=axes,
        compute_output_shape=_compute_output_shape,
        find_read_ranges=make_window_reader("kernel_size", 1, mixes_channels=True),
        find_mismatch=_find_mismatch,
        arrays=(ArrayKind("kernel", _compute_kernel_shape, layout=KernelLayout.CONVOLUTION), BIAS_ARRAY),
        axis_change=AxisChange.REPLACE_ALL,
        fold_axes=(-1,),
        window_argument="kernel_size",
        other_names={"convolution": "", "atrousconvolution": ", with dilation_rate"},
    )


def _make_depthwise_conv(axes: int) -> LayerKind:
    return LayerKind(
        name=f"DepthwiseConv{axes}D",
        family=Family.CONVOLUTION,
        required={"kernel_size": Sizes(axes)},
        optional={
            "strides": Sizes(axes),
            "padding": Choice(("valid", "same")),
            "dilation_rate": Sizes(axes),
            "depth_multiplier": WholeNumber(),
            "activation": ActivationName(),
            "depthwise_initializer": InitializerName(),
            **BIAS_ARGUMENTS,
        },
        input_axes=axes,
        compute_output_shape=_compute_output_shape,
        find_read_ranges=make_window_reader("kernel_size", 1, mixes_channels=False),
        find_mismatch=_find_mismatch,
        arrays=(ArrayKind("kernel", _compute_depthwise_shape, layout=KernelLayout.DEPTHWISE), BIAS_ARRAY),
        axis_change=AxisChange.REPLACE_ALL,
        fold_axes=(-2, -1),
        window_argument="kernel_size",
        other_names={"depthwise_conv": ""},
    )


def _make_separable_conv(axes: int) -> LayerKind:
    depthwise = _make_depthwise_conv(axes)
    return replace(
        depthwise,
        name=f"SeparableConv{axes}D",
        required={"filters": WholeNumber(), **depthwise.required},
        optional={**depthwise.optional, "pointwise_initializer": InitializerName()},
        find_read_ranges=make_window_reader("kernel_size", 1, mixes_channels=True),
        arrays=(
            ArrayKind("depthwise_kernel", _compute_depthwise_shape, layout=KernelLayout.DEPTHWISE),
            ArrayKind("pointwise_kernel", _compute_pointwise_shape, layout=KernelLayout.POINTWISE),
            BIAS_ARRAY,
        ),
        fold_axes=(-1,),
        other_names={"separable_conv": "", "separableconvolution": ""},
    )


KINDS = tuple(
    make(axes) for make in (_make_conv, _make_depthwise_conv, _make_separable_conv) for axes in (1, 2)
)
