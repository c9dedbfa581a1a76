"""What the names in weights files mean: layer and role, and the arrays that are no weights."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from specfeat.weights.files.arrays import AxisLayout, FileArray

# A name's last word -> Keras' word for the role, for the channels-last frameworks: Keras 1 (W, b,
# running_std, which is a variance), Keras 2 and 3, TF-Slim (weights, biases).
_KERAS_ROLES = {
    "kernel": "kernel",
    "weights": "kernel",
    "W": "kernel",
    "depthwise_kernel": "depthwise_kernel",
    "depthwise_weights": "depthwise_kernel",
    "pointwise_kernel": "pointwise_kernel",
    "pointwise_weights": "pointwise_kernel",
    "bias": "bias",
    "biases": "bias",
    "b": "bias",
    "gamma": "gamma",
    "alpha": "alpha",
    "beta": "beta",
    "moving_mean": "moving_mean",
    "moving_variance": "moving_variance",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
    "running_std": "moving_variance",
}
_TORCH_ROLE = "weight"  # of a kernel or of a norm's scale: the number of axes tells

_WORDS = "|".join(sorted([*_KERAS_ROLES, _TORCH_ROLE], key=len, reverse=True))
_NAME = re.compile(rf"(?P<layer>.*?)(?:^|[/._])(?P<role>{_WORDS})(?::0)?")

# Arrays that are known to be no weights of the network, and what they are.
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
    (r"(^|/)(_CHECKPOINTABLE_OBJECT_GRAPH|OBJECT_CONFIG_JSON)$", "the description of the objects"),
    (r"(^|/)keras_api/metrics/", "a metric's state"),
    (r"/total(/\.ATTRIBUTES/VARIABLE_VALUE)?$|/count/\.ATTRIBUTES/VARIABLE_VALUE$", "a metric's state"),
    (r"(^|/)seed_generator", "the state of a random generator"),
    (r"(^|\.)spectrogram_extractor\.stft\.conv_(real|imag)\.weight$", "the front end's own: STFT"),
    (r"(^|\.)logmel_extractor\.melW$", "the front end's own: mel filters"),
    (r"(^|/)(real|imag)_kernels(:0)?$", "the front end's own: STFT (kapre)"),
    (r"(^|/)freq2mel(:0)?$", "the front end's own: mel filters (kapre)"),
)
_KNOWN = [(re.compile(pattern), reason) for pattern, reason in IGNORED_ARRAYS]


def split_array_name(name: str, rank: int) -> tuple[str, str, bool] | None:
    """Find the layer and the role in an array's name.

    Args:
        name: e.g. "layer1/conv/kernel:0", "features.0.weight" or "conv_1_W".
        rank: how many axes the array has.

    Returns:
        The layer, the role by Keras' name, and whether the name is PyTorch's; None without a known role.
    """
    match = _NAME.fullmatch(name)
    if not match:
        return None
    word = match["role"]
    if word == _TORCH_ROLE:
        return match["layer"], "kernel" if rank > 1 else "gamma", True
    return match["layer"], _KERAS_ROLES[word], word in ("running_mean", "running_var")


def assign_roles(arrays: Iterable[FileArray]) -> tuple[FileArray, ...]:
    """Give arrays that have but a name their layer, role and layout."""
    parts = (
        (array, split_array_name(array.name, len(array.shape)) or (array.name, "", False)) for array in arrays
    )
    return assign_layouts(replace(array, layer=layer, role=role) for array, (layer, role, _) in parts)


def assign_layouts(
    arrays: Iterable[FileArray], torch: AxisLayout = "torch", names: Mapping[str, str] | None = None
) -> tuple[FileArray, ...]:
    """Tell by the names in whose order the axes of a file's arrays are.

    A layer with one of PyTorch's words (weight, running_mean) is in PyTorch's order, and so is what has no
    known word, if nothing in the file has one of Keras'.

    Args:
        arrays: with layer and role.
        torch: what is said of those in PyTorch's order; in a file that TensorFlow wrote they may be in its
            own all the same, "unclear".
        names: of arrays whose own name says nothing, what it stands for.
    """
    found, full = list(arrays), names or {}
    parts = [split_array_name(full.get(array.name, array.name), len(array.shape)) for array in found]
    theirs = {array.layer for array, part in zip(found, parts, strict=True) if part and part[2]}
    if not theirs:
        return tuple(found)
    ours = any(
        part and not part[2] and part[1] != "bias" and array.layer not in theirs
        for array, part in zip(found, parts, strict=True)
    )
    other: AxisLayout = "unclear" if ours else torch
    return tuple(
        replace(array, layout=torch if array.layer in theirs else "keras" if array.role and ours else other)
        for array in found
    )


def explain_ignored_array(name: str) -> str | None:
    """Say what an array is that is known to be no weights of the network; None for any other."""
    return next((reason for pattern, reason in _KNOWN if pattern.search(name)), None)


def natural_sort_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key by which conv2 comes before conv10."""
    pieces = re.split(r"(\d+)", name)
    return tuple((0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces)


def to_slash_path(name: str) -> str:
    """Write a layer's name with slashes, whatever the file puts between its parts."""
    return name.replace(".", "/").strip("/")


def format_names(names: Iterable[str], most: int = 4) -> str:
    """Write some of many names, and how many there are."""
    listed = list(names)
    more = f", and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
