"""Layers that change how many frames and bins there are: padding, cropping, repetition, interpolation."""

from collections.abc import Mapping, Sequence
from typing import Any

from specfeat.architecture.axes import Shape, repeat_per_axis
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import ArgumentType, Choice, Margins, Sizes, WholeNumber
from specfeat.architecture.kinds.base import AxisChange, Family, LayerKind, Options
from specfeat.text import format_shape

_INTERPOLATION: Mapping[str, ArgumentType] = {"interpolation": Choice(("nearest", "bilinear"))}
# Keras' defaults. Cropping1D removes one value at each end by default, Cropping2D removes nothing.
_DEFAULT_CROPPING: dict[int, Any] = {1: (1, 1), 2: ((0, 0), (0, 0))}


def _add_margins(margins: Any, axes: int) -> list[int]:
    """Return the sum of the margins at both ends of each axis; see `arguments.Margins`."""
    if axes == 1 and isinstance(margins, tuple):
        return [sum(margins)]
    sides: Any = margins if isinstance(margins, tuple) else (margins,) * axes
    return [sum(side) if isinstance(side, tuple) else 2 * side for side in sides]


def _pad_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    *spatial, channels = shapes[0]
    added = _add_margins(options.get("padding", 1), len(spatial))
    return (*(n + m for n, m in zip(spatial, added, strict=True)), channels)


def _crop_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    *spatial, channels = shapes[0]
    axes = len(spatial)
    removed = _add_margins(options.get("cropping", _DEFAULT_CROPPING[axes]), axes)
    return (*(n - m for n, m in zip(spatial, removed, strict=True)), channels)


def _find_cropping_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    if min(_crop_shape(layer.options, shapes)) > 0:
        return None
    return f"gets {format_shape(shapes[0])}, and its cropping removes all of it"


def _repeat_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    *spatial, channels = shapes[0]
    sizes = repeat_per_axis(options.get("size", 2), len(spatial))
    return (*(n * s for n, s in zip(spatial, sizes, strict=True)), channels)


def _resize_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    return (options["height"], options["width"], shapes[0][-1])


def _make_padding(axes: int) -> LayerKind:
    return LayerKind(
        name=f"ZeroPadding{axes}D",
        family=Family.RESAMPLING,
        optional={"padding": Margins(axes)},
        input_axes=axes,
        compute_output_shape=_pad_shape,
        axis_change=AxisChange.REPLACE_SPATIAL,
        other_names={"zeropad": "", "constantpad": ""},
    )


def _make_cropping(axes: int) -> LayerKind:
    return LayerKind(
        name=f"Cropping{axes}D",
        family=Family.RESAMPLING,
        optional={"cropping": Margins(axes)},
        input_axes=axes,
        compute_output_shape=_crop_shape,
        find_mismatch=_find_cropping_mismatch,
        axis_change=AxisChange.REPLACE_SPATIAL,
    )


def _make_upsampling(axes: int, arguments: Mapping[str, ArgumentType]) -> LayerKind:
    return LayerKind(
        name=f"UpSampling{axes}D",
        family=Family.RESAMPLING,
        optional=arguments,
        input_axes=axes,
        compute_output_shape=_repeat_shape,
        axis_change=AxisChange.REPLACE_SPATIAL,
        other_names={"upsample": ""},
    )


KINDS = (
    *(_make_padding(axes) for axes in (1, 2)),
    *(_make_cropping(axes) for axes in (1, 2)),
    _make_upsampling(1, {"size": WholeNumber()}),  # Keras takes no list here
    _make_upsampling(2, {"size": Sizes(2), **_INTERPOLATION}),
    LayerKind(
        name="Resizing",
        family=Family.RESAMPLING,
        required={"height": WholeNumber(), "width": WholeNumber()},
        optional=_INTERPOLATION,
        input_axes=2,
        compute_output_shape=_resize_shape,
        axis_change=AxisChange.REPLACE_SPATIAL,
    ),
)
