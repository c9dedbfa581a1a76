"""Finds in the names of arrays their layer, role and order of axes, and which arrays are not weights."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from specfeat.architecture.kinds import LAYER_KINDS, PARTS_BY_PATH
from specfeat.weights.files.arrays import AxisLayout, FileArray

# Keras' name of a role, by the last word of an array's name, for frameworks that have the channels last:
# Keras 2 and 3, Keras 1 (W, b, and running_std, which is a variance in spite of its name) and TF-Slim
# (weights, biases).
_KERAS_ROLES = {
    "kernel": "kernel",
    "weights": "kernel",
    "W": "kernel",
    "depthwise_kernel": "depthwise_kernel",
    "depthwise_weights": "depthwise_kernel",
    "pointwise_kernel": "pointwise_kernel",
    "pointwise_weights": "pointwise_kernel",
    "recurrent_kernel": "recurrent_kernel",
    "bias": "bias",
    "biases": "bias",
    "b": "bias",
    "gamma": "gamma",
    "alpha": "alpha",
    "beta": "beta",
    "moving_mean": "moving_mean",
    "moving_variance": "moving_variance",
    "mean": "mean",
    "variance": "variance",
    "scale": "scale",
    "concat_score_weight": "concat_score_weight",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
    "running_std": "moving_variance",
}
# PyTorch calls a kernel and the scale of a norm by the same word; the number of axes distinguishes them.
_TORCH_WORD = "weight"
_COMMON_ROLES = ("bias", "mean", "variance", "scale")  # words of programs of PyTorch and of Keras
_TORCH_STATISTICS = ("running_mean", "running_var")

# The longest words come first, because the first one that fits is taken: "kernel" ends "depthwise_kernel".
_ROLE_WORDS = "|".join(sorted([*_KERAS_ROLES, _TORCH_WORD], key=len, reverse=True))
_NAME_PATTERN = re.compile(rf"(?P<layer>.*?)(?:^|[/._])(?P<role>{_ROLE_WORDS})(?::0)?")

# The part of a recurrent layer of Keras that has its arrays: "lstm/lstm_cell/kernel".
_CELL_PATTERN = re.compile(r"(?<=[^/])/(lstm|gru|simple_rnn)_cell(_\d+)?$")
# The parts of a bidirectional layer: "bidirectional/forward_lstm/lstm_cell/kernel", in old files without the
# cell.
_DIRECTION_PATTERN = re.compile(r"(?<=/)(forward|backward)_[^/]+$")
_OLD_DIRECTION_PATTERN = re.compile(r"(?<=/)(forward|backward)_(lstm|gru|simple_rnn)(_\d+)?$")
_PARTS = {part for part in PARTS_BY_PATH.values() if part}
# The parts of each layer kind that has several parts.
PART_GROUPS = [frozenset(kind.part_paths) for kind in LAYER_KINDS.values() if len(kind.part_paths) > 1]

# Patterns of the names of arrays that are not weights of the network, and what these arrays are. Training
# checkpoints hold such arrays beside the weights, so they may stay unused; any other unused array is an
# error.
IGNORED_ARRAYS: tuple[tuple[str, str], ...] = (
    (r"(^|[/.])num_batches_tracked$", "PyTorch's count of training batches"),
    (r"(^|/)(optimizer|optimizer_weights|training_config)/", "the optimizer's state"),
    (
        r"(/Adam(_1)?|/Momentum|/RMSProp(_1)?|/Adagrad|/Ftrl(_1)?|/\.OPTIMIZER_SLOT/.*)$",
        "the optimizer's state",
    ),
    (r"(^|/)beta[12]_power$", "the optimizer's state"),
    (r"/ExponentialMovingAverage$", "a moving average of weights kept in training"),
    (
        r"(^|/)(global_step|save_counter|iteration)(/\.ATTRIBUTES/VARIABLE_VALUE)?$",
        "a count of training steps",
    ),
    (
        r"(^|/)(_CHECKPOINTABLE_OBJECT_GRAPH|OBJECT_CONFIG_JSON)$",
        "TensorFlow's description of the saved objects",
    ),
    (r"(^|/)keras_api/metrics/", "a metric's state"),
    (r"/total(/\.ATTRIBUTES/VARIABLE_VALUE)?$|/count/\.ATTRIBUTES/VARIABLE_VALUE$", "a metric's state"),
    (r"(^|/)seed_generator", "the state of a random generator"),
    (r"(^|\.)spectrogram_extractor\.stft\.conv_(real|imag)\.weight$", "the STFT of the file's own front end"),
    (r"(^|\.)logmel_extractor\.melW$", "the mel filters of the file's own front end"),
    (r"(^|/)(real|imag)_kernels(:0)?$", "the STFT of the file's own front end (kapre)"),
    (r"(^|/)freq2mel(:0)?$", "the mel filters of the file's own front end (kapre)"),
)
# `weights show` compares a file with many configs, so each name is needed dozens of times.
_MAX_CACHED_NAMES = 2**14
_IGNORED_NAME_PATTERNS = [(re.compile(pattern), reason) for pattern, reason in IGNORED_ARRAYS]


@dataclass(frozen=True, slots=True)
class NameParts:
    """What the name of an array says.

    Attributes:
        layer: the name of the layer.
        role: Keras' name of the array in its layer, e.g. "kernel".
        is_torch: whether the last word of the name is one that only PyTorch uses.
    """

    layer: str
    role: str
    is_torch: bool


@lru_cache(_MAX_CACHED_NAMES)
def split_array_name(name: str, axis_count: int) -> NameParts | None:
    """Find the layer and the role in the name of an array.

    Args:
        name: e.g. "layer1/conv/kernel:0", "features.0.weight" or "conv_1_W".
        axis_count: the number of axes of the array.

    Returns:
        The parts; None if the name does not end in a word for a role.
    """
    match = _NAME_PATTERN.fullmatch(name)
    if not match:
        return None
    layer, word = _simplify_layer(match["layer"]), match["role"]
    if word == _TORCH_WORD:
        return NameParts(layer, "kernel" if axis_count > 1 else "gamma", is_torch=True)
    return NameParts(layer, _KERAS_ROLES[word], is_torch=word in _TORCH_STATISTICS)


def _simplify_layer(name: str) -> str:
    """Return LAYER or LAYER/PART for the name of a part of a recurrent layer; any other name as it is."""
    without_cell = _CELL_PATTERN.sub("", name)
    pattern = _OLD_DIRECTION_PATTERN if without_cell == name else _DIRECTION_PATTERN
    return pattern.sub(r"\1", without_cell)


def split_part(layer: str) -> tuple[str, str]:
    """Return the layer and the part of LAYER/PART; the whole name and "" if it ends in no part."""
    name, _, part = layer.rpartition("/")
    return (name, part) if name and part in _PARTS else (layer, "")


def is_one_layer(scopes: Iterable[str]) -> bool:
    """Return whether names LAYER or LAYER/PART belong to one layer, with all parts of its kind.

    Layers of a network within the network may also be called `query`, `key` and `value`. They are parts of an
    attention layer only if the other parts of it are there.

    Args:
        scopes: the names of all arrays of a group in the file, without their roles.
    """
    pairs = {split_part(scope) for scope in scopes}
    parts = frozenset(part for _, part in pairs)
    return len({layer for layer, _ in pairs}) <= 1 and (parts <= {""} or parts in PART_GROUPS)


def split_layer_and_role(name: str, axis_count: int) -> tuple[str, str]:
    """Return layer and role of a name; the whole name and an empty role if it has no word for a role."""
    parts = split_array_name(name, axis_count)
    return (parts.layer, parts.role) if parts else (name, "")


def assign_roles(arrays: Iterable[FileArray]) -> tuple[FileArray, ...]:
    """Set layer, role and layout of arrays from their names."""
    named = []
    for array in arrays:
        layer, role = split_layer_and_role(array.name, len(array.shape))
        named.append(replace(array, layer=layer, role=role))
    return assign_layouts(named)


def assign_layouts(
    arrays: Iterable[FileArray],
    torch_layout: AxisLayout = "torch",
    full_names: Mapping[str, str] | None = None,
) -> tuple[FileArray, ...]:
    """Set the layout (the order of axes) of each array, from the words in the names of the file.

    The arrays of a layer with one of PyTorch's words (weight, running_mean, running_var) have PyTorch's
    order. The arrays of a layer with one of Keras' words have Keras' order. An array without a known word has
    the order of the other arrays in the file; if these have both orders, its layout is "unclear".

    Args:
        arrays: the arrays, with layer and role.
        torch_layout: the layout of the layers with PyTorch's words; "unclear" for files that TensorFlow or
            Keras wrote, because their programs may use these words for arrays in Keras' order.
        full_names: the program's names of arrays that have another name in the file, by the name in the file.
    """
    arrays, full_names = tuple(arrays), full_names or {}
    parts = [split_array_name(full_names.get(array.name, array.name), len(array.shape)) for array in arrays]
    torch_layers = {array.layer for array, part in zip(arrays, parts, strict=True) if part and part.is_torch}
    if not torch_layers:
        return arrays
    has_keras_words = any(
        part and not part.is_torch and part.role not in _COMMON_ROLES and array.layer not in torch_layers
        for array, part in zip(arrays, parts, strict=True)
    )

    def choose_layout(array: FileArray) -> AxisLayout:
        if array.layer in torch_layers:
            return torch_layout
        if has_keras_words:
            return "keras" if array.role else "unclear"
        return torch_layout

    return tuple(replace(array, layout=choose_layout(array)) for array in arrays)


@lru_cache(_MAX_CACHED_NAMES)
def explain_ignored_array(name: str) -> str | None:
    """Return what an array is, if its name shows that it is not a weight of the network; else None."""
    return next((reason for pattern, reason in _IGNORED_NAME_PATTERNS if pattern.search(name)), None)


def is_sample_count(array: FileArray) -> bool:
    """Return whether an array is the number of samples that a `Normalization` layer of Keras has seen.

    Keras stores it for old files, as the third array of the layer. Nothing is computed with it.
    """
    is_third = array.role == "2" and bool(re.search(r"/normalization(_\d+)?$", array.keras_path))
    is_named = bool(re.search(r"(^|/)count(:0)?$", array.name))
    return array.shape == () and array.dtype.startswith("int") and (is_third or is_named)


@lru_cache(_MAX_CACHED_NAMES)
def natural_sort_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts conv2 before conv10."""
    pieces = re.split(r"(\d+)", name)
    return tuple((0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces)


def to_slash_path(name: str) -> str:
    """Return a layer's name with slashes between its parts; PyTorch puts dots there."""
    return name.replace(".", "/").strip("/")


def format_names(names: Iterable[str], max_names: int = 4) -> str:
    """Return the first `max_names` names, separated by commas, and the number of the others."""
    all_names = list(names)
    others = f", and {len(all_names) - max_names} more" if len(all_names) > max_names else ""
    return ", ".join(all_names[:max_names]) + others
