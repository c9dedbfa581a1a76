"""Poolings over a moving window, and global poolings over all frames and bins."""

from collections.abc import Sequence
from typing import Any

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import Choice, Flag, Sizes
from specfeat.architecture.kinds.base import AxisChange, Family, LayerKind, Options
from specfeat.architecture.kinds.read_ranges import make_window_reader, read_all_positions
from specfeat.architecture.kinds.windows import count_window_positions, find_window_mismatch


def _get_pool_size(options: Options) -> Any:
    return options.get("pool_size", 2)  # 2 is Keras' default for MaxPooling; AveragePooling has no default


def _compute_output_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    size = _get_pool_size(options)
    return (*count_window_positions(options, shapes[0], size, options.get("strides") or size), shapes[0][-1])


def _find_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    return find_window_mismatch(layer, shapes[0], "pool_size", _get_pool_size(layer.options))


def _compute_global_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    *spatial, channels = shapes[0]
    return (*([1] * len(spatial)), channels) if options.get("keepdims") else (channels,)


def _make_pooling(
    operation: str,
    axes: int,
    other_names: tuple[str, ...],
    *,
    needs_size: bool,
    keras_class: str | None = None,
) -> LayerKind:
    size = {"pool_size": Sizes(axes)}
    return LayerKind(
        name=f"{operation}Pooling{axes}D",
        family=Family.POOLING,
        required=size if needs_size else {},
        optional={
            **({} if needs_size else size),
            "strides": Sizes(axes),
            "padding": Choice(("valid", "same")),
        },
        input_axes=axes,
        compute_output_shape=_compute_output_shape,
        find_read_ranges=make_window_reader("pool_size", 2, mixes_channels=False),
        find_mismatch=_find_mismatch,
        axis_change=AxisChange.REPLACE_SPATIAL,
        window_argument="pool_size",
        keras_class=keras_class,
        other_names=dict.fromkeys(other_names, ""),
    )


def _make_global_pooling(operation: str, axes: int, adaptive: str, other_name: str) -> LayerKind:
    return LayerKind(
        name=f"Global{operation}Pooling{axes}D",
        family=Family.POOLING,
        optional={"keepdims": Flag()},
        input_axes=axes,
        compute_output_shape=_compute_global_shape,
        find_read_ranges=read_all_positions,
        axis_change=AxisChange.REPLACE_SPATIAL,
        other_names={adaptive: ", for a size of 1", other_name: ""},
    )


_MAX_NAMES = ("maxpool", "max_pool", "max_pooling")
_AVERAGE_NAMES = ("avgpool", "avg_pool", "averagepool", "average_pooling")

KINDS = (
    *(_make_pooling("Max", axes, _MAX_NAMES, needs_size=False) for axes in (1, 2)),
    *(_make_pooling("Average", axes, _AVERAGE_NAMES, needs_size=True) for axes in (1, 2)),
    _make_pooling(
        "StandardDeviation",
        2,
        ("stdpool", "std_pooling", "statistics_pooling"),
        needs_size=True,
        keras_class="specfeat.network.deviation:StandardDeviationPooling2D",
    ),
    *(_make_global_pooling("Max", axes, "adaptivemaxpool", "globalmaxpool") for axes in (1, 2)),
    *(_make_global_pooling("Average", axes, "adaptiveavgpool", "globalavgpool") for axes in (1, 2)),
)
