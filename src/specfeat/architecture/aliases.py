"""What other libraries call Keras' layers and arguments: a network copied from them is told how to go on.

Names only: what a layer of another library does is not known here, so nothing is translated.
"""

import re
from collections.abc import Callable, Collection, Iterable

# PyTorch's classes, TF-Slim's and tf.layers' functions, Keras 1's classes and Keras' own second names, in
# small letters and without their 1d and 2d: the layer here.
_LAYERS = {
    "convolution": "Conv{n}D",
    "atrousconvolution": "Conv{n}D, with dilation_rate",
    "separable_conv": "SeparableConv{n}D",
    "separableconvolution": "SeparableConv{n}D",
    "depthwise_conv": "DepthwiseConv{n}D",
    "maxpool": "MaxPooling{n}D",
    "max_pool": "MaxPooling{n}D",
    "max_pooling": "MaxPooling{n}D",
    "avgpool": "AveragePooling{n}D",
    "avg_pool": "AveragePooling{n}D",
    "averagepool": "AveragePooling{n}D",
    "average_pooling": "AveragePooling{n}D",
    "adaptiveavgpool": "GlobalAveragePooling{n}D, for a size of 1",
    "adaptivemaxpool": "GlobalMaxPooling{n}D, for a size of 1",
    "globalavgpool": "GlobalAveragePooling{n}D",
    "globalmaxpool": "GlobalMaxPooling{n}D",
    "batchnorm": "BatchNormalization",
    "batch_norm": "BatchNormalization",
    "batch_normalization": "BatchNormalization",
    "layernorm": "LayerNormalization",
    "layer_norm": "LayerNormalization",
    "groupnorm": "GroupNormalization",
    "group_norm": "GroupNormalization",
    "instancenorm": "GroupNormalization, as many groups as channels,",
    "l2_normalize": "UnitNormalization",
    "normalize": "UnitNormalization",
    "linear": "Dense",
    "fully_connected": "Dense",
    "fullyconnected": "Dense",
    "dropout2d": "SpatialDropout2D",
    "dropout1d": "SpatialDropout1D",
    "upsample": "UpSampling{n}D",
    "zeropad": "ZeroPadding{n}D",
    "constantpad": "ZeroPadding{n}D",
    "concat": "Concatenate",
    "cat": "Concatenate",
    "merge": "Add or Concatenate",
    "transpose": "Permute",
    "view": "Reshape or Flatten",
}
# Activations that are a layer elsewhere: Keras' name of them.
_ACTIVATIONS = {
    **{
        name: name
        for name in ("sigmoid", "tanh", "gelu", "silu", "selu", "celu", "mish", "softplus", "softsign")
    },
    **{"relu6": "relu6", "swish": "silu", "hardswish": "hard_silu", "hardsigmoid": "hard_sigmoid"},
    **{
        "logsoftmax": "log_softmax",
        "hardtanh": "hard_tanh",
        "hswish": "hard_silu",
        "hsigmoid": "hard_sigmoid",
    },
    **{"lrelu": "leaky_relu", "leakyrelu": "leaky_relu", "none": "linear", "identity": "linear"},
}
# What has no place in the list, and why.
_NONE = {
    "input": "the input's shape follows from spectrogram and clips",
    "inputlayer": "the input's shape follows from spectrogram and clips",
    "identity": "leave it out, and name its input where its output is read",
    "sequential": "write its layers one below the other, or with repeat: N",
    "model": "write its layers one below the other",
    "lambda": "nothing in a config is run as code; say it with the layers that are known",
    "timedistributed": "Dense works on the last axis as it is; for others Reshape before and after",
    **dict.fromkeys(
        ("lstm", "gru", "rnn", "simplernn", "bidirectional"), "recurrent layers are none of those known"
    ),
    **dict.fromkeys(("multiheadattention", "attention"), "attention is none of those known"),
    "unsqueeze": "Reshape adds an axis of 1",
    "squeeze": "Reshape takes an axis of 1 away",
}

