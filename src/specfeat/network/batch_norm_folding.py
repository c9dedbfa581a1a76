"""Folds batch normalisations into the layers before them: the same function of the clip in less time.

In inference mode, a batch normalisation is `g x + (beta - mean g)` for each channel, where `g` is
`gamma / sqrt(variance + epsilon)`. If a convolution or a dense layer is before it, its kernel can be
multiplied by `g`, and the other term can be added to its bias. Without folding, Keras computes separate
multiplications and additions, which TensorFlow does not fuse.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.graph import to_keras_name
from specfeat.architecture.kinds import get_layer_kind
from specfeat.tensorflow_runtime import keras

DoubleArray = NDArray[np.float64]


def fold_batch_norms(model: Any, *feature_layers: str) -> Any:
    """Return a Keras model from clips to rows, in which batch normalisations are folded if that is exact.

    Layers that have no effect on the rows are left out. Layers that are not changed are shared with `model`.

    Args:
        model: the composed Keras model, its weights set.
        feature_layers: the name, in the config, of the layer whose output is the row. With several names, the
            model returns a list of the outputs of these layers.
    """
    names = [to_keras_name(name) for name in feature_layers]
    outputs = [model.get_layer(name).output for name in names]
    extractor = keras.Model(model.inputs[0], outputs if len(outputs) > 1 else outputs[0])
    norms = _find_foldable_norms(extractor, names)
    folded_norm_ids = {id(norm) for norm in norms.values()}

    # `clone_model` calls replace_layer and then call_layer for one layer after the other. A folded norm is
    # not in the new model, because its call returns its input.
    def replace_layer(layer: Any) -> Any:
        return _fold_norm(layer, norms[layer.name]) if layer.name in norms else layer

    def call_layer(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return args[0] if id(layer) in folded_norm_ids else layer(*args, **kwargs)

    return keras.models.clone_model(
        extractor, input_tensors=extractor.input, clone_function=replace_layer, call_function=call_layer
    )


def _find_foldable_norms(extractor: Any, feature_layers: Sequence[str]) -> dict[str, Any]:
    """Return the batch normalisations that can be folded, each by the name of the layer before it.

    Folding is exact only if the layer has no activation, if no other layer reads its output, if this output
    is not a part of the row, and if the normalisation is along the channels.
    """
    readers: dict[int, list[Any]] = {}  # id of a tensor -> the layers that read it
    for layer in extractor.layers:
        for tensor in keras.tree.flatten(layer.input):
            readers.setdefault(id(tensor), []).append(layer)
    norms: dict[str, Any] = {}
    for layer in extractor.layers:
        output_readers = [reader for reader in readers.get(id(layer.output), []) if reader is not layer]
        kind = get_layer_kind(type(layer).__name__)
        if not kind.fold_axes or layer.name in feature_layers or len(output_readers) != 1:
            continue
        norm = output_readers[0]
        is_linear = layer.activation is keras.activations.linear
        if is_linear and get_layer_kind(type(norm).__name__).is_foldable and _is_along_channels(norm):
            norms[layer.name] = norm
    return norms


def _is_along_channels(norm: Any) -> bool:
    return norm.axis in (-1, len(norm.input.shape) - 1)


def _fold_norm(layer: Any, norm: Any) -> Any:
    """Return a copy of a Keras layer whose kernel and bias contain the batch normalisation after it.

    The arithmetic is in float64, so that folding adds at most one rounding to each weight.
    """
    scale = 1.0 / np.sqrt(_read_array(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        scale *= _read_array(norm.gamma)
    shift = -_read_array(norm.moving_mean) * scale
    if norm.center:
        shift += _read_array(norm.beta)
    *other_arrays, kernel = [
        _read_array(variable) for variable in layer.weights if variable is not layer.bias
    ]
    axes = get_layer_kind(type(layer).__name__).fold_axes
    # The fold axes are the last axes of the kernel and together have one index for each channel of `scale`.
    kernel *= scale.reshape(kernel.shape[axes[0] :])
    bias = shift if layer.bias is None else shift + scale * _read_array(layer.bias)
    copy = type(layer).from_config({**layer.get_config(), "use_bias": True, "name": f"{layer.name}>folded"})
    copy.build(layer.input.shape)
    copy.set_weights([array.astype(np.float32) for array in (*other_arrays, kernel, bias)])
    return copy


def _read_array(variable: Any) -> DoubleArray:
    return np.asarray(variable.value, np.float64)
