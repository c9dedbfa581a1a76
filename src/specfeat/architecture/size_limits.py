"""What the layers take together: each may fit by itself, and the network not.

An output is held until the last layer that reads it has done so, as TensorFlow holds it: a chain of layers
takes two outputs at a time however long it is, and what a merging layer joins is all there at once.
"""

import math
from collections.abc import Sequence

from specfeat.architecture.graph import INPUT_NAME, Layer, Shape
from specfeat.architecture.shapes import compute_array_shapes

MAX_HELD_BYTES = 2**35  # of outputs at once: the input and the output of a layer, each as large as one may be
MAX_PARAMETERS = 2**31  # 8 GiB of float32; the largest published networks for audio have under 2**30


class NetworkSize:
    """Counts, layer by layer in the config's order, the weights and the outputs that are held.

    Args:
        layers: of the network.
        batch: clips that go through at once.
        clip: the shape of the network's input.
    """

    def __init__(self, layers: Sequence[Layer], batch: int, clip: Shape) -> None:
        self._batch = batch
        self._last = {name: layer.name for layer in layers for name in layer.inputs}
        self._held = {INPUT_NAME: 4 * batch * math.prod(clip)}
        self._bytes = self._held[INPUT_NAME]
        self._weights: dict[str, int] = {}
        self._sum = 0

    def add(self, layer: Layer, given: Shape, output: Shape | None) -> str | None:
        """Take a layer that fits by itself.

        Args:
            layer: the next one.
            given: the shape of its first input, without the batch.
            output: that of its output; None where only Keras knows.

        Returns:
            Why the network is too large with this layer, or None.
        """
        reason = self._too_many(layer, given)
        return reason or (self._too_large(layer, output) if output is not None else None)

    def _too_many(self, layer: Layer, given: Shape) -> str | None:
        self._weights[layer.name] = sum(math.prod(array) for _, array in compute_array_shapes(layer, given))
        self._sum += self._weights[layer.name]
        if self._sum <= MAX_PARAMETERS:
            return None
        largest = max(self._weights, key=lambda name: self._weights[name])
        return (
            f"brings the network to {self._sum:,} weights, {largest!r} having the most, "
            f"{self._weights[largest]:,}; wanted {MAX_PARAMETERS:,} or fewer in all"
        )

    def _too_large(self, layer: Layer, output: Shape) -> str | None:
        self._held[layer.name] = 4 * self._batch * math.prod(output)
        self._bytes += self._held[layer.name]
        if self._bytes > MAX_HELD_BYTES:
            largest = max(self._held, key=lambda name: self._held[name])
            return (
                f"brings what is held at once to {len(self._held)} outputs, {_gib(self._bytes)} for a batch "
                f"of {self._batch:,}, {largest!r} being the largest, {_gib(self._held[largest])}; wanted "
                f"{_gib(MAX_HELD_BYTES)} or less: a smaller model.batch or fewer branches"
            )
        for name in {*layer.inputs, layer.name}:
            if self._last.get(name, layer.name) == layer.name:  # read for the last time, or by nobody
                self._bytes -= self._held.pop(name, 0)
        return None


def _gib(size: int) -> str:
    return f"{size / 2**30:,.3g} GiB"
