"""Limits on the network as a whole: each layer may be small enough by itself, and the network too large.

TensorFlow keeps an output until the last layer that reads it has done so. So a chain of layers needs two
outputs at a time however long it is, while all inputs of a merging layer are there at once.
"""

import math
from collections.abc import Sequence

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import INPUT_NAME, Layer
from specfeat.architecture.shapes import compute_array_shapes
from specfeat.text import format_shape

MAX_OUTPUT_BYTES = 2**34  # of one layer for one batch
MAX_HELD_BYTES = 2**35  # of outputs at once: the input and the output of a layer, each as large as one may be
MAX_PARAMETERS = 2**31  # 8 GiB of float32; the largest published networks for audio have under 2**30

BYTES_PER_VALUE = 4  # float32


def check_output_size(shape: Shape, batch: int) -> str | None:
    """Return why a layer's output for a batch is too large, or None."""
    size = BYTES_PER_VALUE * batch * math.prod(shape)
    if size <= MAX_OUTPUT_BYTES:
        return None
    limit = _format_gib(MAX_OUTPUT_BYTES)
    return f"would give {format_shape(shape)}, {size / 2**30:.0f} GiB for a batch; wanted {limit} or less"


def check_weight_count(layer: Layer, shape: Shape) -> str | None:
    """Return why a layer that gets `shape` has too many weights, or None; asks for no memory."""
    weights = _count_weights(layer, shape)
    if weights <= MAX_PARAMETERS:
        return None
    return f"would have {weights:,} weights; wanted {MAX_PARAMETERS:,} or fewer"


def _count_weights(layer: Layer, shape: Shape) -> int:
    return sum(math.prod(array) for _, array in compute_array_shapes(layer, shape))


class NetworkSize:
    """Counts, layer by layer in the config's order, the weights and the outputs that are held.

    Args:
        layers: all layers of the network.
        batch: the number of clips that go through at once.
        clip: the shape of the network's input, without the batch.
    """

    def __init__(self, layers: Sequence[Layer], batch: int, clip: Shape) -> None:
        self._batch = batch
        self._last_readers = {name: layer.name for layer in layers for name in layer.inputs}
        # The sizes of the outputs that a later layer still reads; _held_bytes is their sum.
        self._held = {INPUT_NAME: BYTES_PER_VALUE * batch * math.prod(clip)}
        self._held_bytes = self._held[INPUT_NAME]
        self._weights: dict[str, int] = {}
        self._weight_count = 0

    def add_layer(self, layer: Layer, input_shape: Shape, output: Shape | None) -> str | None:
        """Count a layer that is small enough by itself.

        Args:
            layer: the next layer.
            input_shape: the shape of its first input, without the batch.
            output: the shape of its output; None where only Keras knows it.

        Returns:
            Why the network is too large with this layer, or None.
        """
        reason = self._add_weights(layer, input_shape)
        return reason or (self._add_output(layer, output) if output is not None else None)

    def _add_weights(self, layer: Layer, input_shape: Shape) -> str | None:
        self._weights[layer.name] = _count_weights(layer, input_shape)
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
            total, most, limit = map(_format_gib, (self._held_bytes, self._held[largest], MAX_HELD_BYTES))
            return (
                f"needs {len(self._held)} outputs in memory at once, {total} for a batch of {self._batch:,} "
                f"(the largest is {largest!r}, {most}); wanted {limit} or less: use a smaller model.batch or "
                "fewer branches"
            )
        for name in {*layer.inputs, layer.name}:
            if self._last_readers.get(name, layer.name) == layer.name:  # no later layer reads it
                self._held_bytes -= self._held.pop(name, 0)
        return None


def _format_gib(size: int) -> str:
    return f"{size / 2**30:,.3g} GiB"
