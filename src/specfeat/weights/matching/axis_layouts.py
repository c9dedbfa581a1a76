"""From a file's axes to Keras': the transposes that each framework's kernels need.

Keras and TensorFlow store a convolution as (height, width, in, out), a depthwise one as (height, width,
in, multiplier), a dense layer as (in, out). PyTorch: (out, in, height, width), the depthwise one as a
grouped convolution (in x multiplier, 1, height, width), and (out, in). TFLite: (out, height, width, in),
(1, height, width, in x multiplier), (out, in).
"""

import math
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.kinds.base import KernelLayout
from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileArray, Shape
from specfeat.weights.matching.slots import Slot


def compute_arranged_shape(array: FileArray, slot: Slot) -> Shape:
    """The shape that the array will have in the network's axes, found without reading it."""
    if array.size != math.prod(slot.shape):
        return array.shape
    try:
        # One number that strides of zero spread over the shape: no memory, whatever the file says.
        return arrange_axes(np.broadcast_to(np.float32(0), array.shape), array, slot).shape
    except ValueError:  # too few axes to be transposed
        return array.shape


def arrange_axes(values: NDArray[Any], array: FileArray, slot: Slot) -> NDArray[Any]:
    """Put the values of the file's array into the order of the network's axes.

    Raises:
        WeightsError: the order of the file's axes cannot be told.
        ValueError: too few axes, or others than the layer's.
    """
    if array.layout == "tflite":
        return _from_tflite(values, slot)
    if slot.role == "alpha" and values.ndim == 1 and array.layout != "keras":
        slopes = _channels_last(values, slot, 0)
        return slopes.reshape(slot.shape) if slot.shape[-1] == values.size else slopes
    if array.layout == "torch":
        return _from_torch(values, slot)
    if array.layout == "unclear" and values.ndim > 1:
        return _from_either(values, array, slot)
    if _is_conv1d(slot) and values.ndim == 4 and values.shape[1] == 1:
        return values[:, 0]  # Keras 1 kept a second axis of 1
    return values


def _from_either(values: NDArray[Any], array: FileArray, slot: Slot) -> NDArray[Any]:
    """Where the file does not say whose axes these are, their lengths must."""
    is_keras, is_torch = values.shape == slot.shape, False
    with suppress(ValueError):
        is_torch = _from_torch(values, slot).shape == slot.shape
    if is_torch and (is_keras or slot.reads is not None) and values.size > 1:
        raise WeightsError(
            f"{array.name} fits {slot.name} in PyTorch's order of axes and in Keras', and its name does not "
            "say which; rename it to .../kernel if it is in Keras', or save the file as .safetensors"
        )
    return _from_torch(values, slot) if is_torch else values


def _from_torch(values: NDArray[Any], slot: Slot) -> NDArray[Any]:
    if "kernel" not in slot.role:  # a bias goes along what comes out, a norm along what it reads
        return values if slot.role == "bias" else _channels_last(values, slot, 0)
    if _get_layout(slot) is KernelLayout.DENSE:
        return _channels_last(values.T, slot, 0)
    if slot.reads is not None:
        raise _cannot_be_told(slot)
    if _get_layout(slot) is KernelLayout.DEPTHWISE:
        *spatial, channels, multiplier = slot.shape
        _check(values, (channels * multiplier, 1, *spatial))
        return np.moveaxis(values.reshape(channels, multiplier, *spatial), (0, 1), (-2, -1))
    return np.moveaxis(values, (0, 1), (-1, -2))


def _from_tflite(values: NDArray[Any], slot: Slot) -> NDArray[Any]:
    if "kernel" not in slot.role:
        return values
    if _get_layout(slot) is KernelLayout.DENSE:
        return values.T
    if _get_layout(slot) is KernelLayout.DEPTHWISE:
        *spatial, channels, multiplier = slot.shape
        _check(values, (1, *spatial, channels * multiplier))
        return values.reshape(slot.shape)
    if _is_conv1d(slot):
        _check(values, (values.shape[0], 1, *values.shape[2:]))
        return np.moveaxis(values[:, 0], 0, -1)
    return np.moveaxis(values, 0, -1)


def _check(values: NDArray[Any], shape: Shape) -> None:
    """As many numbers in another shape are another kernel: reshaping would hide it."""
    if values.shape != shape:
        raise ValueError(shape)


def _get_layout(slot: Slot) -> KernelLayout | None:
    return get_layer_kind(slot.kind).get_kernel_layout(slot.role)


def _is_conv1d(slot: Slot) -> bool:
    return _get_layout(slot) is KernelLayout.CONVOLUTION and len(slot.shape) == 3


def _channels_last(values: NDArray[Any], slot: Slot, axis: int) -> NDArray[Any]:
    """Reorder what a Flatten made one axis of from (channels, height, width) to (height, width, channels)."""
    shape = slot.reads
    if shape is None or values.shape[axis] == 1:
        return values
    if shape == "mixed":
        raise _cannot_be_told(slot)
    if values.shape[axis] != math.prod(shape):
        return values
    *spatial, channels = shape
    apart = values.reshape(channels, *spatial, *values.shape[1:])
    return np.moveaxis(apart, 0, len(spatial)).reshape(values.shape)


def _cannot_be_told(slot: Slot) -> WeightsError:
    return WeightsError(
        f"{slot.name} reads axes that the config joins in another way than PyTorch's (channels, then frames, "
        "then bins), so the order of its rows cannot be told; join them by one Flatten, or with a Permute to "
        "channels first right before it, or convert the file with the rows in Keras' order"
    )
