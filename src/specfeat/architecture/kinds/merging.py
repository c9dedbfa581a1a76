"""Layers that join several inputs."""

from collections.abc import Sequence
from functools import partial

from specfeat.architecture.axes import Shape, find_missing_axis, to_axis_index
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.axis_arguments import OneAxis
from specfeat.architecture.kinds.base import Family, LayerKind, Options, Ranges
from specfeat.architecture.kinds.read_ranges import read_same_indices
from specfeat.text import format_shape


def _broadcast_shapes(_: Options, shapes: Sequence[Shape]) -> Shape:
    return tuple(map(max, *shapes))


def _find_unequal_shapes(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    axis_counts = {len(shape) for shape in shapes}
    # Along an axis of size 1, the value is repeated to the size of the other inputs, as
    # squeeze-and-excitation blocks need it.
    if len(axis_counts) == 1 and all(len(set(sizes) - {1}) <= 1 for sizes in zip(*shapes, strict=True)):
        return None
    suggestion = ""
    if len(axis_counts) > 1 and 1 in axis_counts:
        suggestion = ", or sizes of 1, as a global pooling with keepdims: true gives them"
    return f"joins {_describe_inputs(layer, shapes)}; wanted equal shapes{suggestion}"


def _concatenate_shapes(options: Options, shapes: Sequence[Shape]) -> Shape:
    joined = to_axis_index(options.get("axis", -1), shapes[0])
    return (*shapes[0][:joined], sum(shape[joined] for shape in shapes), *shapes[0][joined + 1 :])


def _find_read_ranges(options: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    """See `LayerKind`. For a single index along the joined axis, the result is the middle of each input."""
    joined = to_axis_index(options.get("axis", -1), shapes[0])
    return [
        tuple(
            indices if axis != joined else _choose_joined_indices(indices, shape[axis])
            for axis, indices in enumerate(ranges)
        )
        for shape in shapes
    ]


def _choose_joined_indices(indices: range, size: int) -> range:
    return range(size // 2, size // 2 + 1) if len(indices) == 1 else range(size)


def _find_unequal_other_axes(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    axis = layer.options.get("axis", -1)
    has_equal_axis_counts = len({len(shape) for shape in shapes}) == 1
    if len(set(shapes)) == 1 or (
        has_equal_axis_counts and len({_remove_axis(shape, axis) for shape in shapes}) == 1
    ):
        return find_missing_axis((axis,), shapes[0])
    wanted = "shapes that are equal except along the joined axis"
    return f"joins {_describe_inputs(layer, shapes)}; wanted {wanted}"


def _remove_axis(shape: Shape, axis: int) -> Shape:
    """Return a shape without one axis; the whole shape if it has no such axis."""
    index = to_axis_index(axis, shape)
    return shape[:index] + shape[index + 1 :] if 0 <= index < len(shape) else shape


def _describe_inputs(layer: Layer, shapes: Sequence[Shape]) -> str:
    inputs = zip(layer.inputs, shapes, strict=True)
    return ", ".join(f"{name} ({format_shape(shape)})" for name, shape in inputs)


_make_merging = partial(LayerKind, family=Family.MERGING, min_inputs=2, max_inputs=None)
_make_elementwise = partial(
    _make_merging,
    compute_output_shape=_broadcast_shapes,
    find_read_ranges=read_same_indices,
    find_mismatch=_find_unequal_shapes,
)

KINDS = (
    _make_elementwise(name="Add", other_names={"merge": " or Concatenate"}),
    *(_make_elementwise(name=name) for name in ("Subtract", "Multiply", "Average", "Maximum", "Minimum")),
    _make_merging(
        name="Concatenate",
        optional={"axis": OneAxis()},
        compute_output_shape=_concatenate_shapes,
        find_read_ranges=_find_read_ranges,
        find_mismatch=_find_unequal_other_axes,
        other_names={"concat": "", "cat": ""},
    ),
)
