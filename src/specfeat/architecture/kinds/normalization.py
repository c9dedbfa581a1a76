"""Normalisations, and the scaling by constants."""

from collections.abc import Mapping, Sequence
from typing import Any

from specfeat.architecture.axes import Shape, find_missing_axis, repeat_per_axis, to_axis_index
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import (
    ArgumentType,
    Flag,
    InitializerName,
    Number,
    NumberArray,
    WholeNumber,
)
from specfeat.architecture.kinds.axis_arguments import Axes, AxesOrNone, OneAxis
from specfeat.architecture.kinds.base import ArrayKind, Family, LayerKind, Options, keep_shape
from specfeat.architecture.kinds.groups import find_group_mismatch
from specfeat.architecture.kinds.read_ranges import read_axes_of_argument, read_same_indices
from specfeat.text import format_shape

KERAS_GROUPS = 32  # Keras' default for the groups of GroupNormalization


def _find_axis_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    return find_missing_axis(repeat_per_axis(layer.options.get("axis", -1), 1), shapes[0])


def _find_group_normalization_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    groups = layer.options.get("groups", KERAS_GROUPS)
    return _find_axis_mismatch(layer, shapes) or find_group_mismatch(layer, shapes[0], groups)


def _compute_array_shape(options: Options, shape: Shape) -> Shape:
    """Return the sizes of the axes that are normalised, which is the shape of each array of the layer."""
    axes = repeat_per_axis(options.get("axis", -1), 1)
    return tuple(shape[to_axis_index(axis, shape)] for axis in axes)


def _list_kept_axes(options: Options, shape: Shape) -> Shape:
    """Return the indices of the axes along which `Normalization` has separate values, in ascending order."""
    axis = options.get("axis", -1)
    return tuple(sorted(to_axis_index(i, shape) for i in ([] if axis is None else repeat_per_axis(axis, 1))))


def _compute_statistics_shape(options: Options, shape: Shape) -> Shape:
    return tuple(shape[index] for index in _list_kept_axes(options, shape))


def _find_statistics_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    axis = layer.options.get("axis", -1)
    reason = None if axis is None else find_missing_axis(repeat_per_axis(axis, 1), shapes[0])
    if reason:
        return reason
    mean, variance = (_get_nested_shape(layer.options.get(key)) for key in ("mean", "variance"))
    if (mean is None) != (variance is None):
        return (
            f"has no {'mean' if mean is None else 'variance'}; wanted both of mean and variance, or neither"
        )
    if mean is None or variance is None:
        return None
    wanted = _compute_statistics_shape(layer.options, shapes[0])
    if mean == variance and (not mean or mean == wanted):
        return None
    sizes = " and ".join(format_shape(size) or "one number" for size in (mean, variance))
    values = f"{format_shape(wanted)} values" if wanted else "one number"
    return f"has a mean and a variance of {sizes}; wanted {values} each, or one number for all"


def _get_nested_shape(values: Any) -> Shape | None:
    """Return the shape of numbers in nested tuples; None if there are none."""
    if values is None:
        return None
    sizes: list[int] = []
    while isinstance(values, tuple):
        sizes.append(len(values))
        values = values[0]
    return tuple(sizes)


_ARGUMENTS: Mapping[str, ArgumentType] = {
    "axis": Axes(),
    "epsilon": Number(0.0),
    "center": Flag(),
    "scale": Flag(),
    "beta_initializer": InitializerName(),
    "gamma_initializer": InitializerName(),
}
_LEARNED_ARRAYS = (
    ArrayKind("gamma", _compute_array_shape, enabling_argument="scale"),
    ArrayKind("beta", _compute_array_shape, enabling_argument="center"),
)

KINDS = (
    LayerKind(
        name="BatchNormalization",
        family=Family.NORMALIZATION,
        optional={
            **_ARGUMENTS,
            "axis": OneAxis(),
            "momentum": Number(0.0, 1.0),
            "moving_mean_initializer": InitializerName(),
            "moving_variance_initializer": InitializerName(),
        },
        compute_output_shape=keep_shape,
        find_read_ranges=read_same_indices,
        find_mismatch=_find_axis_mismatch,
        arrays=(
            *_LEARNED_ARRAYS,
            ArrayKind("moving_mean", _compute_array_shape),
            ArrayKind("moving_variance", _compute_array_shape),
        ),
        is_foldable=True,
        other_names={"batchnorm": "", "batch_norm": "", "batch_normalization": ""},
    ),
    LayerKind(
        name="LayerNormalization",
        family=Family.NORMALIZATION,
        optional=_ARGUMENTS,
        compute_output_shape=keep_shape,
        find_read_ranges=read_axes_of_argument,
        find_mismatch=_find_axis_mismatch,
        arrays=_LEARNED_ARRAYS,
        other_names={"layernorm": "", "layer_norm": ""},
    ),
    LayerKind(
        name="GroupNormalization",
        family=Family.NORMALIZATION,
        optional={"groups": WholeNumber(), **_ARGUMENTS, "axis": OneAxis()},
        compute_output_shape=keep_shape,
        find_mismatch=_find_group_normalization_mismatch,
        arrays=_LEARNED_ARRAYS,
        other_names={"groupnorm": "", "group_norm": "", "instancenorm": " with as many groups as channels"},
    ),
    LayerKind(
        name="RMSNormalization",
        family=Family.NORMALIZATION,
        optional={"axis": Axes(), "epsilon": Number(0.0)},
        compute_output_shape=keep_shape,
        find_read_ranges=read_axes_of_argument,
        find_mismatch=_find_axis_mismatch,
        arrays=(ArrayKind("scale", _compute_array_shape),),
        other_names={"rmsnorm": "", "rms_norm": ""},
    ),
    LayerKind(
        name="Normalization",
        family=Family.NORMALIZATION,
        optional={
            "axis": AxesOrNone(),
            "mean": NumberArray(),
            "variance": NumberArray(0.0),
            "invert": Flag(),
        },
        compute_output_shape=keep_shape,
        find_read_ranges=read_same_indices,
        find_mismatch=_find_statistics_mismatch,
        # Keras has a third array, `count`, for old files; nothing is computed with it.
        arrays=(
            ArrayKind("mean", _compute_statistics_shape, replacing_argument="mean"),
            ArrayKind("variance", _compute_statistics_shape, replacing_argument="mean"),
        ),
    ),
    LayerKind(
        name="UnitNormalization",
        family=Family.NORMALIZATION,
        optional={"axis": Axes()},
        compute_output_shape=keep_shape,
        find_read_ranges=read_axes_of_argument,
        find_mismatch=_find_axis_mismatch,
        other_names={"l2_normalize": "", "normalize": ""},
    ),
    LayerKind(
        name="Rescaling",
        family=Family.NORMALIZATION,
        required={"scale": Number()},
        optional={"offset": Number()},
        compute_output_shape=keep_shape,
        find_read_ranges=read_same_indices,
    ),
)
