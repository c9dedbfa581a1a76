"""Finds the places of a batch at which a clip gets the same row, bit for bit.

TensorFlow may round differently at the end of a batch (see `engines.even_batches`). Where it does, depends on
the processor, the engine and the shapes of the layers. Therefore each network is tested when it is built. The
first test batch takes no extra time, because a network has to run once before the first clips come.
"""

import numpy as np

from specfeat.architecture.axes import Shape
from specfeat.architecture.shapes import UnknownShapeError, count_multiplications
from specfeat.config.settings import Settings
from specfeat.network.engines import RowFunction

# The number of test clips with which the places of a batch are compared, for a light network. Other networks
# are tested with one clip. A network has to run once before the first clips come, so the first test batch
# takes no extra time. Two more take 40 ms with `default`; with a heavy network, they would take seconds.
TEST_CLIPS_OF_LIGHT_NETWORK = 3
# The limit of a light network, for one batch in an average layer with a kernel. `yamnet` has 0.8e8, `default`
# 1.0e8.
LIGHT_MULTIPLICATIONS = 1e8


def choose_test_clips(settings: Settings) -> int:
    """Return the number of clips with which the places of a batch are compared."""
    try:
        is_light = settings.model.batch * count_multiplications(settings.graph) < LIGHT_MULTIPLICATIONS
    except UnknownShapeError:
        is_light = False
    return TEST_CLIPS_OF_LIGHT_NETWORK if is_light else 1


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
