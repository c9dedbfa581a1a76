"""Adds clips of zeros to the batch for layers in which TensorFlow rounds differently at the end of a batch.

On a CPU, TensorFlow computes in blocks: a matrix product in blocks of rows, and a function such as the
sigmoid in as many values as fit into a vector register. For the remainder at the end, it uses other
instructions, which round differently. Without the added clips, the last bit of a row would depend on the
place of its clip in the batch. (This was measured with TensorFlow 2.21 on an AMD EPYC with AVX2. In a product
of 8 rows and a matrix, the last two rows differed; of the exponentials of 5 rows of 3 values, the last seven
values differed.)

Such a layer gets as many clips of zeros after those of the batch as are needed to make the number of its
values a multiple of the block. Its output is then cut to the batch again. The values of convolutions and
poolings do not need this, because oneDNN adds the terms of each value in the same order.
"""

import math
from typing import Any

from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.kinds.base import Family
from specfeat.tensorflow_runtime import keras

Layer: Any = keras.layers.Layer

# The number of rows of a matrix product must be a multiple of this. With AVX2, no row differed then
# (measured). With AVX-512, it was not measured; `equal_places` finds a difference if there is one.
MATRIX_ROWS = 24
VECTOR_VALUES = 16  # float32 values in the largest vector register, of AVX-512
# A matrix product gets more rows only if their multiplications are at most this share of those of the
# network, or at most this number (about 0.1 ms). Otherwise it stays as it is, and `equal_places` finds the
# places that differ.
MAX_ADDED_SHARE = 0.03
MAX_ADDED_MULTIPLICATIONS = 5e6

_MATRIX_FAMILIES = (Family.DENSE, Family.RECURRENT, Family.ATTENTION)  # layers that are products of matrices
_EVEN_FAMILIES = (*_MATRIX_FAMILIES, Family.NORMALIZATION, Family.ACTIVATION)
_EXACT_ACTIVATIONS = ("linear", "relu", "relu6", "leaky_relu")  # comparisons and single multiplications


class _PaddedCall(Layer):
    """Calls a layer or a function on a batch with clips of zeros after it, and cuts its output to the batch.

    Args:
        function: the layer, or the activation function.
        batch: the number of clips in a batch.
        padding: the number of clips to add.
        name: the name of the layer. ">padded" is added to it; names in a config do not contain ">".
    """

    def __init__(self, function: Any, batch: int, padding: int, name: str) -> None:
        super().__init__(name=f"{name}>padded", dtype="float32")
        self._function = function
        self._batch = batch
        self._padding = padding

    def call(self, clips: Any) -> Any:
        """Return the output of the function for the clips of the batch, or for a list of such inputs."""
        return self._function(keras.tree.map_structure(self._add_zeros, clips))[: self._batch]

    def _add_zeros(self, clips: Any) -> Any:
        return keras.ops.pad(clips, [[0, self._padding], *([0, 0] for _ in clips.shape[1:])])


