"""Rearranges the axes of an array from the order of the program that wrote it into Keras' order.

    convolution     Keras, TensorFlow   height, width, in, out
                    PyTorch             out, in, height, width
                    TFLite              out, height, width, in
                    ONNX                out, in, height, width
    depthwise       Keras, TensorFlow   height, width, in, multiplier
                    PyTorch             in x multiplier, 1, height, width
                    TFLite              1, height, width, in x multiplier
                    ONNX                in x multiplier, 1, height, width
    transposed      Keras, TensorFlow   height, width, out, in
                    PyTorch, ONNX       in, out, height, width
                    TFLite              out, height, width, in
    attention       Keras, TensorFlow   in, heads, values; heads, values, out
                    PyTorch             heads x values, in; out, heads x values
    dense           Keras, TensorFlow   in, out
                    PyTorch, TFLite     out, in
                    ONNX                in, out (MatMul) or out, in (Gemm)

PyTorch and ONNX have no class for a depthwise convolution. There it is a convolution with one group for each
channel.
"""

import math
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.kinds.base import KernelLayout
from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileArray, Shape
from specfeat.weights.matching.axis_order import SAME_ORDER, UNKNOWN_ORDER, AxisOrder
from specfeat.weights.matching.joined_axes import make_order_error, move_channels_last
from specfeat.weights.matching.kernel_slots import (
    get_kernel_layout,
    is_conv1d_kernel,
    is_dense_kernel,
    is_depthwise_kernel,
    is_projection_bias,
    is_transposed_kernel,
)
from specfeat.weights.matching.slots import Slot


def compute_arranged_shape(array: FileArray, slot: Slot) -> Shape:
    """Return the shape that an array will have in Keras' order, without reading its values.

    If the array has another number of values than the slot, or too few axes, this is its shape in the file.

    Raises:
        WeightsError: the order of the file's axes cannot be known.
    """
    if array.size != math.prod(slot.shape):
        return array.shape
    try:
        # The array that broadcast_to returns has strides of 0. It takes no memory, even if the file declares
        # a huge shape.
        return arrange_axes(np.broadcast_to(np.float32(0), array.shape), array, slot).shape
    except ValueError:  # too few axes to be rearranged
        return array.shape


def arrange_axes(values: NDArray[Any], array: FileArray, slot: Slot) -> NDArray[Any]:
    """Return the values of an array with their axes in Keras' order.

    The shape of the result is that of the slot, if the array fits the slot; otherwise it may be any shape.

    Args:
        values: the values, in the shape of `array`.
        array: the array of the file.
        slot: the slot that the values are for.

    Raises:
        WeightsError: the order of the file's axes cannot be known.
        ValueError: the array has too few axes, or axes that the kernel of the slot's layer cannot have.
    """
    if array.layout == "tflite":
        return _arrange_tflite(values, slot)
    order = _find_order(array, slot)
    if array.layout in ("onnx", "matmul"):
        return _arrange_onnx(values, array, slot, order)
    if slot.role == "alpha" and values.ndim == 1 and array.layout != "keras":
        return _arrange_slopes(values, slot, order)
    if array.layout == "torch":
        return _arrange_torch(values, slot, order)
    if array.layout == "unclear" and values.ndim > 1:
        return _arrange_by_shape(values, array, slot)
    if is_conv1d_kernel(slot) and values.ndim == 4 and values.shape[1] == 1:
        return values[:, 0]  # Keras 1 had a second spatial axis of size 1
    return values


def _arrange_by_shape(values: NDArray[Any], array: FileArray, slot: Slot) -> NDArray[Any]:
    """Rearrange an array whose file does not say which program's order it has: the shape decides.

    Raises:
        WeightsError: the shape fits in both orders.
    """
    fits_as_keras, fits_as_torch = values.shape == slot.shape, False
    with suppress(ValueError):
        fits_as_torch = _arrange_torch(values, slot, slot.axis_order).shape == slot.shape
    # After joined axes, PyTorch has the rows of a kernel in another order. The shape does not show that.
    is_ambiguous = fits_as_torch and (fits_as_keras or slot.axis_order != SAME_ORDER)
    if is_ambiguous and values.size > 1:
        raise WeightsError(
            f"{array.name} fits {slot.name} in PyTorch's order of axes and in Keras', and its name does not "
            "say which; rename it to .../kernel if it is in Keras' order, or save the file as .safetensors"
        )
    return _arrange_torch(values, slot, slot.axis_order) if fits_as_torch else values


def _arrange_slopes(values: NDArray[Any], slot: Slot, order: AxisOrder) -> NDArray[Any]:
    """Rearrange the slopes of a PReLU.

    PyTorch has one slope of a PReLU for each channel. Keras has one for each frame, bin and channel, or one
    for each channel in an array of (1, 1, channels) if `shared_axes` is [1, 2].
    """
    slopes = move_channels_last(values, slot, order)
    return slopes.reshape(slot.shape) if slot.shape[-1] == values.size else slopes


