"""Finds the arrays that belong to one layer of PyTorch, and puts Keras' arrays into their places."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from specfeat.weights.files.arrays import FileArray

LayerKey = TypeVar("LayerKey")


def group_by_layer(
    arrays: Iterable[FileArray], pattern: re.Pattern[str], get_key: Callable[[re.Match[str]], LayerKey]
) -> dict[LayerKey, dict[str, FileArray]]:
    """Return the arrays whose names fit a pattern, by their layer and their word in it.

    Args:
        arrays: all arrays of the file.
        pattern: a pattern for whole names. Its group "word" is the word that an array has in its layer, e.g.
            "weight_ih". Slashes in a word are replaced by dots.
        get_key: a function from a match to the key of the layer.
    """
    layers: dict[LayerKey, dict[str, FileArray]] = {}
    for array in arrays:
        match = pattern.fullmatch(array.name)
        if match:
            layers.setdefault(get_key(match), {})[match["word"].replace("/", ".")] = array
    return layers


def get_module(match: re.Match[str]) -> str:
    """Return the group "module" of a match, without the separator at its end."""
    return match["module"].rstrip("./")


def replace_arrays(
    arrays: Iterable[FileArray], translations: Mapping[str, Sequence[FileArray]]
) -> tuple[FileArray, ...]:
    """Return arrays in their order, some of them replaced.

    Args:
        arrays: all arrays of the file.
        translations: what stands in the place of an array, by its name; nothing if another array contains it.
    """
    return tuple(part for array in arrays for part in translations.get(array.name, [array]))
