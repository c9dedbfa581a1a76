"""Follows a clip's shape through the layers and refuses the first layer that cannot take its inputs.

This needs only arithmetic, so it is done before Keras is loaded. Layers whose shapes only Keras knows are
checked when the network is built.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from specfeat.architecture.axes import Shape, describe_axes
from specfeat.architecture.feature_sources import FeatureSource
from specfeat.architecture.graph import INPUT_NAME, Layer, LayerGraph, LayerMismatchError
from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.kinds.base import AxisChange
from specfeat.architecture.shapes import compute_output_shape, iterate_layer_shapes
from specfeat.architecture.size_limits import (
    NetworkSize,
    check_output_size,
    check_score_size,
    check_weight_count,
)
from specfeat.text import format_shape

MAX_SHAPES_SHOWN = 6  # of the layers before a layer that cannot take its input


def check_network(graph: LayerGraph, *, batch: int, sources: Sequence[FeatureSource], is_named: bool) -> None:
    """Check all layers, as far as shapes are known without Keras.

    Args:
        graph: the layers and the shape of the input.
        batch: the number of clips that go through the network at once.
        sources: the layers that give the features.
        is_named: whether the config names them in `features`.

    Raises:
        LayerMismatchError: a layer cannot take its inputs, or a layer or the whole network is too large, or
            the features of a clip are not one row.
    """
    size = NetworkSize(graph.layers, batch, graph.input_shape)
    layers = {layer.name: layer for layer in graph.layers}
    shapes: dict[str, Shape] = {}
    for layer, input_shapes in iterate_layer_shapes(graph, shapes):
        reason = find_mismatch(layer, input_shapes)
        if reason:
            raise LayerMismatchError(layer, reason + _describe_path(layer, layers, shapes))
        output = compute_output_shape(layer, input_shapes)
        reason = check_output_size(output, batch) if output else None
        reason = reason or check_score_size(layer, input_shapes, batch)
        reason = reason or size.add_layer(layer, input_shapes, output)
        if reason:
            raise LayerMismatchError(layer, reason)
    for source in sources:
        if source.layer in shapes:
            check_feature_shape(layers, source, shapes[source.layer], is_named=is_named)


def check_feature_shape(
    layers: Mapping[str, Layer], source: FeatureSource, shape: Shape, *, is_named: bool
) -> None:
    """Check that the output of a layer can be a row or a part of it: it has one axis, or is pooled.

    Args:
        layers: the layers by their names.
        source: the layer whose output is the row or a part of it.
        shape: the shape of that output, without the batch.
        is_named: whether the config names the layer in `features`.

    Raises:
        LayerMismatchError: the output has more than one axis, so a Flatten or a pooling is missing; or it
            cannot be pooled.
    """
    layer = layers[source.layer]
    if source.statistics:
        reason = source.find_mismatch(shape)
        if reason:
            raise LayerMismatchError(layer, reason)
        return
    if len(shape) == 1:
        return
    gives = f"gives {format_shape(shape)} for a clip, not one row"
    spatial, dense = _find_unflattened_layers(layers, layer)
    if spatial is not None and dense is not None:
        raise LayerMismatchError(
            dense,
            f"follows {spatial.kind} {spatial.name!r} with no Flatten or pooling between, so the network "
            f"{gives}; put Flatten or GlobalAveragePooling2D between the two",
        )
    suggestion = "put Flatten or GlobalAveragePooling2D after it"
    if is_named:
        suggestion += " and name that layer in features"
    raise LayerMismatchError(layer, f"{gives}; {suggestion}")


def _find_unflattened_layers(
    layers: Mapping[str, Layer], feature_layer: Layer
) -> tuple[Layer | None, Layer | None]:
    """Return the last convolution or pooling before the features, and the first dense layer after it."""
    layer, dense = feature_layer, None
    while True:
        kind = get_layer_kind(layer.kind)
        if kind.is_spatial:
            return layer, dense
        if kind.axis_change is AxisChange.REPLACE_LAST:
            dense = layer
        if layer.inputs[0] not in layers:
            return None, dense
        layer = layers[layer.inputs[0]]


def _describe_path(layer: Layer, layers: Mapping[str, Layer], shapes: Mapping[str, Shape]) -> str:
    """Return the end of a message: the shapes from the spectrogram to a layer, where they change."""
    names = [layer.inputs[0]]
    while names[-1] != INPUT_NAME:
        names.append(layers[names[-1]].inputs[0])
    names.reverse()
    changes = [INPUT_NAME, *(name for before, name in pairwise(names) if shapes[name] != shapes[before])]
    if len(changes) < 3 or len(layer.inputs) > 1 or len(shapes[names[-1]]) == 1:
        return ""
    steps = [f"{name} {format_shape(shapes[name])}" for name in changes]
    if len(steps) > MAX_SHAPES_SHOWN:
        steps = [steps[0], "...", *steps[-MAX_SHAPES_SHOWN + 1 :]]
    return f"; the shapes before it: {', '.join(steps)}"


def find_mismatch(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    """Return why a layer cannot take its inputs, or None if no reason is known without Keras.

    Args:
        layer: the layer.
        shapes: the shapes of its inputs, without the batch.

    Returns:
        A sentence without its subject, which is the layer: "gets ...".
    """
    kind = get_layer_kind(layer.kind)
    if kind.input_axes and len(shapes) == 1 and len(shapes[0]) != kind.input_axes + 1:
        return _describe_wrong_axes(shapes[0], kind.input_axes)
    reason = kind.find_mismatch(layer, shapes) if kind.find_mismatch else None
    return reason or check_weight_count(layer, shapes)


def _describe_wrong_axes(shape: Shape, input_axes: int) -> str:
    """Return the message for an input that has too few or too many axes.

    Args:
        shape: the shape of the input, without the batch.
        input_axes: the number of spatial axes that the layer takes.
    """
    wanted = {1: "frames x channels", 2: "frames x bins x channels"}[input_axes]
    suggestion = ""
    if len(shape) == 1:
        suggestion = "; it follows a Flatten, Dense or global pooling; move it before that layer"
    if len(shape) == input_axes:
        suggestion = f"; the channel axis is missing: put {_format_reshape((*shape, 1))} before it"
    if len(shape) == input_axes + 2:
        suggestion = f"; put {_format_reshape((*shape[:-2], shape[-2] * shape[-1]))} before it"
    return f"gets {describe_axes(shape)}; wanted {input_axes + 1} axes, {wanted}{suggestion}"


def _format_reshape(shape: Shape) -> str:
    return f"Reshape: {{target_shape: [{', '.join(map(str, shape))}]}}"
