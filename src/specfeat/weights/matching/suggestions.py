"""Suggests what would most likely mend a mismatch: the end of the error's sentence.

The suggestions are tried in the order of how much they explain; the first one that applies is made. None is
made if none is likely.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from specfeat.weights.files.array_names import format_names
from specfeat.weights.files.arrays import AxisLayout, FileArray, Shape
from specfeat.weights.matching.axis_layouts import (
    compute_arranged_shape,
    is_dense_kernel,
    is_depthwise_kernel,
)
from specfeat.weights.matching.slots import Slot

MAX_COMPARED = 10_000  # pairs of layers, which are all compared to suggest a map

ShapeMismatches = Sequence[tuple[Slot, FileArray]]

# For each layout, the one that it may be mistaken for, and what to say then.
_OTHER_LAYOUTS: dict[AxisLayout, tuple[AxisLayout, str]] = {
    "keras": ("torch", "PyTorch's axes under a name of Keras; let its name end in .weight"),
    "torch": ("keras", "Keras' axes under a name of PyTorch; let its name end in /kernel"),
}


def suggest_fix(
    missing: Sequence[Slot], unused: Sequence[FileArray], shape_mismatches: ShapeMismatches
) -> str:
    """Return what would most likely make the file fit, as "; ..." to end a sentence with; or nothing.

    Args:
        missing: the slots without an array.
        unused: the weights of the file without a slot.
        shape_mismatches: the slots with an array of another shape.
    """
    suggestions = _iterate_suggestions(missing, unused, shape_mismatches)
    return next((f"; {suggestion}" for suggestion in suggestions), "")


def _iterate_suggestions(
    missing: Sequence[Slot], unused: Sequence[FileArray], shape_mismatches: ShapeMismatches
) -> Iterator[str]:
    yield from _suggest_norms(missing, unused)
    yield from _suggest_biases(missing, unused)
    yield from _suggest_map(missing, unused)
    for slot, array in shape_mismatches:
        yield from _suggest_sizes(slot, array)


def _suggest_norms(missing: Sequence[Slot], unused: Sequence[FileArray]) -> Iterator[str]:
    missing_roles = {slot.role for slot in missing}
    unused_roles = {array.role for array in unused}
    statistics = {"moving_mean", "moving_variance"}
    if "moving_variance" in unused_roles and not statistics & missing_roles:
        yield "the file has batch norms, and the network has none in their place"
    if statistics & missing_roles and not unused_roles & {"gamma", "moving_mean"}:
        has_only_trained = missing_roles >= statistics and not missing_roles & {"gamma", "beta"}
        if has_only_trained:
            yield (
                "the file has gamma and beta of its batch norms without their averages, as if only the "
                "trainable weights had been saved; save all of them"
            )
        else:
            yield "the network has batch norms, and the file has none (folded into its biases?)"


def _suggest_biases(missing: Sequence[Slot], unused: Sequence[FileArray]) -> Iterator[str]:
    if missing and not unused and all(slot.role == "bias" for slot in missing):
        layers = format_names(dict.fromkeys(slot.layer for slot in missing))
        yield f"if {layers} had no bias when trained, set use_bias: false"
    if unused and not missing and all(array.role == "bias" for array in unused):
        yield "the file has biases where the network has use_bias: false"


def _suggest_map(missing: Sequence[Slot], unused: Sequence[FileArray]) -> Iterator[str]:
    """Suggest a map if exactly one unused layer of the file has the shapes of each missing layer."""
    network_layers: dict[str, dict[str, Slot]] = {}
    file_layers: dict[str, dict[str, FileArray]] = {}
    for slot in missing:
        network_layers.setdefault(slot.layer, {})[slot.role] = slot
    for array in unused:
        file_layers.setdefault(array.layer, {})[array.role] = array
    if len(network_layers) * len(file_layers) > MAX_COMPARED:
        return
    candidates = {
        name: [layer for layer, arrays in file_layers.items() if _has_same_shapes(slots, arrays)]
        for name, slots in network_layers.items()
    }
    candidates = {name: layers for name, layers in candidates.items() if layers}
    chosen = [layer for layers in candidates.values() for layer in layers]
    is_unique = len(chosen) == len(candidates) == len(set(chosen))
    if candidates and is_unique:
        yield f"map: {{{_format_map(zip(candidates, chosen, strict=True))}}} would pair them"


def _format_map(pairs: Iterable[tuple[str, str]]) -> str:
    return format_names(f"{name}: {layer}" for name, layer in pairs)


def _has_same_shapes(slots: dict[str, Slot], arrays: dict[str, FileArray]) -> bool:
    return slots.keys() == arrays.keys() and all(
        compute_arranged_shape(arrays[role], slot) == slot.shape for role, slot in slots.items()
    )


def _suggest_sizes(slot: Slot, array: FileArray) -> Iterator[str]:
    """Say what the two shapes of a kernel tell about the difference between the networks."""
    shape, file_shape = slot.shape, _compute_keras_shape(slot, array)
    if slot.role != "kernel" or file_shape is None or len(file_shape) != len(shape):
        return
    if _fits_in_other_layout(slot, array):
        yield f"{array.name} has {_OTHER_LAYOUTS[array.layout][1]}"
    elif len(shape) == 4 and file_shape == (shape[1], shape[0], *shape[2:]):
        yield (
            f"the two sides of {slot.layer}'s kernel are exchanged: the file's network reads bins x "
            "frames; put Permute: {dims: [2, 1, 3]} first, and give sizes of kernels and pools in its order"
        )
    elif file_shape[:-1] == shape[:-1]:
        is_dense = is_dense_kernel(slot)
        what, hint = ("units", " (other classes?)") if is_dense else ("filters", "")
        yield f"{slot.layer} has {shape[-1]} {what} here and {file_shape[-1]} in the file{hint}"
    elif is_dense_kernel(slot) and file_shape[-1] == shape[-1]:
        yield (
            f"{slot.layer} reads {shape[0]} values here and {file_shape[0]} in the file: the layers before "
            "it give other sizes (before a Flatten through frames, bands, padding and pooling as well)"
        )


def _fits_in_other_layout(slot: Slot, array: FileArray) -> bool:
    """Return whether the array fits if its axes are those of another framework than its name says."""
    if array.layout not in _OTHER_LAYOUTS or array.size != math.prod(slot.shape):
        return False
    other_layout = _OTHER_LAYOUTS[array.layout][0]
    return compute_arranged_shape(replace(array, layout=other_layout), slot) == slot.shape


def _compute_keras_shape(slot: Slot, array: FileArray) -> Shape | None:
    """Return the shape in Keras' order of a kernel of any size; None for depthwise kernels."""
    if is_depthwise_kernel(slot):
        return None
    shape = array.shape
    if array.layout == "torch":
        return (*shape[2:], *shape[1::-1])
    return (*shape[1:], shape[0]) if array.layout == "tflite" and shape else shape
