"""Which slots are kernels, and of which kind of layer."""

from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.kinds.base import KernelLayout
from specfeat.weights.matching.slots import Slot


def get_kernel_layout(slot: Slot) -> KernelLayout | None:
    """Return what the axes of a slot mean if it is a kernel; else None."""
    return get_layer_kind(slot.kind).get_kernel_layout(slot.role)


def is_dense_kernel(slot: Slot) -> bool:
    """Return whether a slot is the kernel of a dense layer."""
    return get_kernel_layout(slot) is KernelLayout.DENSE


def is_depthwise_kernel(slot: Slot) -> bool:
    """Return whether a slot is the kernel of a depthwise convolution, alone or within a separable one."""
    return get_kernel_layout(slot) is KernelLayout.DEPTHWISE


def is_transposed_kernel(slot: Slot) -> bool:
    """Return whether a slot is the kernel of a transposed convolution."""
    return get_kernel_layout(slot) is KernelLayout.TRANSPOSED


def is_projection_bias(slot: Slot) -> bool:
    """Return whether a slot is the bias of a projection to heads, which has two axes in Keras."""
    layout = get_layer_kind(slot.kind).get_kernel_layout(f"{slot.part}/kernel")
    return layout is KernelLayout.PROJECTION


def is_conv1d_kernel(slot: Slot) -> bool:
    """Return whether a slot is the kernel of a convolution along one axis."""
    return get_kernel_layout(slot) is KernelLayout.CONVOLUTION and len(slot.shape) == 3
