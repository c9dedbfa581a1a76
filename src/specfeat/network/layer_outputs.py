"""Computes the output of any layer of a network, for looking at it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.graph import to_keras_name
from specfeat.errors import UsageError
from specfeat.network.build import Network
from specfeat.tensorflow_runtime import keras
from specfeat.text import suggest_name


def compute_layer_output(network: Network, layer: str, clip: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the output of one layer for one clip, without the axis of the batch.

    The layer computes as the config describes it. For features, batch normalisations are folded into the
    layers before them, so the last bits can differ.

    Args:
        network: the network.
        layer: the name of the layer in the config, or a name of a layer of an application.
        clip: float32, shape `Network.input_shape`.

    Raises:
        UsageError: the network has no such layer.
    """
    names = [one.name for one in network.layers]
    if layer not in names:
        hint = suggest_name(layer, names) or f"; its layers are {', '.join(names[:12])} ..."
        raise UsageError(f"the network has no layer {layer!r}{hint}")
    output = network.model.get_layer(to_keras_name(layer)).output
    values: Any = keras.Model(network.model.inputs[0], output)(clip[np.newaxis], training=False)
    return np.asarray(values[0], np.float32)
