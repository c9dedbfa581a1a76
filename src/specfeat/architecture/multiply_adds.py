"""Counts the multiplications of a network, each of which is followed by an addition."""

import math
from collections.abc import Sequence

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.kinds.base import Family, KernelLayout
from specfeat.architecture.shapes import compute_output_shape


def count_multiply_adds(layer: Layer, shapes: Sequence[Shape]) -> int:
    """Return how often a layer multiplies and adds for one clip.

    The number contains the kernels (convolutions, dense and recurrent layers, the projections of attention)
    and the products of queries, keys and values. It is 0 for all other layers: a batch normalisation is
    folded into the layer before it, and activations, biases and poolings need little time.

    Args:
        layer: the layer.
        shapes: the shapes of its inputs, without the batch; they must fit the layer.

    Returns:
        The number; 0 if only Keras knows the shapes of the layer.
    """
    kind = get_layer_kind(layer.kind)
    output = compute_output_shape(layer, shapes)
    if output is None:
        return 0
    total = kind.count_products(layer.options, shapes) if kind.count_products else 0
    for array in kind.list_arrays(layer.options):
        if array.layout is None:
            continue
        source = shapes[min(array.input_index, len(shapes) - 1)]
        # A transposed convolution multiplies the kernel by each input value, not for each output value.
        is_by_input = kind.family in (Family.RECURRENT, Family.ATTENTION) or (
            array.layout is KernelLayout.TRANSPOSED
        )
        positions = math.prod((source if is_by_input else output)[:-1])
        total += math.prod(array.compute_shape(layer.options, source)) * positions
    return total
