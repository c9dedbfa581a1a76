"""The layer `Picture`, which is not one of Keras: it makes a picture of the spectrogram."""

from collections.abc import Sequence

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import NumberRange, Text
from specfeat.architecture.kinds.base import AxisChange, Family, LayerKind, Options, Ranges
from specfeat.text import format_shape


def _compute_output_shape(_: Options, shapes: Sequence[Shape]) -> Shape:
    return (shapes[0][1], shapes[0][0], 3)


def _find_read_ranges(_: Options, ranges: Ranges, shapes: Sequence[Shape]) -> list[Ranges]:
    """See `LayerKind`. The picture has the lowest bin in its last line."""
    lines, columns, _colors = ranges
    bins = shapes[0][1]
    return [(columns, range(bins - lines.stop, bins - lines.start), range(1))]


def _find_mismatch(_: Layer, shapes: Sequence[Shape]) -> str | None:
    if shapes[0][-1] == 1:
        return None
    return f"gets {format_shape(shapes[0])}; wanted 1 channel, because it gives each value a colour"


KINDS = (
    LayerKind(
        name="Picture",
        family=Family.PICTURE,
        required={"colormap": Text(), "range": NumberRange()},
        input_axes=2,
        compute_output_shape=_compute_output_shape,
        find_read_ranges=_find_read_ranges,
        find_mismatch=_find_mismatch,
        axis_change=AxisChange.REPLACE_ALL,
        keras_class="specfeat.network.picture:Picture",
    ),
)