def _arrange_torch(values: NDArray[Any], slot: Slot, order: AxisOrder) -> NDArray[Any]:
    """Rearrange an array from PyTorch's axes.

    Args:
        values: the values.
        slot: the slot.
        order: the order of the numbers along the axis that the layer reads.
    """
    if "kernel" not in slot.role:
        if slot.part_role == "bias":
            # A bias has one value for each output of its layer. Only the arrays of a norm belong to its
            # input.
            return values.reshape(slot.shape) if is_projection_bias(slot) else values
        return move_channels_last(values, slot, order)
    if get_kernel_layout(slot) in (KernelLayout.PROJECTION, KernelLayout.JOINED_HEADS):
        return _split_heads(values, slot, order)
    if is_dense_kernel(slot):
        return move_channels_last(values.T, slot, order)
    if get_kernel_layout(slot) is KernelLayout.RECURRENT:
        return values.T
    if order != SAME_ORDER:
        raise make_order_error(slot)
    if is_depthwise_kernel(slot):
        *spatial, channels, multiplier = slot.shape
        _check_shape(values, (channels * multiplier, 1, *spatial))
        return np.moveaxis(values.reshape(channels, multiplier, *spatial), (0, 1), (-2, -1))
    # The first two axes, (out, in) or of a transposed convolution (in, out), come last in Keras, exchanged.
    return np.moveaxis(values, (0, 1), (-1, -2))


def _split_heads(values: NDArray[Any], slot: Slot, order: AxisOrder) -> NDArray[Any]:
    """Rearrange a kernel of an attention layer, in which PyTorch has one axis for heads and their values."""
    if get_kernel_layout(slot) is KernelLayout.JOINED_HEADS:
        _check_shape(values, (slot.shape[-1], math.prod(slot.shape[:-1])))
        return values.T.reshape(slot.shape)
    _check_shape(values, (math.prod(slot.shape[1:]), slot.shape[0]))
    return move_channels_last(values.T, slot, order).reshape(slot.shape)


def _arrange_onnx(values: NDArray[Any], array: FileArray, slot: Slot, order: AxisOrder) -> NDArray[Any]:
    """Rearrange an array from ONNX's axes, which are PyTorch's with these exceptions.

    A matrix product has in, out. A convolution along one axis may run along two, the first of size 1. One
    number for each channel may have axes of size 1 around it.
    """
    if array.layout == "matmul":
        values = values.T
    if "kernel" in slot.role:
        if values.ndim == len(slot.shape) + 1 and values.shape[2] == 1:
            values = values[:, :, 0]
    elif values.size == max(values.shape, default=0):
        values = values.reshape(-1)
    if slot.role == "alpha" and values.ndim == 1:
        return _arrange_slopes(values, slot, order)
    return _arrange_torch(values, slot, order)


def _find_order(array: FileArray, slot: Slot) -> AxisOrder:
    """Return the order of the numbers along the axis that a layer reads, as the file's program joined axes.

    Raises:
        WeightsError: the layer reads axes that were joined, and the graph does not show their order.
    """
    if array.joined_axes == "" or slot.part_role == "bias":
        return slot.axis_order  # a bias belongs to the outputs of its layer
    if array.joined_axes == "channels_first":
        order = slot.channels_first_order
    elif array.joined_axes == "channels_last":
        order = slot.channels_last_order
    else:
        orders = {slot.channels_first_order, slot.channels_last_order}
        order = SAME_ORDER if orders == {SAME_ORDER} else UNKNOWN_ORDER
    if not order.is_known:
        raise WeightsError(
            f"{slot.name} reads axes that the config joins, and the graph in the file does not show that it "
            "joins them in the same order; use the same Permute and Flatten as the program, or the weights "
            "in the format of the program that trained them"
        )
    return order


def _arrange_tflite(values: NDArray[Any], slot: Slot) -> NDArray[Any]:
    if "kernel" not in slot.role:
        # A norm that was not folded is a multiplication and an addition in the file. Their constants may have
        # additional first axes of size 1.
        is_extended = values.shape == (1,) * (values.ndim - len(slot.shape)) + slot.shape
        return values.reshape(slot.shape) if is_extended else values
    if is_dense_kernel(slot):
        return values.T
    if is_depthwise_kernel(slot):
        *spatial, channels, multiplier = slot.shape
        _check_shape(values, (1, *([1] if len(spatial) == 1 else []), *spatial, channels * multiplier))
        return values.reshape(slot.shape)
    out_axis = -2 if is_transposed_kernel(slot) else -1
    if len(slot.shape) == 3:  # one spatial axis; TFLite adds another one of size 1 before it
        _check_shape(values, (values.shape[0], 1, *values.shape[2:]))
        return np.moveaxis(values[:, 0], 0, out_axis)
    return np.moveaxis(values, 0, out_axis)


def _check_shape(values: NDArray[Any], shape: Shape) -> None:
    """Check the shape before a reshape, which would accept every kernel with the same number of values."""
    if values.shape != shape:
        raise ValueError(shape)
