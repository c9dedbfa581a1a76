"""Activations as layers."""

from collections.abc import Sequence

from specfeat.architecture.axes import Shape, find_missing_axis, repeat_per_axis
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import ActivationName, InitializerName, Number
from specfeat.architecture.kinds.axis_arguments import Axes, SharedAxes
from specfeat.architecture.kinds.base import ArrayKind, Family, LayerKind, Options, keep_shape
from specfeat.architecture.kinds.read_ranges import read_axes_of_argument, read_same_indices


def _find_axis_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    axes = layer.options.get("axis", layer.options.get("shared_axes", ()))
    return find_missing_axis(repeat_per_axis(axes, 1), shapes[0])


def _compute_slopes_shape(options: Options, shape: Shape) -> Shape:
    shared = repeat_per_axis(options.get("shared_axes", ()), 1)
    return tuple(1 if axis in shared else size for axis, size in enumerate(shape, 1))


KINDS = (
    LayerKind(
        name="Activation",
        family=Family.ACTIVATION,
        required={"activation": ActivationName()},
        compute_output_shape=keep_shape,
        find_read_ranges=read_same_indices,
    ),
    LayerKind(
        name="ReLU",
        family=Family.ACTIVATION,
        activation="relu",
        optional={"max_value": Number(0.0), "negative_slope": Number(0.0), "threshold": Number(0.0)},
        compute_output_shape=keep_shape,
        find_read_ranges=read_same_indices,
    ),
    LayerKind(
        name="LeakyReLU",
        family=Family.ACTIVATION,
        activation="leaky_relu",
        optional={"negative_slope": Number(0.0)},
        compute_output_shape=keep_shape,
        find_read_ranges=read_same_indices,
    ),
    LayerKind(
        name="PReLU",
        family=Family.ACTIVATION,
        activation="leaky_relu",
        optional={"shared_axes": SharedAxes(), "alpha_initializer": InitializerName()},
        compute_output_shape=keep_shape,
        find_read_ranges=read_same_indices,
        find_mismatch=_find_axis_mismatch,
        arrays=(ArrayKind("alpha", _compute_slopes_shape),),
    ),
    LayerKind(
        name="ELU",
        family=Family.ACTIVATION,
        activation="elu",
        optional={"alpha": Number(0.0)},
        compute_output_shape=keep_shape,
        find_read_ranges=read_same_indices,
    ),
    LayerKind(
        name="Softmax",
        family=Family.ACTIVATION,
        activation="softmax",
        optional={"axis": Axes()},
        compute_output_shape=keep_shape,
        find_read_ranges=read_axes_of_argument,
        find_mismatch=_find_axis_mismatch,
    ),
)
