"""Finds the places of a batch at which a clip gets the same row, bit for bit.

TensorFlow may round differently at the end of a batch (see `engines.even_batches`). Where it does, depends on
the processor, the engine and the shapes of the layers. Therefore each network is tested when it is built. The
first test batch takes no extra time, because a network has to run once before the first clips come.
"""

import numpy as np

from specfeat.architecture.axes import Shape
from specfeat.network.engines import RowFunction


def count_equal_places(row_function: RowFunction, batch: int, input_shape: Shape, test_clips: int) -> int:
    """Return how many places, counted from the first, give the same bits as the first one; at least 1.

    All places after these must stay empty. The test has the same clip at every place; the result is also
    valid for batches of different clips, because rounding depends on the place and not on the values at other
    places.

    Args:
        row_function: computes the rows of one batch.
        batch: the number of clips in a batch.
        input_shape: the shape of one clip: (frames, bins, channels).
        test_clips: the number of test batches, each with another clip at all places.
    """
    generator = np.random.default_rng(0)
    places = batch
    for _ in range(test_clips):
        clip = generator.standard_normal(input_shape, np.float32)
        rows = row_function(np.ascontiguousarray(np.broadcast_to(clip, (batch, *input_shape))))
        bits = np.ascontiguousarray(rows).view(np.uint32)
        is_equal = (bits == bits[0]).all(axis=1)
        places = min(places, batch if is_equal.all() else int(is_equal.argmin()))
    return places
