"""Merges the two arrays that PyTorch stores for a weight with weight normalisation.

`torch.nn.utils.weight_norm` stores weight_g and weight_v, and `torch.nn.utils.parametrizations.weight_norm`
stores parametrizations.weight.original0 and original1. The weight is g * v / |v|, where |v| is the norm along
all axes but one, in which g has as many values as v (Salimans and Kingma 2016, https://arxiv.org/abs/1602.07868,
equation 2). It is the weight with which the network was trained, so the network here needs the product alone.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.weights.files.array_names import split_layer_and_role
from specfeat.weights.files.arrays import FileArray

_LENGTH_NAME_PATTERN = re.compile(
    r"(?P<start>(?:.*[./])?)(?:weight_g|parametrizations[./]weight[./]original0)"
)
# The last word of the direction's name, by that of the length's name.
_DIRECTION_WORDS = {"weight_g": "weight_v", "original0": "original1"}


def merge_weight_norms(arrays: Iterable[FileArray]) -> tuple[FileArray, ...]:
    """Return the arrays of a file, with each length and its direction replaced by their weight.

    A length and a direction are not replaced if their shapes do not fit, or if the file also has the weight.

    Args:
        arrays: all arrays of the file, with layers and roles.
    """
    by_name = {array.name: array for array in arrays}
    merged: dict[str, FileArray] = {}  # the weight, by the name of the length and by that of the direction
    for name, length in by_name.items():
        match = _LENGTH_NAME_PATTERN.fullmatch(name)
        if not match:
            continue
        word = name[-len("weight_g") :] if name.endswith("weight_g") else "original0"
        direction = by_name.get(name.removesuffix(word) + _DIRECTION_WORDS[word])
        weight_name = f"{match['start']}weight"
        if direction is not None and weight_name not in by_name and _belong_together(length, direction):
            merged[direction.name] = _merge_arrays(weight_name, length, direction)
            merged[name] = merged[direction.name]
    weights = (merged.get(name, array) for name, array in by_name.items())
    return tuple({array.name: array for array in weights}.values())


def _belong_together(length: FileArray, direction: FileArray) -> bool:
    are_floats = all(array.dtype.startswith(("float", "bfloat")) for array in (length, direction))
    if not are_floats or length.size == 0:
        return False
    if not length.shape:  # one length for the whole array
        return True
    is_broadcast = len(length.shape) == len(direction.shape) and all(
        size in (1, whole) for size, whole in zip(length.shape, direction.shape, strict=True)
    )
    return is_broadcast and sum(size > 1 for size in length.shape) <= 1


def _merge_arrays(name: str, length: FileArray, direction: FileArray) -> FileArray:
    layer, role = split_layer_and_role(name, len(direction.shape))
    return replace(
        direction,
        name=name,
        layer=layer,
        role=role,
        layout="torch",
        note="from length and direction (weight normalisation)",
        read=partial(_read_product, length, direction),
    )


def _read_product(length: FileArray, direction: FileArray) -> NDArray[Any]:
    values = np.array(direction.read(), np.float32)
    lengths = np.asarray(length.read(), np.float64)
    axes = tuple(i for i in range(values.ndim) if not length.shape or length.shape[i] == 1)
    norms = np.sqrt(np.sum(np.square(values), axis=axes, keepdims=True, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):  # values that are not finite are refused later
        values *= (lengths / norms).astype(np.float32)
    return values
