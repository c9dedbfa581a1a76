"""Finds the array of a slot among the arrays of one layer of the file: by role, or by number."""

from collections.abc import Container, Mapping, Sequence

from specfeat.architecture.kinds import get_layer_kind
from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.slots import Slot, get_class_name

# If the file's layer has no array with the role of a slot, an array with one of these roles may fill the
# slot. PyTorch calls the shift of a norm "bias". It calls the slopes of a PReLU "weight"; an array of this
# name with one axis counts as gamma. Keras 2 called the kernel of a depthwise convolution "depthwise_kernel".
# PyTorch has a separable convolution as two layers, each with a "kernel".
_OTHER_ROLES = {
    "beta": ("bias",),
    "alpha": ("gamma",),
    "scale": ("gamma",),
    "kernel": ("depthwise_kernel",),
    "depthwise_kernel": ("kernel",),
    "pointwise_kernel": ("kernel",),
}


def find_array(
    slot: Slot,
    layer_slots: Sequence[Slot],
    file_arrays: Mapping[str, FileArray],
    mapped_slots: Container[str] = (),
) -> FileArray | None:
    """Return the array for a slot from a layer of the file; None if the layer has no such array.

    Args:
        slot: the slot.
        layer_slots: all slots of the slot's layer, including those that the user's map fills.
        file_arrays: the arrays of the file's layer that no other slot uses, by role. Keras 3 files mostly
            have the array's number in the layer in place of its role.
        mapped_slots: the names of the slots that the user's map fills.

    Raises:
        WeightsError: the file has only a number for the array, which may be gamma or beta.
    """
    for role in (slot.part_role, *_OTHER_ROLES.get(slot.part_role, ())):
        if role in file_arrays:
            return file_arrays[role]
    array = file_arrays.get(str(slot.index))
    if array is None or get_class_name(array.keras_path) != get_class_name(slot.keras_path):
        return None  # the number says what an array is only in a layer of the same class
    if _is_gamma_or_beta_unclear(slot, layer_slots, mapped_slots):
        raise WeightsError(
            f"has {array.name}, which may be {slot.name} or the other one of gamma and beta: a Keras 3 file "
            "has only numbers for the arrays of a norm; save the model as .keras, which says more, or name "
            "each array in map"
        )
    return array


def _is_gamma_or_beta_unclear(slot: Slot, layer_slots: Sequence[Slot], mapped_slots: Container[str]) -> bool:
    """Return whether the numbers of a norm's arrays do not say which of gamma and beta the file has.

    A norm may have gamma, or beta, or both, before its statistics. If the network has both or none of them,
    the numbers are clear, because the file then has four arrays or two. If the network has one of them, the
    file has three arrays, and the first one may be the other one of the two. The user's map can say that.
    """
    if not get_layer_kind(slot.kind).has_gamma_and_beta:
        return False
    names = [other.name for other in layer_slots if other.role in ("gamma", "beta")]
    return len(names) == 1 and names[0] not in mapped_slots
