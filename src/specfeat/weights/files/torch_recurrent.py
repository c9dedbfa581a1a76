"""Translates the arrays of PyTorch's recurrent layers (LSTM, GRU, RNN) into those that Keras has.

PyTorch has two kernels and two biases for each layer: weight_ih_l0 and bias_ih_l0 for the input, weight_hh_l0
and bias_hh_l0 for the state. One module may have several layers (l0, l1, ...). The rows of an array belong to
the gates, which are in the order input, forget, cell, output (LSTM, as in Keras) or reset, update, new (GRU,
where Keras has update, reset, new). Source: the documentation of torch.nn.LSTM, GRU and RNN.

Both programs compute the same function (a GRU of Keras only with reset_after: true). An LSTM or RNN of Keras
has one bias, which is the sum of the two.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.weights.files.arrays import FileArray
from specfeat.weights.files.torch_layers import get_module, group_by_layer, replace_arrays

_NAME_PATTERN = re.compile(
    r"(?P<module>(?:.*[./])?)(?P<word>weight_ih|weight_hh|bias_ih|bias_hh)(?:_l(?P<number>\d+))?"
    r"(?P<reverse>_reverse)?"
)
# For the number of gates, the place in PyTorch of each gate of Keras.
_GATE_ORDERS = {1: (0,), 3: (1, 0, 2), 4: (0, 1, 2, 3)}

TorchLayer = tuple[str, str, bool]  # module, number of the layer in it, whether it is the backward direction


def translate_recurrent_layers(arrays: Iterable[FileArray]) -> tuple[FileArray, ...]:
    """Return the arrays of a file with Keras' roles, gates and biases for PyTorch's recurrent layers.

    A layer has the name of its module; if the module has several layers, MODULE/l0, MODULE/l1 and so on. With
    two directions, /forward or /backward follows.
    Arrays that are not all arrays of such a layer stay as they are.

    Args:
        arrays: all arrays of the file, with layers and roles.
    """
    all_arrays = list(arrays)
    layers = group_by_layer(all_arrays, _NAME_PATTERN, _get_layer)
    names = {array.name for array in all_arrays}
    layer_counts = Counter(module for module, _ in {(module, number) for module, number, _ in layers})
    two_directions = {module for module, _, is_backward in layers if is_backward}
    translations: dict[str, list[FileArray]] = {}
    for (module, number, is_backward), parts in layers.items():
        if not _is_recurrent_layer(parts) or _has_projection(parts["weight_ih"].name, names):
            continue
        name = f"{module}/l{number}" if layer_counts[module] > 1 else module
        if module in two_directions:
            name += "/backward" if is_backward else "/forward"
        for word, arrays_of_keras in _translate_layer(parts).items():
            translations[parts[word].name] = [replace(array, layer=name) for array in arrays_of_keras]
    return replace_arrays(all_arrays, translations)


def _get_layer(match: re.Match[str]) -> TorchLayer:
    return get_module(match), match["number"] or "0", bool(match["reverse"])


def _is_recurrent_layer(parts: dict[str, FileArray]) -> bool:
    """Return whether the arrays of a layer have the shapes of a recurrent layer."""
    kernel, state_kernel = parts.get("weight_ih"), parts.get("weight_hh")
    if kernel is None or state_kernel is None or len(kernel.shape) != 2 or len(state_kernel.shape) != 2:
        return False
    rows, units = state_kernel.shape
    biases = [parts[word].shape for word in ("bias_ih", "bias_hh") if word in parts]
    has_gates = units > 0 and rows % units == 0 and rows // units in _GATE_ORDERS
    return has_gates and kernel.shape[0] == rows and biases in ([], [(rows,), (rows,)])


def _has_projection(name: str, names: set[str]) -> bool:
    """Return whether a layer has a projection (weight_hr), which no layer of Keras has."""
    return name.replace("weight_ih", "weight_hr") in names


def _translate_layer(parts: dict[str, FileArray]) -> dict[str, list[FileArray]]:
    """Return Keras' array for each array of a layer; none for a bias that another array contains."""
    rows, units = parts["weight_hh"].shape
    order = _GATE_ORDERS[rows // units]
    translations: dict[str, list[FileArray]] = {}
    for word, role in (("weight_ih", "kernel"), ("weight_hh", "recurrent_kernel")):
        read = partial(_read_gates, parts[word].read, order)
        translations[word] = [replace(parts[word], role=role, layout="torch", read=read)]
    if "bias_ih" in parts:
        has_two_biases = len(order) == 3
        reads = [parts[word].read for word in ("bias_ih", "bias_hh")]
        bias = replace(
            parts["bias_ih"],
            role="bias",
            layout="torch",
            shape=(2, rows) if has_two_biases else (rows,),
            note=f"with {parts['bias_hh'].name}",
            read=partial(_read_biases, reads, order),
        )
        translations |= {"bias_ih": [bias], "bias_hh": []}
    return translations


def _read_gates(read: Callable[[], NDArray[Any]], order: Sequence[int]) -> NDArray[Any]:
    values = read()
    return np.concatenate([np.split(values, len(order))[gate] for gate in order])


def _read_biases(reads: Sequence[Callable[[], NDArray[Any]]], order: Sequence[int]) -> NDArray[Any]:
    biases = np.stack([np.asarray(_read_gates(read, order), np.float32) for read in reads])
    return biases if len(order) == 3 else biases.sum(axis=0)
