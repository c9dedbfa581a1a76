"""A guess, from what does not fit, at what would make it fit: the last part of the error's sentence."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.kinds.base import KernelLayout
from specfeat.weights.files.array_names import format_names
from specfeat.weights.files.arrays import AxisLayout, FileArray, Shape
from specfeat.weights.matching.axis_layouts import compute_arranged_shape
from specfeat.weights.matching.slots import Slot

MAX_COMPARED = 10_000  # pairs of layers

Differing = Sequence[tuple[Slot, FileArray]]

_OTHER: dict[AxisLayout, tuple[AxisLayout, str]] = {
    "keras": ("torch", "PyTorch's axes under a name of Keras'; end its name in .weight"),
    "torch": ("keras", "Keras' axes under a name of PyTorch's; end its name in /kernel"),
}


def suggest_fix(missing: Sequence[Slot], left_over: Sequence[FileArray], differing: Differing) -> str:
    """Say what would make the file fit, "; ..." to end a sentence with; nothing where nothing is likely."""
    sizes = (cure for slot, array in differing for cure in _sizes(slot, array))
    for cures in (_norms(missing, left_over), _biases(missing, left_over), _names(missing, left_over), sizes):
        for cure in cures:
            return f"; {cure}"
    return ""


def _norms(missing: Sequence[Slot], left_over: Sequence[FileArray]) -> Iterator[str]:
    wanted = {slot.role for slot in missing}
    roles = {array.role for array in left_over}
    statistics = {"moving_mean", "moving_variance"}
    if "moving_variance" in roles and not statistics & wanted:
        yield "the file has batch norms, and the network has none in their place"
    if statistics & wanted and not roles & {"gamma", "moving_mean"}:
        if wanted & {"gamma", "beta"} or not wanted >= statistics:
            yield "the network has batch norms, and the file has none (folded into its biases?)"
        else:
            yield (
                "the file has its batch norms' gamma and beta without their averages, as if the trainable "
                "weights alone had been saved; save all of them"
            )


def _biases(missing: Sequence[Slot], left_over: Sequence[FileArray]) -> Iterator[str]:
    if missing and not left_over and all(slot.role == "bias" for slot in missing):
        yield f"if {_layers(missing)} had no bias when trained, say use_bias: false"
    if left_over and not missing and all(array.role == "bias" for array in left_over):
        yield "the file has biases where the network has use_bias: false"


def _layers(slots: Sequence[Slot]) -> str:
    return format_names(dict.fromkeys(slot.layer for slot in slots))


def _names(missing: Sequence[Slot], left_over: Sequence[FileArray]) -> Iterator[str]:
    """Layers of other names whose arrays have the shapes that are wanted, each in one place only."""
    wanted: dict[str, dict[str, Slot]] = {}
    theirs: dict[str, dict[str, FileArray]] = {}
    for slot in missing:
        wanted.setdefault(slot.layer, {})[slot.role] = slot
    for array in left_over:
        theirs.setdefault(array.layer, {})[array.role] = array
    if len(wanted) * len(theirs) > MAX_COMPARED:
        return
    pairs = {
        name: fits
        for name, slots in wanted.items()
        if (fits := [layer for layer, arrays in theirs.items() if _same(slots, arrays)])
    }
    chosen = [fits[0] for fits in pairs.values()]
    if pairs and all(len(fits) == 1 for fits in pairs.values()) and len(set(chosen)) == len(chosen):
        yield (
            "map: {"
            + format_names(f"{name}: {fits[0]}" for name, fits in pairs.items())
            + "} would pair them"
        )


def _same(slots: dict[str, Slot], arrays: dict[str, FileArray]) -> bool:
    return slots.keys() == arrays.keys() and all(
        compute_arranged_shape(arrays[role], slot) == slot.shape for role, slot in slots.items()
    )


def _sizes(slot: Slot, array: FileArray) -> Iterator[str]:
    """What the shapes of a kernel and of the network's tell of the difference."""
    ours, theirs = slot.shape, _in_keras_axes(slot, array)
    if slot.role != "kernel" or theirs is None or len(theirs) != len(ours):
        return
    if _fits_as_another(slot, array):
        yield f"{array.name} has {_OTHER[array.layout][1]}"
    elif len(ours) == 4 and theirs == (ours[1], ours[0], *ours[2:]):
        yield (
            f"the sides of {slot.layer}'s kernel have changed places: the file's network saw bins x frames; "
            "put Permute: {dims: [2, 1, 3]} first, and sizes of kernels and pools in its order"
        )
    elif theirs[:-1] == ours[:-1]:
        what, classes = ("units", " (other classes?)") if _is_dense(slot) else ("filters", "")
        yield f"{slot.layer} has {ours[-1]} {what} here and {theirs[-1]} in the file{classes}"
    elif _is_dense(slot) and theirs[-1] == ours[-1]:
        yield (
            f"{slot.layer} reads {ours[0]} values here and {theirs[0]} in the file: the layers before it "
            "give other sizes (before a Flatten through frames, bands, padding and pooling as well)"
        )


def _is_dense(slot: Slot) -> bool:
    return get_layer_kind(slot.kind).get_kernel_layout(slot.role) is KernelLayout.DENSE


def _fits_as_another(slot: Slot, array: FileArray) -> bool:
    """Whether the array fits if its axes are another framework's than its name says."""
    if array.layout not in _OTHER or array.size != math.prod(slot.shape):
        return False
    return compute_arranged_shape(replace(array, layout=_OTHER[array.layout][0]), slot) == slot.shape


def _in_keras_axes(slot: Slot, array: FileArray) -> Shape | None:
    """The shape of a kernel of another size as Keras has it; None of depthwise ones."""
    if get_layer_kind(slot.kind).get_kernel_layout(slot.role) is KernelLayout.DEPTHWISE:
        return None
    shape = array.shape
    if array.layout == "torch":
        return (*shape[2:], *shape[1::-1])
    return (*shape[1:], shape[0]) if array.layout == "tflite" and shape else shape
