"""Translates the arrays of PyTorch's MultiheadAttention into those that Keras' MultiHeadAttention has.

PyTorch has one kernel, in_proj_weight, for query, key and value, one behind the other along the first axis,
and one bias, in_proj_bias. If key or value have another number of channels, there are three kernels instead:
q_proj_weight, k_proj_weight and v_proj_weight. The projection of the output is a linear layer, out_proj.
Source: the documentation and the state dict of torch.nn.MultiheadAttention.

The number of heads is in no array. Both programs have the values of the first head first.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.weights.files.arrays import FileArray
from specfeat.weights.files.torch_layers import get_module, group_by_layer, replace_arrays

_NAME_PATTERN = re.compile(
    r"(?P<module>(?:.*[./])?)"
    r"(?P<word>in_proj_weight|in_proj_bias|[qkv]_proj_weight|out_proj[./]weight|out_proj[./]bias|bias_[kv])"
)
_PARTS = ("query", "key", "value")  # in the order of in_proj_weight
_SINGLE_WORDS = {
    "q_proj_weight": ("query", "kernel"),
    "k_proj_weight": ("key", "kernel"),
    "v_proj_weight": ("value", "kernel"),
    "out_proj.weight": ("attention_output", "kernel"),
    "out_proj.bias": ("attention_output", "bias"),
}


def translate_attention_layers(arrays: Iterable[FileArray]) -> tuple[FileArray, ...]:
    """Return the arrays of a file with Keras' projections for PyTorch's attention layers.

    The arrays of a layer get the names MODULE/query, MODULE/key, MODULE/value and MODULE/attention_output.
    Arrays that are not all arrays of such a layer stay as they are.

    Args:
        arrays: all arrays of the file, with layers and roles.
    """
    all_arrays = list(arrays)
    translations: dict[str, list[FileArray]] = {}
    for module, words in group_by_layer(all_arrays, _NAME_PATTERN, get_module).items():
        if _is_attention_layer(words):
            translations |= {
                array.name: _translate_array(module, word, array) for word, array in words.items()
            }
    return replace_arrays(all_arrays, translations)


def _is_attention_layer(words: dict[str, FileArray]) -> bool:
    """Return whether the arrays of a module are those of an attention layer that Keras has, too."""
    joined, output = words.get("in_proj_weight"), words.get("out_proj.weight")
    if output is None or len(output.shape) != 2 or {"bias_k", "bias_v"} & words.keys():
        return False
    width = output.shape[1]
    if "in_proj_bias" in words and words["in_proj_bias"].shape != (3 * width,):
        return False
    if joined is not None:
        return len(joined.shape) == 2 and joined.shape[0] == 3 * width
    kernels = [words.get(f"{letter}_proj_weight") for letter in "qkv"]
    return all(kernel is not None and kernel.shape[:1] == (width,) for kernel in kernels)


def _translate_array(module: str, word: str, array: FileArray) -> list[FileArray]:
    """Return Keras' arrays for one array of a layer: one, or one for each of query, key and value."""
    if word in _SINGLE_WORDS:
        part, role = _SINGLE_WORDS[word]
        return [replace(array, layer=f"{module}/{part}", role=role, layout="torch")]
    role = "kernel" if word.endswith("weight") else "bias"
    shape = (array.shape[0] // len(_PARTS), *array.shape[1:])
    return [
        replace(
            array,
            name=f"{array.name}[{part}]",
            layer=f"{module}/{part}",
            role=role,
            layout="torch",
            shape=shape,
            read=partial(_read_third, array.read, index),
        )
        for index, part in enumerate(_PARTS)
    ]


def _read_third(read: Callable[[], NDArray[Any]], index: int) -> NDArray[Any]:
    return np.split(read(), len(_PARTS))[index]