def pad_uneven_layers(model: Any, batch: int) -> Any:
    """Return the same network, with clips of zeros added to the batch before each layer that needs it.

    A convolution that ends in an activation such as the sigmoid is split: the convolution runs on the batch,
    and only the activation runs on the batch with added clips.

    Args:
        model: a functional Keras model, its weights set; its layers are shared with the result.
        batch: the number of clips in a batch.
    """
    total = batch * sum(_count_multiplications(layer) for layer in model.layers)
    activations: dict[str, Any] = {}  # of the convolutions that were split, by the layer's name

    # `clone_model` calls split_layer and then call_layer for one layer after the other.
    def split_layer(layer: Any) -> Any:
        if not _has_uneven_activation(layer, batch):
            return layer
        activations[layer.name] = layer.activation
        return _remove_activation(layer)

    def call_layer(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if layer.name in activations:
            values = layer(*args, **kwargs)
            padding = -batch % _compute_step(math.prod(values.shape[1:]), VECTOR_VALUES)
            return _PaddedCall(activations[layer.name], batch, padding, layer.name)(values)
        padding = _compute_padding(layer, batch, total)
        if not padding:
            return layer(*args, **kwargs)
        return _PaddedCall(layer, batch, padding, layer.name)(args[0])

    clips = keras.Input(batch_shape=(batch, *model.input.shape[1:]))
    return keras.models.clone_model(
        model, input_tensors=clips, clone_function=split_layer, call_function=call_layer
    )


def count_convolution_places(model: Any) -> int:
    """Return how many clips at the end of a batch may have rows in the last block of a matrix product.

    This is for convolutions that are computed as products of matrices with one row for each output position,
    or of a transposed convolution with one row for each input position.
    """
    kinds = ((layer, get_layer_kind(type(layer).__name__)) for layer in model.layers)
    positions = [
        min(math.prod(tensor.shape[1:-1]) for tensor in (layer.input, layer.output))
        for layer, kind in kinds
        if kind.family is Family.CONVOLUTION
    ]
    return math.ceil((MATRIX_ROWS - 1) / min(positions)) if positions else 0


def _compute_padding(layer: Any, batch: int, total: int) -> int:
    """Return the number of clips to add to the batch for a layer.

    Args:
        layer: a layer of the network.
        batch: the number of clips in a batch.
        total: the number of multiplications of the whole network for one batch.
    """
    family = get_layer_kind(type(layer).__name__).family
    if family not in _EVEN_FAMILIES:
        return 0
    step = 1 if _is_exact(layer) else _compute_step(_count_values(layer), VECTOR_VALUES)
    if family in _MATRIX_FAMILIES:
        matrix_step = math.lcm(step, *(_compute_step(rows, MATRIX_ROWS) for rows in _list_rows(layer)))
        added = (-batch % matrix_step) * _count_multiplications(layer)
        if added <= max(MAX_ADDED_SHARE * total, MAX_ADDED_MULTIPLICATIONS):
            step = matrix_step
    return -batch % step


def _list_rows(layer: Any) -> list[int]:
    """Return the numbers of rows that the matrix products of a layer have for one clip."""
    if get_layer_kind(type(layer).__name__).family is Family.RECURRENT:
        return [1]  # one frame of each clip at a time
    return [math.prod(tensor.shape[1:-1]) for tensor in keras.tree.flatten(layer.input)]


def _count_scores(layer: Any) -> int:
    """Return how many scores an attention layer computes for one clip: one for two frames and each head."""
    query, *others = keras.tree.flatten(layer.input)
    return int(getattr(layer, "num_heads", 1) * query.shape[1] * [query, *others][-1].shape[1])


def _count_values(layer: Any) -> int:
    """Return, for one clip, the size of the smallest array whose values a layer computes by an approximation.

    A layer that divides by a norm, a deviation or a sum computes one of these for each group of values. If
    the groups are not along the last axis, 1 is returned, which is always safe.
    """
    shape = layer.output.shape[1:]
    kind = get_layer_kind(type(layer).__name__)
    if kind.family is Family.RECURRENT:
        return int(getattr(layer, "forward_layer", layer).units)  # of one frame
    if kind.family is Family.ATTENTION:  # the sums of the softmax; there are more of all other values
        return int(getattr(layer, "num_heads", 1) * shape[0])
    is_softmax = _get_function_name(layer) in ("softmax", "log_softmax")
    if not is_softmax and (kind.family is not Family.NORMALIZATION or kind.is_foldable):
        return math.prod(shape)
    return math.prod(shape[:-1]) if getattr(layer, "axis", -1) in (-1, [-1], (-1,), len(shape)) else 1


def _compute_step(values: int, divisor: int) -> int:
    """Return the smallest number of clips of which the number of all values is a multiple of the divisor.

    Args:
        values: the number of values of one clip.
        divisor: the size of the block.
    """
    return divisor // math.gcd(values, divisor)


def _get_function_name(layer: Any) -> str:
    """Return Keras' name of the activation that a layer has or is, e.g. "relu"; "" if there is none."""
    if hasattr(layer, "activation"):
        return str(getattr(layer.activation, "__name__", ""))
    return get_layer_kind(type(layer).__name__).activation


def _is_exact(layer: Any) -> bool:
    """Return whether a layer computes no value by an approximation; its matrix product does not count."""
    # The gates of a recurrent layer have another function than its `activation`.
    family = get_layer_kind(type(layer).__name__).family
    is_approximate = family in (Family.NORMALIZATION, Family.RECURRENT, Family.ATTENTION)
    return not is_approximate and _get_function_name(layer) in _EXACT_ACTIVATIONS


def _has_uneven_activation(layer: Any, batch: int) -> bool:
    """Return whether a layer is a convolution whose activation leaves a remainder at the end of a batch."""
    is_convolution = get_layer_kind(type(layer).__name__).family is Family.CONVOLUTION
    if not is_convolution or getattr(layer, "activation", None) is None or _is_exact(layer):
        return False
    return bool(batch * math.prod(layer.output.shape[1:]) % VECTOR_VALUES)


def _remove_activation(layer: Any) -> Any:
    copy = type(layer).from_config({**layer.get_config(), "activation": None})
    copy.build(layer.input.shape)
    copy.set_weights(layer.get_weights())
    return copy


def _count_multiplications(layer: Any) -> int:
    """Return the multiplications of one clip in a layer that multiplies by kernels; 0 for other layers."""
    kind = get_layer_kind(type(layer).__name__)
    if kind.family is not Family.CONVOLUTION and kind.family not in _MATRIX_FAMILIES:
        return 0
    inputs = keras.tree.flatten(layer.input)
    positions = kind.count_positions(inputs[0].shape[1:], layer.output.shape[1:])
    count = positions * sum(math.prod(weight.shape) for weight in layer.weights if len(weight.shape) > 1)
    if kind.family is Family.ATTENTION:  # the scores, and the means with the scores as weights
        count += 2 * _count_scores(layer) * getattr(layer, "key_dim", inputs[0].shape[-1])
    return int(count)
