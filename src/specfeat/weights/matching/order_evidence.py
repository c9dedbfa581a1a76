"""What is known of the order of a file's layers, for `match: order`.

Some files keep the order in which a program lists its layers. Others keep none, or keep it only in part:
safetensors sorts by name, a checkpoint by key, Keras 3 numbers the layers of each class, and a network within
the network lists its frozen arrays last. There, only numbers tell the order, and only between names that
differ by nothing else: conv2 comes before conv10, but nobody knows whether "entry" comes before "trunk".
"""

import re
from collections.abc import Mapping, Sequence

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import natural_sort_key, split_array_name
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.slots import Slot

# Keras numbers the second layer of a name, but not the first: dense, dense_1.
_LAST_NUMBER = re.compile(r"_\d+(?=$|[/.:])")


def sort_numbered_layers(file_layers: Mapping[str, Mapping[str, FileArray]]) -> list[str]:
    """Return the names of a file's layers, those without a known order sorted by their numbers.

    Only layers whose names differ by nothing but numbers change places with each other.

    Args:
        file_layers: the arrays of each layer by its name and their role, in the file's order.
    """
    firsts = {name: next(iter(roles.values())) for name, roles in file_layers.items()}
    names = list(file_layers)
    places: dict[tuple[str, str], list[int]] = {}
    for place, name in enumerate(names):
        if firsts[name].unordered_in:
            key = firsts[name].unordered_in, _remove_numbers(_get_layer_path(firsts[name]))
            places.setdefault(key, []).append(place)
    for alike in places.values():
        ordered = sorted(
            (names[place] for place in alike),
            key=lambda name: natural_sort_key(_get_layer_path(firsts[name])),
        )
        for place, name in zip(alike, ordered, strict=True):
            names[place] = name
    return names


def check_order_is_known(pairs: Sequence[tuple[Slot, FileArray]]) -> None:
    """Check that two layers that fit in each other's place stand in an order that the file tells.

    Args:
        pairs: what was paired by order, in the config's order.

    Raises:
        WeightsError: two layers of the network have the same shapes, and which of two layers of the file
            comes first cannot be known.
    """
    file_layers: dict[str, list[tuple[Slot, FileArray]]] = {}
    for slot, array in pairs:
        file_layers.setdefault(array.layer, []).append((slot, array))
    last_alike: dict[object, tuple[Slot, FileArray]] = {}
    for layer_pairs in file_layers.values():
        slot, array = layer_pairs[0]
        if not array.unordered_in:
            continue
        shapes = tuple((other.role, other.shape) for other, _ in layer_pairs)
        previous = last_alike.get((array.unordered_in, shapes))
        if previous is not None and not _is_numbered_after(previous[1], array):
            raise WeightsError(
                f"could have {previous[1].name} or {array.name} for {previous[0].name}: {array.unordered_in} "
                "does not tell the order of its layers, and their names do not either; use match: name, "
                "or name the file's layers in map"
            )
        last_alike[array.unordered_in, shapes] = slot, array


def _is_numbered_after(first: FileArray, second: FileArray) -> bool:
    """Return whether two names differ by numbers alone, and the second one has the higher number."""
    first_path, second_path = _get_layer_path(first), _get_layer_path(second)
    is_alike = _remove_numbers(first_path) == _remove_numbers(second_path)
    return is_alike and natural_sort_key(first_path) < natural_sort_key(second_path)


def _get_layer_path(array: FileArray) -> str:
    """Return an array's name in the file without the word for its role.

    The layer's name would not do: in a checkpoint it is the program's name of a variable, while the key of
    the array tells the layer's place ("layer_with_weights-2/kernel").
    """
    name = array.name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE")
    parts = split_array_name(name, len(array.shape))
    return parts.layer.strip("/") if parts else name


def _remove_numbers(path: str) -> str:
    return re.sub(r"\d+", "#", _LAST_NUMBER.sub("", path))
