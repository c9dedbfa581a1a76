"""Suggests what would most likely correct a mismatch. The suggestion is the end of the error message.

The suggestions are tried in a fixed order: those that explain several arrays at once come first. The first
one that applies is made. If none applies, the message ends without a suggestion.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import format_names
from specfeat.weights.files.arrays import AxisLayout, FileArray, Shape
from specfeat.weights.matching.axis_layouts import compute_arranged_shape
from specfeat.weights.matching.find_array import find_array
from specfeat.weights.matching.kernel_slots import is_dense_kernel, is_depthwise_kernel, is_transposed_kernel
from specfeat.weights.matching.slots import Slot, get_class_name

MAX_COMPARED_LAYER_PAIRS = 10_000  # all pairs are compared to suggest a map; with more, none is suggested

_STATISTICS = ("moving_mean", "moving_variance")

ShapeMismatches = Sequence[tuple[Slot, FileArray]]

# For each layout that a name may wrongly indicate, the layout that is then tried, and the words of the
# suggestion.
_OTHER_LAYOUTS: dict[AxisLayout, tuple[AxisLayout, str]] = {
    "keras": ("torch", "PyTorch's axes under a name of Keras; let its name end in .weight"),
    "torch": ("keras", "Keras' axes under a name of PyTorch; let its name end in /kernel"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """The arrays and slots that do not match, and what is needed to find out why.

    Attributes:
        missing: the slots without an array.
        unused: the weights of the file that are in no slot.
        shape_mismatches: the slots with an array of another shape, with the array.
        pairs: the slots with an array of their shape, with the array.
        unproven: the arrays of `pairs` whose layer has no name in the config. They may be the wrong ones.
        network_norms: the number of batch norms in the network.
    """

    missing: Sequence[Slot]
    unused: Sequence[FileArray]
    shape_mismatches: ShapeMismatches
    pairs: ShapeMismatches
    unproven: Sequence[FileArray]
    network_norms: int


def suggest_fix(mismatch: Mismatch) -> str:
    """Return "; " and what would most likely make the file fit; "" if nothing is likely."""
    return next((f"; {suggestion}" for suggestion in _iterate_suggestions(mismatch)), "")


def _iterate_suggestions(mismatch: Mismatch) -> Iterator[str]:
    yield from _suggest_norms(mismatch)
    yield from _suggest_biases(mismatch.missing, mismatch.unused)
    yield from _suggest_map(mismatch)
    for slot, array in mismatch.shape_mismatches:
        yield from _suggest_sizes(slot, array)


def _suggest_norms(mismatch: Mismatch) -> Iterator[str]:
    """Say that only the file, or only the network, has batch norms or their averages."""
    missing_layers = {slot.layer for slot in mismatch.missing if slot.role in _STATISTICS}
    unused_layers = {array.layer for array in mismatch.unused if _is_of_batch_norm(array)}
    if unused_layers and not missing_layers:
        if mismatch.network_norms:
            count = len({array.layer for array in mismatch.unused if array.role == "moving_variance"})
            if count:
                yield f"the file has {count} more batch norms than the network ({mismatch.network_norms})"
        elif any(array.role == "moving_variance" or array.keras_path for array in mismatch.unused):
            yield "the file has batch norms, and the network has none in their place"
    if missing_layers and not unused_layers and not mismatch.shape_mismatches:
        trained_layers = {slot.layer for slot, _ in mismatch.pairs if slot.role in ("gamma", "beta")}
        if missing_layers <= trained_layers:
            yield (
                "the file has gamma and beta of its batch norms without their averages, as if only the "
                "trainable weights had been saved; save all of them"
            )
        elif len(missing_layers) == mismatch.network_norms and not _has_moments(mismatch.unused):
            yield "the network has batch norms, and the file has none (folded into its biases?)"


def _is_of_batch_norm(array: FileArray) -> bool:
    is_of_class = (
        get_class_name(array.keras_path) == "batch_normalization"
    )  # of Keras 3, with numbers as roles
    return is_of_class or array.role in ("gamma", *_STATISTICS)


def _has_moments(arrays: Iterable[FileArray]) -> bool:
    """Return whether an array is a mean or a variance under a name that Keras' batch norms do not have."""
    return any(re.split("[/._]", array.name)[-1] in ("mean", "variance") for array in arrays)


def _suggest_biases(missing: Sequence[Slot], unused: Sequence[FileArray]) -> Iterator[str]:
    if missing and not unused and all(slot.role == "bias" for slot in missing):
        layers = format_names(dict.fromkeys(slot.layer for slot in missing))
        yield f"if {layers} had no bias when trained, set use_bias: false"
    if unused and not missing and all(array.role == "bias" for array in unused):
        yield "the file has biases where the network has use_bias: false"


