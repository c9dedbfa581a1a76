"""The names that other libraries have for Keras' layers and arguments, for suggestions in error messages.

specfeat only suggests Keras' names and does not accept the other ones, because a layer of another library may
compute something else. The other names of each layer are in the record of its kind.
"""

import re
from collections.abc import Iterable, Sequence

from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.architecture.kinds.activation_names import GATED_UNITS, OTHER_NAMES
from specfeat.architecture.kinds.base import KernelLayout, LayerKind

# Names, in small letters, of layers that a config cannot contain, and what to do instead.
_HINTS_BY_UNKNOWN_LAYER = {
    "input": "the input's shape follows from spectrogram and clips",
    "inputlayer": "the input's shape follows from spectrogram and clips",
    "identity": "leave it out, and name its input where another layer reads its output",
    "sequential": "write its layers one below the other, or with repeat: N",
    "model": "write its layers one below the other",
    "lambda": "a config cannot contain code; use the known layers",
    "timedistributed": "write Dense without it; for another layer put Reshape before and after that layer",
    "groupqueryattention": "specfeat has MultiHeadAttention, which has as many keys as queries",
    **dict.fromkeys(GATED_UNITS, "gated linear units are not supported"),
    "unsqueeze": "Reshape adds an axis of 1",
    "squeeze": "Reshape removes an axis of 1",
}

# Keras' names of arguments, by the names that other libraries have for them.
_KERAS_NAMES_BY_ARGUMENT = {
    **dict.fromkeys(
        ("out_channels", "num_outputs", "num_filters", "n_filters", "nb_filter", "output_channels"), "filters"
    ),
    **dict.fromkeys(("out_features", "output_dim", "num_units", "n_units", "hidden_units"), "units"),
    **dict.fromkeys(
        ("kernel", "kernel_shape", "filter_size", "filter_shape", "kernel_sizes", "ksize"), "kernel_size"
    ),
    **dict.fromkeys(("stride", "subsample", "step"), "strides"),
    **dict.fromkeys(("dilation", "rate", "atrous_rate"), "dilation_rate"),
    **dict.fromkeys(("bias", "has_bias"), "use_bias"),
    **dict.fromkeys(("eps", "variance_epsilon"), "epsilon"),
    **dict.fromkeys(("p", "drop_prob", "keep_prob", "drop_rate", "dropout"), "rate"),
    **dict.fromkeys(("dim", "dims"), "axis"),
    "num_groups": "groups",
    **dict.fromkeys(("n_heads", "heads", "nhead", "num_attention_heads"), "num_heads"),
    **dict.fromkeys(("head_dim", "head_size", "dim_head", "size_per_head"), "key_dim"),
    **dict.fromkeys(("activation_fn", "nonlinearity", "act"), "activation"),
    **dict.fromkeys(("shape", "size", "new_shape"), "target_shape"),
    **dict.fromkeys(("order", "perm", "permutation"), "dims"),
    "scale_factor": "size",
    **dict.fromkeys(("border_mode", "pad"), "padding"),
    **dict.fromkeys(("init", "weights_initializer", "kernel_init"), "kernel_initializer"),
    **dict.fromkeys(("pool_length", "pool_shape"), "pool_size"),
    "affine": "scale and center",
    **dict.fromkeys(("p_relu", "leak", "alpha"), "negative_slope"),
    **dict.fromkeys(("input", "inbound_nodes", "bottom"), "inputs"),
}
# Names of arguments that a config cannot contain, and why not.
_HINTS_BY_UNKNOWN_ARGUMENT = {
    **dict.fromkeys(
        ("in_channels", "in_features", "num_features", "num_channels", "input_dim", "normalized_shape"),
        "leave it out, it follows from the input of the layer",
    ),
    **dict.fromkeys(
        ("input_shape", "batch_input_shape", "batch_shape", "batch_size"),
        "leave it out, the input's shape follows from spectrogram and clips",
    ),
    **dict.fromkeys(
        ("use_causal_mask", "attention_mask", "mask", "key_padding_mask", "sliding_window"),
        "attention with a mask is not supported, each frame attends to all frames of the clip",
    ),
    **dict.fromkeys(
        ("flash_attention", "return_attention_scores", "need_weights", "batch_first"),
        "leave it out, it does not change the output",
    ),
    **dict.fromkeys(("add_bias_kv", "add_zero_attn", "use_gate"), "attention with it is not supported"),
    "attention_axes": "leave it out, attention is along the frames of an input of frames x channels",
    "embed_dim": "its key_dim is embed_dim / num_heads, the number of channels of one head",
    **dict.fromkeys(("unroll", "use_cudnn", "time_major"), "leave it out, it does not change the values"),
    "stateful": "leave it out, each clip begins with a state of zeros",
    **dict.fromkeys(
        (
            *("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint"),
            *("bias_constraint", "W_regularizer", "b_regularizer", "trainable", "weight_decay"),
            *("track_running_stats", "inplace", "seed", "training", "recurrent_dropout"),
        ),
        "leave it out, it matters only in training",
    ),
    **dict.fromkeys(("data_format", "dim_ordering"), "leave it out, the channels are always the last axis"),
    "ceil_mode": "leave it out; where it is true, use padding: same if the sizes then agree",
    "dtype": "leave it out, it is always float32",
    "weights": "leave it out, the weights of the network are given in model.weights",
}
_EXAMPLE_VALUES = {
    "units": "10",
    "filters": "32",
    "kernel_size": "3",
    "pool_size": "2",
    "rate": "0.5",
    "n": "3",
    "num_heads": "4",
    "key_dim": "32",
}
_EXAMPLE_VALUES |= {
    "inputs": "[first, second]",
    "axis": "-1",
    "target_shape": "[96, -1]",
    "dims": "[2, 1, 3]",
}


