"""Finds the array of a slot among the arrays of one layer of the file: by role, or by number."""

from collections.abc import Mapping

from specfeat.architecture.kinds import get_layer_kind
from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.slots import Slot, get_class_name

# The roles whose array may fill a slot if the layer has none of the slot's own role: PyTorch calls the shift
# of a norm "bias" and the slopes of a PReLU "weight" (which counts as gamma, having one axis); Keras 2 called
# the kernel of a depthwise convolution "depthwise_kernel"; PyTorch's parts of a separable convolution each
# have a "kernel".
_OTHER_ROLES = {
    "beta": ("bias",),
    "alpha": ("gamma",),
    "kernel": ("depthwise_kernel",),
    "depthwise_kernel": ("kernel",),
    "pointwise_kernel": ("kernel",),
}


def find_array(slot: Slot, layer_slots: list[Slot], roles: Mapping[str, FileArray]) -> FileArray | None:
    """Return a slot's array among those of the file's layer; None if there is none.

    Args:
        slot: the slot.
        layer_slots: all slots of its layer.
        roles: the arrays of the file's layer that are not used yet, by role; in a Keras 3 file often by
            number.

    Raises:
        WeightsError: the file has numbers for roles, and the array may be gamma or beta.
    """
    for role in (slot.role, *_OTHER_ROLES.get(slot.role, ())):
        if role in roles:
            return roles[role]
    array = roles.get(str(slot.index))
    if array is None or get_class_name(array.keras_path) != get_class_name(slot.keras_path):
        return None  # the number says what an array is only in a layer of the same class
    # A norm may have gamma, or beta, or both, before its statistics. With both or none of them the numbers
    # are clear, because the file then has four arrays or two; three arrays do not say which one is left out.
    has_both = get_layer_kind(slot.kind).has_gamma_and_beta
    if has_both and len({"gamma", "beta"} & {s.role for s in layer_slots}) == 1:
        raise WeightsError(
            f"has {array.name}, which may be {slot.name} or the other one of gamma and beta: a Keras 3 file "
            "has only numbers for the arrays of a norm; save the model as .keras, which says more, or name "
            "each array in map"
        )
    return array
