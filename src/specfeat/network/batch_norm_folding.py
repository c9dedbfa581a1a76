"""Batch norms folded into the layer before them: the same function of the clip, with less to compute.

At rest a batch norm is `g x + (beta - mean g)` with `g = gamma / sqrt(variance + epsilon)`, channel by
channel; a convolution or a dense layer before it can have `g` in its kernel and the rest in its bias.
Keras runs a batch norm as multiplications and additions of their own, which TensorFlow does not fuse.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.graph import INPUT_NAME, Layer, to_keras_name
from specfeat.architecture.kinds import get_layer_kind
from specfeat.tensorflow_runtime import keras

Double = NDArray[np.float64]


def fold_batch_norms(layers: tuple[Layer, ...], model: Any, feature: str) -> Any:
    """Return a model from the clip to the features, its batch norms folded where that is exact.

    Args:
        layers: of the config, in order.
        model: the network, its weights set; what is not folded shares its layers.
        feature: the name of the layer whose output is the row.
    """
    wanted = _needed(layers, feature)
    norms = _foldable(wanted, model, feature)
    tensors = {INPUT_NAME: model.inputs[0]}
    for layer in wanted:
        made = _made(model, layer)
        inputs = [tensors[name] for name in layer.inputs]
        if layer.name in norms:
            tensors[layer.name] = _fold(layer, made, _made(model, norms[layer.name]))(inputs[0])
        elif any(norm is layer for norm in norms.values()):
            tensors[layer.name] = inputs[0]
        else:
            tensors[layer.name] = made(inputs if len(inputs) > 1 else inputs[0])
    return keras.Model(tensors[INPUT_NAME], tensors[feature])


def _made(model: Any, layer: Layer) -> Any:
    return model.get_layer(to_keras_name(layer.name))


def _needed(layers: tuple[Layer, ...], feature: str) -> list[Layer]:
    """Keep the layers that the features depend on, in order."""
    needed = {feature}
    for layer in reversed(layers):
        if layer.name in needed:
            needed.update(layer.inputs)
    return [layer for layer in layers if layer.name in needed]


def _foldable(layers: list[Layer], model: Any, feature: str) -> dict[str, Layer]:
    """Find the batch norms that have a layer to go into: its name, and the norm."""
    readers: dict[str, list[Layer]] = {}
    for layer in layers:
        for name in layer.inputs:
            readers.setdefault(name, []).append(layer)
    found = {}
    for layer in layers:
        after = readers.get(layer.name, [])
        if not get_layer_kind(layer.kind).fold_axes or layer.name == feature or len(after) != 1:
            continue
        norm = after[0]
        linear = layer.options.get("activation") in (None, "linear")
        if linear and get_layer_kind(norm.kind).is_foldable and _over_channels(model, norm):
            found[layer.name] = norm
    return found


def _over_channels(model: Any, norm: Layer) -> bool:
    made = _made(model, norm)
    return made.axis in (-1, len(made.input.shape) - 1)


def _fold(layer: Layer, made: Any, norm: Any) -> Any:
    """Return a copy of the layer with the batch norm in its kernel and bias."""
    scale = 1.0 / np.sqrt(_array(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        scale *= _array(norm.gamma)
    shift = -_array(norm.moving_mean) * scale
    if norm.center:
        shift += _array(norm.beta)
    *before, kernel = [_array(variable) for variable in made.weights if variable is not made.bias]
    axes = get_layer_kind(layer.kind).fold_axes
    kernel *= scale.reshape(kernel.shape[axes[0] :])
    bias = shift if made.bias is None else shift + scale * _array(made.bias)
    copy = type(made).from_config({**made.get_config(), "use_bias": True, "name": f"{made.name}>folded"})
    copy.build(made.input.shape)
    copy.set_weights([array.astype(np.float32) for array in (*before, kernel, bias)])
    return copy


def _array(variable: Any) -> Double:
    return np.asarray(variable.value, np.float64)