def suggest_layer(name: object) -> str:
    """Return the end of a message about an unknown layer: what to write instead; "" if that is not known."""
    plain = str(name).partition("(")[0].rpartition(".")[2].lower()  # nn.Linear, tf.layers.conv2d, Dense(10)
    if plain in _HINTS_BY_UNKNOWN_LAYER:
        return f"; {_HINTS_BY_UNKNOWN_LAYER[plain]}"
    if plain in OTHER_NAMES:
        return f" (it is Activation: {{activation: {OTHER_NAMES[plain]}}} here)"
    match = re.fullmatch(r"(?P<base>.*?)_?((?P<axes>[123])d)?", plain)
    base, axes = (match["base"], int(match["axes"] or 2)) if match else (plain, 2)
    for kind in LAYER_KINDS.values():
        known = plain if plain in kind.other_names else base
        has_axes = kind.input_axes == axes or not re.search(r"\dD", kind.name)
        if known in kind.other_names and axes < 3 and has_axes:
            return f" (it is {kind.name}{kind.other_names[known]} here)"
    return ""


def suggest_argument(key: str, known: Sequence[str]) -> str:
    """Return the end of a message about an unknown argument: what to write instead; "" if that is not known.

    Args:
        key: the name of the unknown argument.
        known: Keras' names of the arguments that the layer has.
    """
    if key == "filters" and "depth_multiplier" in known:
        return "; it makes as many channels of each input channel as depth_multiplier says"
    if key in _HINTS_BY_UNKNOWN_ARGUMENT:
        return f"; {_HINTS_BY_UNKNOWN_ARGUMENT[key]}"
    if key == "kernel_size" and "pool_size" in known:
        return " (Keras' name is pool_size)"
    name = _KERAS_NAMES_BY_ARGUMENT.get(key, "")
    if key == "dropout" and name not in known:
        return "; leave it out, it matters only in training"
    if not name or not set(name.split(" and ")) <= set(known):
        return ""
    meaning = ", the share that is dropped" if key == "keep_prob" else ""
    return f" (Keras' name is {name}{meaning})"


def suggest_padding(kind: LayerKind, value: object) -> str:
    """Return the end of a message about a padding that is a number, as in PyTorch: what to write instead.

    Args:
        kind: the kind of the layer. For a layer that moves no window, the text is empty.
        value: the padding in the config.
    """
    sizes = value if isinstance(value, list) else [value]
    if kind.window_argument is None or not sizes or not all(type(n) is int and n >= 0 for n in sizes):
        return ""
    if not any(sizes):
        return "; PyTorch's padding of 0 is valid"
    if KernelLayout.TRANSPOSED in (array.layout for array in kind.arrays):
        layer = f"Cropping{kind.input_axes}D: {{cropping: {value}}}"
        return f"; for PyTorch's padding of {value} use valid, and put {layer} after it"
    layer = f"ZeroPadding{kind.input_axes}D: {{padding: {value}}}"
    instead = f"for PyTorch's padding of {value} put {layer} before it"
    if kind.window_argument == "pool_size":
        return f"; {instead} (zeros, while PyTorch's pooling ignores what it pads)"
    return f"; {instead}, or same, if strides are 1 and the size is to stay"


def format_example(arguments: Iterable[str]) -> str:
    """Return arguments with example values, as in YAML: `{filters: 32, kernel_size: 3}`."""
    examples = [f"{key}: {_EXAMPLE_VALUES[key]}" for key in arguments if key in _EXAMPLE_VALUES]
    return "{" + (", ".join(examples) or "name: my_layer") + "}"
