"""Layers that change how many frames and bins there are: padding, cropping, repetition, interpolation."""

from collections.abc import Mapping, Sequence
from typing import Any

from specfeat.architecture.axes import Shape, repeat_per_axis
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import ArgumentType, Choice, Margins, Sizes, WholeNumber
from specfeat.architecture.kinds.base import AxisChange, Family, LayerKind, Options, Ranges
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


def _list_margins_before(margins: Any, axes: int) -> list[int]:
    """Return the margin before the first value of each axis; see `arguments.Margins`."""
    if axes == 1 and isinstance(margins, tuple):
        return [margins[0]]
    sides: Any = margins if isinstance(margins, tuple) else (margins,) * axes
    return [side[0] if isinstance(side, tuple) else side for side in sides]


def _read_padded(options: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    before = _list_margins_before(options.get("padding", 1), len(shapes[0]) - 1)
    read = (range(r.start - b, r.stop - b) for r, b in zip(ranges, before, strict=False))
    return [(*read, ranges[-1])]


def _read_cropped(options: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    axes = len(shapes[0]) - 1
    before = _list_margins_before(options.get("cropping", _DEFAULT_CROPPING[axes]), axes)
    read = (range(r.start + b, r.stop + b) for r, b in zip(ranges, before, strict=False))
    return [(*read, ranges[-1])]


def _read_resized(options: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    """See `LayerKind`. The output is longer or shorter than the input by a factor along each axis."""
    *spatial, _ = shapes[0]
    repeats = repeat_per_axis(options.get("size", 2), len(spatial))
    repeated = tuple(n * s for n, s in zip(spatial, repeats, strict=True))
    lengths = (options["height"], options["width"]) if "height" in options else repeated
    is_bilinear = options.get("interpolation", _get_default_interpolation(options)) == "bilinear"
    read = []
    for indices, old, new in zip(ranges, spatial, lengths, strict=False):
        if is_bilinear:  # between the two input values around the centre of the output value
            first = ((2 * indices.start + 1) * old - new) // (2 * new)
            last = -((new - (2 * indices[-1] + 1) * old) // (2 * new))
        else:
            first, last = ((2 * index + 1) * old // (2 * new) for index in (indices.start, indices[-1]))
        read.append(range(first, last + 1))
    return [(*read, ranges[-1])]


def _get_default_interpolation(options: Options) -> str:
    """Return Keras' default: "bilinear" for Resizing, "nearest" for UpSampling2D."""
    return "bilinear" if "height" in options else "nearest"


def _make_padding(axes: int) -> LayerKind:
    return LayerKind(
        name=f"ZeroPadding{axes}D",
        family=Family.RESAMPLING,
        optional={"padding": Margins(axes)},
        input_axes=axes,
        compute_output_shape=_pad_shape,
        find_read_ranges=_read_padded,
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
        find_read_ranges=_read_cropped,
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
        find_read_ranges=_read_resized,
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
        find_read_ranges=_read_resized,
        axis_change=AxisChange.REPLACE_SPATIAL,
    ),
)
