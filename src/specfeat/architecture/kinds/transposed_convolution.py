"""Transposed convolutions, which make more frames and bins of fewer.

Each input value adds the kernel times this value to a window of the output, and the windows are `strides`
apart. The rules for the sizes are Keras': `same` gives n * stride, `valid` (n - 1) * stride + extent, or
n * stride if that is more. With `output_padding` they are (n - 1) * stride + size % 2 + output_padding, and
(n - 1) * stride + extent + output_padding.
"""

from collections.abc import Sequence

from specfeat.architecture.axes import Shape, repeat_per_axis
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import (
    ActivationName,
    Choice,
    InitializerName,
    Sizes,
    WholeNumber,
)
from specfeat.architecture.kinds.base import ArrayKind, AxisChange, Family, KernelLayout, LayerKind, Options
from specfeat.architecture.kinds.convolution import BIAS_ARGUMENTS, BIAS_ARRAY
from specfeat.architecture.kinds.read_ranges import read_transposed_windows


def _compute_output_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    *spatial, _ = shapes[0]
    axes = len(spatial)
    sizes = repeat_per_axis(options["kernel_size"], axes)
    strides = repeat_per_axis(options.get("strides", 1), axes)
    added = repeat_per_axis(options.get("output_padding"), axes)
    is_same = options.get("padding") == "same"
    lengths = (
        _compute_length(*numbers, is_same=is_same)
        for numbers in zip(spatial, sizes, strides, added, strict=True)
    )
    return (*lengths, options["filters"])


def _compute_length(length: int, size: int, stride: int, added: int | None, *, is_same: bool) -> int:
    """Return the length of one axis of the output.

    Args:
        length: the length of the axis in the input.
        size: the size of the kernel.
        stride: the stride.
        added: the output padding; None if the config has none.
        is_same: whether the padding is `same`.
    """
    if added is None:
        return length * stride if is_same else (length - 1) * stride + max(size, stride)
    return (length - 1) * stride + (size % 2 if is_same else size) + added


def _find_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    if "output_padding" not in layer.options:
        return None
    axes = len(shapes[0]) - 1
    strides = repeat_per_axis(layer.options.get("strides", 1), axes)
    added = repeat_per_axis(layer.options["output_padding"], axes)
    if any(more >= stride for more, stride in zip(added, strides, strict=True)):
        return "has an output_padding that is not smaller than its strides"
    sizes = repeat_per_axis(layer.options["kernel_size"], axes)
    has_unpadded_even_axis = any(not more and not size % 2 for more, size in zip(added, sizes, strict=True))
    if layer.options.get("padding") == "same" and has_unpadded_even_axis:
        return (
            "has an output_padding of 0 with padding: same and a kernel_size that is even, which TensorFlow "
            "cannot compute; leave output_padding out"
        )
    return None


def _compute_kernel_shape(options: Options, shape: Shape) -> Shape:
    return (*repeat_per_axis(options["kernel_size"], len(shape) - 1), options["filters"], shape[-1])


def _make_transposed_conv(axes: int) -> LayerKind:
    return LayerKind(
        name=f"Conv{axes}DTranspose",
        family=Family.CONVOLUTION,
        required={"filters": WholeNumber(), "kernel_size": Sizes(axes)},
        optional={
            "strides": Sizes(axes),
            "padding": Choice(("valid", "same")),
            "output_padding": Sizes(axes, minimum=0),
            "activation": ActivationName(),
            "kernel_initializer": InitializerName(),
            **BIAS_ARGUMENTS,
        },
        input_axes=axes,
        compute_output_shape=_compute_output_shape,
        find_read_ranges=read_transposed_windows,
        find_mismatch=_find_mismatch,
        arrays=(
            ArrayKind("kernel", _compute_kernel_shape, layout=KernelLayout.TRANSPOSED),
            BIAS_ARRAY,
        ),
        axis_change=AxisChange.REPLACE_ALL,
        window_argument="kernel_size",
        other_names=dict.fromkeys(
            ("convtranspose", "transposedconv", "deconv", "deconvolution", f"conv{axes}d_transpose"), ""
        ),
    )


KINDS = tuple(_make_transposed_conv(axes) for axes in (1, 2))
