"""Finds what is known of the order of a file's layers, for `match: order`.

Some files keep the order in which a program lists its layers. Others keep no order, or only a part of it:
safetensors sorts by name, and a checkpoint by key. Keras 3 numbers the layers of each class separately. Keras
lists the frozen arrays of a network within the network last. In such a file, only the numbers in names tell
the order, and only between names that differ in nothing but numbers: conv2 comes before conv10, but it cannot
be known whether "entry" comes before "trunk".
"""

import re
from collections.abc import Mapping, Sequence

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import natural_sort_key, split_array_name
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.slots import Slot

# Keras numbers the second layer of a name, but not the first: dense, dense_1.
_LAST_NUMBER_PATTERN = re.compile(r"_\d+(?=$|[/.:])")


def sort_numbered_layers(file_layers: Mapping[str, Mapping[str, FileArray]]) -> list[str]:
    """Return the names of a file's layers, sorted by their numbers if the file does not tell their order.

    Only layers whose names differ in nothing but numbers change places with each other.

    Args:
        file_layers: the arrays of each layer by its name and their role, in the file's order.
    """
    first_arrays = {name: next(iter(roles.values())) for name, roles in file_layers.items()}
    names = list(file_layers)
    # The indices of the layers whose names differ only in numbers. Their names are sorted among these
    # indices, so that all other layers stay where they are.
    groups: dict[tuple[str, str], list[int]] = {}
    for index, name in enumerate(names):
        array = first_arrays[name]
        if array.unordered_in:
            key = array.unordered_in, _remove_numbers(_get_layer_path(array))
            groups.setdefault(key, []).append(index)
    for indices in groups.values():
        sorted_names = sorted(
            (names[index] for index in indices),
            key=lambda name: natural_sort_key(_get_layer_path(first_arrays[name])),
        )
        for index, name in zip(indices, sorted_names, strict=True):
            names[index] = name
    return names


def check_order_is_known(pairs: Sequence[tuple[Slot, FileArray]]) -> None:
    """Check that the file tells the order of each two layers of the network that have the same shapes.

    Args:
        pairs: the slots that were paired by order, with their arrays, in the config's order.

    Raises:
        WeightsError: two layers of the network have the same shapes, and it cannot be known which of the two
            layers of the file comes first.
    """
    file_layers: dict[str, list[tuple[Slot, FileArray]]] = {}
    for slot, array in pairs:
        file_layers.setdefault(array.layer, []).append((slot, array))
    # The last pair that was seen of the layers with the same shapes. Each is compared with the one before it.
    last_pairs: dict[object, tuple[Slot, FileArray]] = {}
    for layer_pairs in file_layers.values():
        slot, array = layer_pairs[0]
        if not array.unordered_in:
            continue
        # The role contains the part: two parts of a layer are never exchanged.
        shapes = tuple((other.role, other.shape) for other, _ in layer_pairs)
        previous = last_pairs.get((array.unordered_in, shapes))
        if previous is not None and not _is_numbered_after(previous[1], array):
            raise WeightsError(
                f"could have {previous[1].name} or {array.name} for {previous[0].name}: {array.unordered_in} "
                "does not tell the order of its layers, and their names do not either; use match: name, "
                "or name the file's layers in map"
            )
        last_pairs[array.unordered_in, shapes] = slot, array


def _is_numbered_after(first: FileArray, second: FileArray) -> bool:
    """Return whether two names differ only in numbers, and the second one has the higher number."""
    first_path, second_path = _get_layer_path(first), _get_layer_path(second)
    is_alike = _remove_numbers(first_path) == _remove_numbers(second_path)
    return is_alike and natural_sort_key(first_path) < natural_sort_key(second_path)


def _get_layer_path(array: FileArray) -> str:
    """Return an array's name in the file without the word for its role.

    This is not always the name of the layer. In a checkpoint, `array.layer` is the program's name of a
    variable, but only the key of the array has a number that tells the order ("layer_with_weights-2/kernel").
    """
    name = array.name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE")
    parts = split_array_name(name, len(array.shape))
    return parts.layer.strip("/") if parts else name


def _remove_numbers(path: str) -> str:
    return re.sub(r"\d+", "#", _LAST_NUMBER_PATTERN.sub("", path))
