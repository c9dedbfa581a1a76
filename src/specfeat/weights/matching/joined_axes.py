"""Puts an axis into which PyTorch has joined several axes into Keras' order."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.matching.axis_order import SAME_ORDER, AxisOrder
from specfeat.weights.matching.slots import Slot


def move_channels_last(values: NDArray[Any], slot: Slot, order: AxisOrder) -> NDArray[Any]:
    """Reorder the first axis from PyTorch's order (channels, frames, bins) to (frames, bins, channels).

    Only an axis into which several axes were joined has another order in PyTorch.

    Raises:
        WeightsError: PyTorch's order cannot be known.
    """
    if order == SAME_ORDER or values.shape[:1] in ((), (1,)):
        return values
    if order.joined_shape is None:
        raise make_order_error(slot)
    if values.shape[0] != math.prod(order.joined_shape):
        return values  # the size is wrong, and the caller reports both shapes
    *spatial, channels = order.joined_shape
    separate = values.reshape(channels, *spatial, *values.shape[1:])
    return np.moveaxis(separate, 0, len(spatial)).reshape(values.shape)


def make_order_error(slot: Slot) -> WeightsError:
    """Return the error for a slot whose rows may have another order in the file."""
    if slot.channels_last_order == SAME_ORDER:
        return WeightsError(
            f"{slot.name} reads axes that the config joins with the channels last, while PyTorch has the "
            "channels first; if the PyTorch program moved its channels to the last axis before it joined the "
            "axes, set flatten: channels_last; if not, join the axes by one Flatten, or put a Permute to "
            "channels first directly before it"
        )
    return WeightsError(
        f"{slot.name} reads axes that the config joins in another order than PyTorch (channels, frames, "
        "bins), so the order of its rows cannot be known; join the axes by one Flatten, put a Permute to "
        "channels first directly before it, or convert the file with the rows in Keras' order"
    )