def _suggest_map(mismatch: Mismatch) -> Iterator[str]:
    """Suggest a map of each layer whose shapes exactly one layer of the file has."""
    paired_layers = {slot.layer for slot, _ in (*mismatch.pairs, *mismatch.shape_mismatches)}
    network_layers: dict[str, list[Slot]] = {}
    for slot in mismatch.missing:
        if slot.layer not in paired_layers:  # a map would remove the arrays that the layer has already
            network_layers.setdefault(slot.layer, []).append(slot)
    file_layers: dict[str, dict[str, FileArray]] = {}
    for array in (*mismatch.unused, *mismatch.unproven):
        file_layers.setdefault(array.layer, {})[array.role] = array
    if len(network_layers) * len(file_layers) > MAX_COMPARED_LAYER_PAIRS:
        return
    candidates = {
        name: [layer for layer, arrays in file_layers.items() if _fits_layer(slots, arrays)]
        for name, slots in network_layers.items()
    }
    uses = Counter(layer for layers in candidates.values() for layer in layers)
    taken = {array.layer for _, array in mismatch.pairs}
    entries = {
        name: layers[0]
        for name, layers in candidates.items()
        if len(layers) == 1 and uses[layers[0]] == 1 and layers[0] not in taken
    }
    if entries:
        yield f"map: {{{_format_map(entries.items())}}} would pair them"


def _format_map(pairs: Iterable[tuple[str, str]]) -> str:
    return format_names(f"{name}: {layer}" for name, layer in pairs)


def _fits_layer(slots: list[Slot], arrays: Mapping[str, FileArray]) -> bool:
    """Return whether the arrays of a layer of the file fit the slots: the same number, and equal shapes."""
    remaining = dict(arrays)
    try:
        for slot in slots:
            array = find_array(slot, slots, remaining)
            if array is None or compute_arranged_shape(array, slot) != slot.shape:
                return False
            del remaining[array.role]
    except WeightsError:  # it cannot be known which array, or which order of axes, is the right one
        return False
    return not remaining


def _suggest_sizes(slot: Slot, array: FileArray) -> Iterator[str]:
    """Say how the two networks differ, if the two shapes of a kernel show it."""
    if slot.part_role == "bias" and {slot.shape[:-1], array.shape[:-1]} == {(), (2,)}:
        yield f"{slot.layer} needs reset_after: {str(array.shape[:1] == (2,)).lower()} for these weights"
    shape, file_shape = slot.shape, _compute_keras_shape(slot, array)
    if slot.role != "kernel" or file_shape is None or len(file_shape) != len(shape):
        return
    if _fits_in_other_layout(slot, array):
        if re.search(r"(^|[/._])W(:0)?$", array.name):  # Keras 1's word for a kernel
            yield (
                f"{array.name} has the axes of Keras 1 on Theano, which rotates its kernels by 180 degrees; "
                "load the model there and save it on TensorFlow"
            )
            return
        yield f"{array.name} has {_OTHER_LAYOUTS[array.layout][1]}"
    elif len(shape) == 4 and file_shape == (shape[1], shape[0], *shape[2:]):
        yield (
            f"the two sides of {slot.layer}'s kernel are exchanged: the file's network reads bins x "
            "frames; put Permute: {dims: [2, 1, 3]} first, and give sizes of kernels and pools in its order"
        )
    elif file_shape[:-1] == shape[:-1] and not is_transposed_kernel(slot):
        is_dense = is_dense_kernel(slot)
        what, hint = ("units", " (other classes?)") if is_dense else ("filters", "")
        yield f"{slot.layer} has {shape[-1]} {what} here and {file_shape[-1]} in the file{hint}"
    elif is_dense_kernel(slot) and file_shape[-1] == shape[-1]:
        yield (
            f"{slot.layer} reads {shape[0]} values here and {file_shape[0]} in the file: the layers before "
            "it give other sizes (before a Flatten through frames, bands, padding and pooling as well)"
        )


def _fits_in_other_layout(slot: Slot, array: FileArray) -> bool:
    """Return whether an array fits if it has the axes of another framework than its name indicates."""
    if array.layout not in _OTHER_LAYOUTS or array.size != math.prod(slot.shape):
        return False
    other_layout = _OTHER_LAYOUTS[array.layout][0]
    return compute_arranged_shape(replace(array, layout=other_layout), slot) == slot.shape


def _compute_keras_shape(slot: Slot, array: FileArray) -> Shape | None:
    """Return the shape that a kernel of any size has in Keras' order; None for depthwise kernels."""
    if is_depthwise_kernel(slot):
        return None
    shape = array.shape
    if array.layout in ("torch", "onnx"):
        return (*shape[2:], *shape[1::-1])
    return (*shape[1:], shape[0]) if array.layout == "tflite" and shape else shape
