"""Computes the receptive fields of layers: the part of the spectrogram from which one value is computed.

The field of a layer is that of the value in the middle of its output. The search begins with the indices of
this value, finds the indices that its layer reads from its inputs, and goes back to the spectrogram.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import INPUT_NAME, Layer, LayerGraph
from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.kinds.base import Ranges
from specfeat.architecture.shapes import iterate_layer_shapes


class ReceptiveField(NamedTuple):
    """The part of the spectrogram from which one value of a layer's output is computed.

    Attributes:
        frames: the number of frames from the first to the last one.
        bins: the number of bins from the lowest to the highest one.
    """

    frames: int
    bins: int


def compute_receptive_fields(graph: LayerGraph) -> dict[str, ReceptiveField]:
    """Return the receptive field of each layer by its name, without the layers whose shape only Keras knows.

    Args:
        graph: the layers, whose inputs must fit, and the shape of the spectrogram.
    """
    shapes: dict[str, Shape] = {}
    for _ in iterate_layer_shapes(graph, shapes):
        pass
    layers = [layer for layer in graph.layers if layer.name in shapes]
    return {
        layer.name: _follow_to_spectrogram(layers[: number + 1], shapes)
        for number, layer in enumerate(layers)
    }


def _follow_to_spectrogram(layers: Sequence[Layer], shapes: Mapping[str, Shape]) -> ReceptiveField:
    """Return the receptive field of the last layer.

    Args:
        layers: the layer, and those before it in the order of the config.
        shapes: the shapes of all outputs, without the batch.
    """
    target = layers[-1].name
    middle = tuple(range(size // 2, size // 2 + 1) for size in shapes[target])
    read: dict[str, Ranges] = {target: middle}
    for layer in reversed(layers):
        ranges = read.pop(layer.name, None)
        if ranges is None:
            continue
        input_shapes = [shapes[name] for name in layer.inputs]
        for name, found in zip(layer.inputs, _find_read_ranges(layer, ranges, input_shapes), strict=True):
            read[name] = _join_ranges(read[name], found) if name in read else found
    # The ranges include padding, so they can be longer than the spectrogram.
    frames, bins, _ = map(min, map(len, read[INPUT_NAME]), shapes[INPUT_NAME])
    return ReceptiveField(frames, bins)


def _find_read_ranges(layer: Layer, ranges: Ranges, shapes: Sequence[Shape]) -> Sequence[Ranges]:
    find = get_layer_kind(layer.kind).find_read_ranges
    if find is None:
        return [tuple(map(range, shape)) for shape in shapes]
    return find(layer.options, ranges, shapes)


def _join_ranges(first: Ranges, second: Ranges) -> Ranges:
    return tuple(
        range(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(first, second, strict=True)
    )
