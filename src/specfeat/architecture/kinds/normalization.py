"""Normalisations, and the scaling by constants."""

from collections.abc import Mapping, Sequence

from specfeat.architecture.axes import Shape, find_missing_axis, repeat_per_axis, to_axis_index
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import (
    ArgumentType,
    Flag,
    InitializerName,
    Number,
    WholeNumber,
)
from specfeat.architecture.kinds.axis_arguments import Axes, OneAxis
from specfeat.architecture.kinds.base import ArrayKind, Family, LayerKind, Options, keep_shape
from specfeat.architecture.kinds.groups import find_group_mismatch

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
        name="UnitNormalization",
        family=Family.NORMALIZATION,
        optional={"axis": Axes()},
        compute_output_shape=keep_shape,
        find_mismatch=_find_axis_mismatch,
        other_names={"l2_normalize": "", "normalize": ""},
    ),
    LayerKind(
        name="Rescaling",
        family=Family.NORMALIZATION,
        required={"scale": Number()},
        optional={"offset": Number()},
        compute_output_shape=keep_shape,
    ),
)
