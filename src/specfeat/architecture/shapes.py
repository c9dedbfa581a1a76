"""Computes the shapes of the network's outputs and arrays without Keras.

This is for questions that are answered before TensorFlow is loaded. The network itself is built by Keras; a
test compares Keras' shapes with these.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import INPUT_NAME, Layer, LayerGraph
from specfeat.architecture.kinds import get_layer_kind


class ArrayShape(NamedTuple):
    """One array of the network.

    Attributes:
        layer: the layer that has the array.
        role: Keras' name of the array, e.g. "kernel".
        shape: the shape of the array, in Keras' order of axes.
    """

    layer: Layer
    role: str
    shape: Shape


class UnknownShapeError(Exception):
    """Only Keras knows the shapes of a layer; the argument of the error is the name of the layer's kind."""


def compute_network_shapes(graph: LayerGraph) -> dict[str, Shape]:
    """Return the shape of each layer's output for one clip, without the batch; `spectrogram` is the input.

    Raises:
        UnknownShapeError: only Keras knows the shapes of a layer.
    """
    shapes: dict[str, Shape] = {}
    for _ in iterate_layer_shapes(graph, shapes):
        pass
    for layer in graph.layers:
        if layer.name not in shapes:
            raise UnknownShapeError(layer.kind)
    return shapes


def iterate_layer_shapes(graph: LayerGraph, shapes: dict[str, Shape]) -> Iterator[tuple[Layer, list[Shape]]]:
    """Follow a clip through the layers, as far as shapes are known without Keras.

    Args:
        graph: the layers and the shape of the input.
        shapes: receives the shape of the input, and then of each output.

    Yields:
        A layer and the shapes of its inputs. The caller must check these before it takes the next layer,
        because only then is the shape of the output computed, which is possible only for inputs that fit.
    """
    shapes[INPUT_NAME] = graph.input_shape
    for layer in graph.layers:
        if not all(name in shapes for name in layer.inputs):
            continue  # the layer reads a layer whose shape only Keras knows
        input_shapes = [shapes[name] for name in layer.inputs]
        yield layer, input_shapes
        output = compute_output_shape(layer, input_shapes)
        if output is not None:
            shapes[layer.name] = output


def compute_output_shape(layer: Layer, shapes: Sequence[Shape]) -> Shape | None:
    """Return the shape of a layer's output without the batch; None if only Keras knows it.

    Args:
        layer: the layer.
        shapes: the shapes of its inputs, without the batch; they must fit the layer.
    """
    compute = get_layer_kind(layer.kind).compute_output_shape
    return compute(layer.options, shapes) if compute else None


def compute_score_shape(layer: Layer, shapes: Sequence[Shape]) -> Shape | None:
    """Return the shape of the largest array within an attention layer, without the batch; else None.

    Args:
        layer: the layer.
        shapes: the shapes of its inputs, without the batch; they must fit the layer.
    """
    compute = get_layer_kind(layer.kind).compute_score_shape
    return compute(layer.options, shapes) if compute else None


def compute_array_shapes(layer: Layer, shapes: Sequence[Shape]) -> list[tuple[str, Shape]]:
    """Return the roles and shapes of a layer's arrays, in Keras' order; none if only Keras knows them.

    Args:
        layer: the layer.
        shapes: the shapes of its inputs, without the batch.
    """
    return get_layer_kind(layer.kind).compute_array_shapes(layer.options, shapes)


def list_network_arrays(graph: LayerGraph) -> Iterator[ArrayShape]:
    """Yield the arrays of every layer, in Keras' order.

    Raises:
        UnknownShapeError: only Keras knows the shapes of a layer.
    """
    shapes = compute_network_shapes(graph)
    for layer in graph.layers:
        for role, shape in compute_array_shapes(layer, [shapes[name] for name in layer.inputs]):
            yield ArrayShape(layer, role, shape)


def count_multiplications(graph: LayerGraph) -> float:
    """Return the number of multiplications for one clip in an average layer with a kernel; 0 without kernels.

    Raises:
        UnknownShapeError: only Keras knows the shapes of a layer.
    """
    shapes = compute_network_shapes(graph)
    by_layer: dict[str, int] = {}
    for layer, role, shape in list_network_arrays(graph):
        if role.endswith("kernel"):
            kind = get_layer_kind(layer.kind)
            positions = kind.count_positions(
                shapes[layer.inputs[0]], shapes[layer.name]
            )  # each multiplies the whole kernel once
            by_layer[layer.name] = by_layer.get(layer.name, 0) + math.prod(shape) * positions
    return sum(by_layer.values()) / max(1, len(by_layer))
