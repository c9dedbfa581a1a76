"""Layers that keep the values and change the shape."""

import math
from collections.abc import Sequence

from specfeat.architecture.axes import Shape, describe_axes, find_missing_axis
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import WholeNumber
from specfeat.architecture.kinds.axis_arguments import AxisPermutation, TargetShape
from specfeat.architecture.kinds.base import AxisChange, Family, LayerKind, Options, Ranges
from specfeat.architecture.kinds.read_ranges import read_reshaped_indices
from specfeat.text import format_shape


def _flatten_shape(_: Options, shapes: Sequence[Shape]) -> Shape:
    return (math.prod(shapes[0]),)


def _read_flattened(options: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    return read_reshaped_indices(options, ranges, shapes, _flatten_shape(options, shapes))


def _compute_target_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    target = options["target_shape"]
    known = math.prod(n for n in target if n != -1)
    return tuple(math.prod(shapes[0]) // known if n == -1 else n for n in target)


def _read_target(options: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    return read_reshaped_indices(options, ranges, shapes, _compute_target_shape(options, shapes))


def _find_target_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    target = layer.options["target_shape"]
    known, unknown_count = math.prod(n for n in target if n != -1), target.count(-1)
    if unknown_count > 1:
        return f"has {unknown_count} sizes of -1 in target_shape; wanted one at most"
    values = math.prod(shapes[0])
    if (values % known == 0) if unknown_count else (values == known):
        return None
    return (
        f"gets {format_shape(shapes[0])}, {values} values, which do not fill a target_shape of "
        f"{format_shape(target)}"
    )


def _permute_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    return tuple(shapes[0][axis - 1] for axis in options["dims"])


def _read_permuted(options: Options, ranges: Ranges, _: Sequence[Shape]) -> list[Ranges]:
    dims = options["dims"]
    return [tuple(ranges[dims.index(axis)] for axis in range(1, len(dims) + 1))]


def _find_permutation_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    dims, shape = layer.options["dims"], shapes[0]
    if len(dims) < len(shape):
        return f"gets {describe_axes(shape)}, but dims names {len(dims)}"
    return find_missing_axis(dims, shape)


def _repeat_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    return (options["n"], *shapes[0])


def _read_repeated(_: Options, ranges: Ranges, __: Sequence[Shape]) -> list[Ranges]:
    return [ranges[1:]]


def _find_vector_mismatch(_: Layer, shapes: Sequence[Shape]) -> str | None:
    if len(shapes[0]) == 1:
        return None
    return f"gets {describe_axes(shapes[0])}; wanted one axis, as Flatten or a global pooling gives it"


KINDS = (
    LayerKind(
        name="Flatten",
        family=Family.RESHAPING,
        compute_output_shape=_flatten_shape,
        find_read_ranges=_read_flattened,
        axis_change=AxisChange.REGROUP,
    ),
    LayerKind(
        name="Reshape",
        family=Family.RESHAPING,
        required={"target_shape": TargetShape()},
        compute_output_shape=_compute_target_shape,
        find_read_ranges=_read_target,
        find_mismatch=_find_target_mismatch,
        axis_change=AxisChange.REGROUP,
        other_names={"view": " or Flatten"},
    ),
    LayerKind(
        name="Permute",
        family=Family.RESHAPING,
        required={"dims": AxisPermutation()},
        compute_output_shape=_permute_shape,
        find_read_ranges=_read_permuted,
        find_mismatch=_find_permutation_mismatch,
        axis_change=AxisChange.PERMUTE,
        other_names={"transpose": ""},
    ),
    LayerKind(
        name="RepeatVector",
        family=Family.RESHAPING,
        required={"n": WholeNumber()},
        compute_output_shape=_repeat_shape,
        find_read_ranges=_read_repeated,
        find_mismatch=_find_vector_mismatch,
        axis_change=AxisChange.ADD_FIRST,
    ),
)
