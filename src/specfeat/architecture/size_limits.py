"""Limits the sizes of layers and of the whole network, which may be too large although each layer is small.

TensorFlow keeps an output until the last layer that reads it has run. Therefore a chain of layers, of any
length, needs two outputs in memory at a time. But all inputs of a merging layer are in memory at once.
"""

import math
from collections.abc import Sequence

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import INPUT_NAME, Layer
from specfeat.architecture.shapes import compute_array_shapes, compute_score_shape
from specfeat.text import format_shape

MAX_OUTPUT_BYTES = 2**34  # of one layer for one batch
MAX_HELD_BYTES = 2**35  # of all outputs in memory at once: twice MAX_OUTPUT_BYTES, for an input and an output
MAX_PARAMETERS = 2**31  # 8 GiB of float32; the largest published networks for audio have under 2**30

BYTES_PER_VALUE = 4  # float32


def check_output_size(shape: Shape, batch: int) -> str | None:
    """Return why the output of a layer is too large for a batch, or None.

    Args:
        shape: the shape of the output, without the batch.
        batch: the number of clips in a batch.
    """
    size = BYTES_PER_VALUE * batch * math.prod(shape)
    if size <= MAX_OUTPUT_BYTES:
        return None
    limit = _format_gib(MAX_OUTPUT_BYTES)
    return f"would give {format_shape(shape)}, {size / 2**30:.0f} GiB for a batch; wanted {limit} or less"


def check_score_size(layer: Layer, shapes: Sequence[Shape], batch: int) -> str | None:
    """Return why the scores of an attention layer are too large for a batch; None if they are not.

    Args:
        layer: any layer.
        shapes: the shapes of its inputs, without the batch.
        batch: the number of clips in a batch.
    """
    score_shape = compute_score_shape(layer, shapes)
    size = BYTES_PER_VALUE * batch * math.prod(score_shape or (0,))
    if score_shape is None or size <= MAX_OUTPUT_BYTES:
        return None
    return (
        f"would compare all frames with all frames in an array of {format_shape(score_shape)} for each clip, "
        f"{size / 2**30:.0f} GiB for a batch; wanted {_format_gib(MAX_OUTPUT_BYTES)} or less: use a smaller "
        "model.batch, shorter clips, or a pooling along the frames before it"
    )


def check_weight_count(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    """Return why a layer has too many weights for its inputs, or None; this only computes with shapes.

    Args:
        layer: the layer.
        shapes: the shapes of its inputs, without the batch.
    """
    weights = _count_weights(layer, shapes)
    if weights <= MAX_PARAMETERS:
        return None
    return f"would have {weights:,} weights; wanted {MAX_PARAMETERS:,} or fewer"


def _count_weights(layer: Layer, shapes: Sequence[Shape]) -> int:
    return sum(math.prod(array) for _, array in compute_array_shapes(layer, shapes))


class NetworkSize:
    """Counts the weights and the outputs in memory while the layers are added in the config's order.

    Args:
        layers: all layers of the network.
        batch: the number of clips in a batch.
        input_shape: the shape of the network's input, without the batch.
    """

    def __init__(self, layers: Sequence[Layer], batch: int, input_shape: Shape) -> None:
        self._batch = batch
        # The last layer that reads each output. A later layer replaces an earlier one in this dict.
        self._last_readers = {name: layer.name for layer in layers for name in layer.inputs}
        # The bytes of each output that a later layer still reads; _held_bytes is their sum.
        self._held = {INPUT_NAME: BYTES_PER_VALUE * batch * math.prod(input_shape)}
        self._held_bytes = self._held[INPUT_NAME]
        self._weights: dict[str, int] = {}
        self._weight_count = 0

    def add_layer(self, layer: Layer, shapes: Sequence[Shape], output: Shape | None) -> str | None:
        """Count the next layer, whose own size has been checked before.

        Args:
            layer: the next layer.
            shapes: the shapes of its inputs, without the batch.
            output: the shape of its output, without the batch; None if only Keras knows it.

        Returns:
            Why the network is too large with this layer, or None.
        """
        reason = self._add_weights(layer, shapes)
        return reason or (self._add_output(layer, output) if output is not None else None)

    def _add_weights(self, layer: Layer, shapes: Sequence[Shape]) -> str | None:
        self._weights[layer.name] = _count_weights(layer, shapes)
        self._weight_count += self._weights[layer.name]
        if self._weight_count <= MAX_PARAMETERS:
            return None
        largest = max(self._weights, key=lambda name: self._weights[name])
        return (
            f"brings the network to {self._weight_count:,} weights, {self._weights[largest]:,} of them in "
            f"{largest!r}; wanted {MAX_PARAMETERS:,} or fewer in all"
        )

    def _add_output(self, layer: Layer, output: Shape) -> str | None:
        self._held[layer.name] = BYTES_PER_VALUE * self._batch * math.prod(output)
        self._held_bytes += self._held[layer.name]
        if self._held_bytes > MAX_HELD_BYTES:
            largest = max(self._held, key=lambda name: self._held[name])
            sizes = (self._held_bytes, self._held[largest], MAX_HELD_BYTES)
            total, largest_size, limit = map(_format_gib, sizes)
            return (
                f"needs {len(self._held)} outputs in memory at once, {total} for a batch of {self._batch:,} "
                f"(the largest is {largest!r}, {largest_size}); wanted {limit} or less: use a "
                "smaller model.batch or fewer branches"
            )
        for name in {*layer.inputs, layer.name}:
            if self._last_readers.get(name, layer.name) == layer.name:  # no later layer reads it
                self._held_bytes -= self._held.pop(name, 0)
        return None


def _format_gib(size: int) -> str:
    return f"{size / 2**30:,.3g} GiB"