# Arguments: what Keras calls them.
_ARGUMENTS = {
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
# Arguments that have nothing to say here.
_WITHOUT = {
    **dict.fromkeys(
        ("in_channels", "in_features", "num_features", "num_channels", "input_dim", "normalized_shape"),
        "leave it out, it follows from what the layer reads",
    ),
    **dict.fromkeys(
        ("input_shape", "batch_input_shape", "batch_shape", "batch_size"),
        "leave it out, the input's shape follows from spectrogram and clips",
    ),
    **dict.fromkeys(
        (
            *("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint"),
            *("bias_constraint", "W_regularizer", "b_regularizer", "trainable", "weight_decay"),
            *("track_running_stats", "inplace", "seed", "training"),
        ),
        "leave it out, it has a meaning in training alone",
    ),
    **dict.fromkeys(("data_format", "dim_ordering"), "leave it out, the channels come last always"),
    "ceil_mode": "leave it out, or where it is true use padding: same if the sizes then agree",
    "dtype": "leave it out, it is float32 always",
    "weights": "leave it out, the network's weights stand in model.weights",
}


# Keys of the spectrogram and its neighbours in papers, torchaudio, Kaldi, Essentia and TensorFlow's examples.
_KEYS = {
    **dict.fromkeys(("sr", "fs", "rate", "sampling_rate", "sample_frequency"), "sample_rate"),
    **dict.fromkeys(("window_size", "win_size", "window_length", "frame_length", "frame_size"), "win_length"),
    **dict.fromkeys(("hop_size", "hopsize", "frame_step", "frame_shift", "stride", "step"), "hop_length"),
    **dict.fromkeys(("nfft", "fft_size", "fft_length"), "n_fft"),
    **dict.fromkeys(("bands", "mel_bands", "n_bands", "num_mels", "num_mel_bins", "mel_bins"), "n_mels"),
    **dict.fromkeys(("f_min", "low_freq", "lower_edge_hertz", "mel_min_hz", "fmin_hz"), "fmin"),
    **dict.fromkeys(("f_max", "high_freq", "upper_edge_hertz", "mel_max_hz", "fmax_hz"), "fmax"),
    **dict.fromkeys(("duration", "length"), "seconds"),
    **dict.fromkeys(("num_frames", "n_frames", "patch_frames", "context"), "frames"),
    **dict.fromkeys(("log", "natural_log"), "ln"),
    **dict.fromkeys(("log_mel", "decibel", "decibels", "power_to_db"), "db"),
    **dict.fromkeys(("type", "representation"), "kind"),
    **dict.fromkeys(("network", "architecture"), "layers"),
    **dict.fromkeys(("output", "embedding", "feature", "output_layer"), "features"),
    **dict.fromkeys(("path", "checkpoint", "weights_file"), "file"),
    **dict.fromkeys(("seed", "init"), "random"),
}


_KEY_CURES = {
    "top_db": "; decibels below a clip's loudest are normalize: {clip: subtract_max, floor: -80}",
    "overlap": "; hop is from one clip's start to the next: the length less the overlap",
    "ref_db": "; decibels below a clip's loudest are normalize: {clip: subtract_max}",
}


def suggest_key(key: object, known: Collection[str], places: Callable[[str], Collection[str]]) -> str:
    """Say after an unknown key of the config what it is called here, or where it stands.

    Args:
        key: the key.
        known: those that its section has.
        places: gives the sections that have a key.
    """
    if key in _KEY_CURES:
        return _KEY_CURES[str(key)]
    name = _KEYS.get(str(key).lower(), str(key))
    if name in known:
        return f" (it is {name} here)"
    found = sorted(places(name))
    return f"; {name} stands in {' and in '.join(found)}" if found else ""


def suggest_activation(value: object) -> str:
    """Say after the name of an unknown activation what it is here."""
    plain = re.sub(r"[^a-z0-9]", "", str(value).rpartition(".")[2].lower())
    return f" (it is {_ACTIVATIONS[plain]} here)" if plain in _ACTIVATIONS else ""


def suggest_layer(name: object) -> str:
    """Say after the name of an unknown layer what it is here; nothing for a name that is not known."""
    plain = str(name).partition("(")[0].rpartition(".")[2].lower()  # nn.Linear, tf.layers.conv2d, Dense(10)
    if plain in _NONE:
        return f"; {_NONE[plain]}"
    if plain in _ACTIVATIONS:
        return f" (it is Activation: {{activation: {_ACTIVATIONS[plain]}}} here)"
    match = re.fullmatch(r"(.*?)_?([123]d)?", plain)
    base = match[1] if match else plain
    found = _LAYERS.get(plain) or _LAYERS.get(base)
    if not found or (match and match[2] == "3d"):
        return ""
    return f" (it is {found.format(n=plain[-2] if match and match[2] else 2)} here)"


def suggest_argument(key: str, known: tuple[str, ...]) -> str:
    """Say after the name of an unknown argument what Keras calls it, if it is one that the layer has."""
    if key == "filters" and "depth_multiplier" in known:
        return "; it makes depth_multiplier channels of each that it reads"
    if key in _WITHOUT:
        return f"; {_WITHOUT[key]}"
    if key == "kernel_size" and "pool_size" in known:
        return " (Keras' name is pool_size)"
    name = _ARGUMENTS.get(key, "")
    if not name or not set(name.split(" and ")) <= set(known):
        return ""
    share = ", the share that is dropped" if key == "keep_prob" else ""
    return f" (Keras' name is {name}{share})"


EXAMPLES = {"units": "10", "filters": "32", "kernel_size": "3", "pool_size": "2", "rate": "0.5", "n": "3"}
EXAMPLES |= {"inputs": "[one, other]", "axis": "-1", "target_shape": "[96, -1]", "dims": "[2, 1, 3]"}


def format_example(arguments: Iterable[str]) -> str:
    """Write some arguments as the YAML has them: `{filters: 32, kernel_size: 3}`."""
    shown = [f"{key}: {EXAMPLES[key]}" for key in arguments if key in EXAMPLES]
    return "{" + (", ".join(shown) or "name: it") + "}"


def suggest_padding(kind: str, value: object) -> str:
    """Say what PyTorch's padding by a number is here."""
    sizes = value if isinstance(value, list) else [value]
    if not all(type(size) is int and size >= 0 for size in sizes) or not sizes:
        return ""
    if not any(sizes):
        return "; PyTorch's padding of 0 is valid"
    cure = f"for PyTorch's padding of {value} put ZeroPadding{kind[-2:]}: {{padding: {value}}} before it"
    if "Pooling" in kind:
        return f"; {cure} (zeros, where PyTorch's pooling pads with nothing)"
    return f"; {cure}, or same, if strides are 1 and the size is to stay"
