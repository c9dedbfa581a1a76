"""The layers that a config may name, and their arguments.

Two tables are the schema: `LAYERS` says which arguments each Keras class takes here, `ARGUMENTS`
what each argument may be. A class that runs code from data (Lambda, a custom object) is not in
them. Names, defaults and meanings are Keras' own, so what is left out is Keras' default. Two are not
Keras' classes: `Picture`, and `Application`, which stands for the layers of one of keras.applications.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from specfeat.architecture.aliases import suggest_activation
from specfeat.text import suggest_name

ACTIVATIONS = (
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish"),
    *("hard_silu", "hard_swish", "sigmoid", "hard_sigmoid", "tanh", "hard_tanh", "softplus", "softsign"),
    *("softmax", "log_softmax", "exponential"),
)
INITIALIZERS = (
    *("zeros", "ones", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform"),
    *(
        "lecun_normal",
        "random_normal",
        "random_uniform",
        "truncated_normal",
        "variance_scaling",
        "orthogonal",
    ),
)

# Those of keras.applications that are made of plain layers, and what their own `preprocess_input` does to a
# picture: a mode of keras.applications.imagenet_utils.preprocess_input, or none.
APPLICATIONS = {
    **dict.fromkeys(("VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152"), "caffe"),
    **dict.fromkeys(("ResNet50V2", "ResNet101V2", "ResNet152V2", "MobileNet", "MobileNetV2"), "tf"),
    **dict.fromkeys(("InceptionV3", "Xception", "NASNetMobile", "NASNetLarge"), "tf"),
    **dict.fromkeys(("DenseNet121", "DenseNet169", "DenseNet201"), "torch"),
    **dict.fromkeys(
        (f"EfficientNet{size}" for size in ("B0", "B1", "B2", "B3", "B4", "B5", "B6", "B7")), "none"
    ),
    **dict.fromkeys((f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")), "none"),
}

# --- what an argument may be: a check returns None, or what was wanted ---------------------------


_TOO_LARGE = 2**31  # for a size or a number of anything


def is_whole_number(value: object, least: int) -> bool:
    """Whether a value is a whole number (and no boolean), `least` or more."""
    return type(value) is int and least <= value < _TOO_LARGE


def _whole(least: int) -> Callable[[object, int], str | None]:
    wanted = f"a whole number, {least} or more"
    return lambda value, _: None if is_whole_number(value, least) else wanted


def _number(low: float, high: float = float("inf")) -> Callable[[object, int], str | None]:
    wanted = f"a number from {low:g}" if math.isfinite(low) else "a number"
    wanted += f" to {high:g}" if math.isfinite(high) else ""

    def check(value: object, _: int) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return wanted
        return None if low <= value <= high else wanted

    return check


def _sizes(value: object, axes: int) -> str | None:
    if is_whole_number(value, 1):
        return None
    if isinstance(value, list) and len(value) == axes and all(is_whole_number(v, 1) for v in value):
        return None
    return f"a whole number, 1 or more{_or_list(axes)}"


def _or_list(axes: int) -> str:
    many = {1: "one of them", 2: "two: [frames, bins]", 3: "three"}
    return f", or a list of {many[axes]}" if axes else ""


def _margins(value: object, axes: int) -> str | None:
    """Keras' padding and cropping: n, [n, n] or [[before, after], [before, after]]."""
    if is_whole_number(value, 0):
        return None
    if (
        isinstance(value, list)
        and len(value) == 2
        and axes == 1
        and all(is_whole_number(v, 0) for v in value)
    ):
        return None
    if isinstance(value, list) and len(value) == axes:
        pairs = [v if isinstance(v, list) else [v, v] for v in value]
        if all(len(pair) == 2 and all(is_whole_number(v, 0) for v in pair) for pair in pairs):
            return None
    return "a whole number, 0 or more, or [frames, bins], or [[before, after], [before, after]]"


def _choice(*names: str) -> Callable[[object, int], str | None]:
    def check(value: object, _: int) -> str | None:
        if isinstance(value, str) and value in names:
            return None
        return f"one of {', '.join(names)}{suggest_name(value, names)}"

    return check


def _named(names: tuple[str, ...], what: str) -> Callable[[object, int], str | None]:
    def check(value: object, _: int) -> str | None:
        if value is None or (isinstance(value, str) and value in names):
            return None
        hint = suggest_activation(value) if names is ACTIVATIONS else ""
        return f"the name of {what}{hint or suggest_name(value, names) or ': ' + ', '.join(names)}"

    return check


def _flag(value: object, _: int) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _axis(value: object, _: int) -> str | None:
    many = value if isinstance(value, list) else [value]
    fits = bool(many) and all(type(v) is int and v != 0 for v in many)
    return None if fits else "an axis: -1 (channels), 1 (frames), 2 (bins); 0 is the batch"


def _one_axis(value: object, _: int) -> str | None:
    return (
        _axis(value, 0) if not isinstance(value, list) else "one axis: -1 (channels), 1 (frames) or 2 (bins)"
    )


def _shared(value: object, _: int) -> str | None:
    many = value if isinstance(value, list) else [value]
    fits = bool(many) and all(is_whole_number(v, 1) for v in many)
    return None if fits else "axes that share a slope, counted from 1: [1, 2] for one slope a channel"


def _shape(value: object, _: int) -> str | None:
    fits = isinstance(value, list) and value and all(is_whole_number(v, 1) or v == -1 for v in value)
    return None if fits else "a list of whole numbers, -1 for what is left, e.g. [96, -1]"


def _order(value: object, _: int) -> str | None:
    axes = [v for v in value if type(v) is int] if isinstance(value, list) else []
    fits = bool(axes) and axes == value and sorted(axes) == list(range(1, len(axes) + 1))
    return None if fits else "the axes in their new order, counted from 1, e.g. [2, 1, 3]"


def _text(value: object, _: int) -> str | None:
    return None if isinstance(value, str) and value else "a name"


def _range(value: object, _: int) -> str | None:
    number = _number(float("-inf"))
    pair = value if isinstance(value, list) and len(value) == 2 else []
    fits = bool(pair) and not any(number(v, 0) for v in pair) and pair[0] < pair[1]
    return None if fits else "two numbers, the lower one first, e.g. [-80, 0]"


ARGUMENTS: dict[str, Callable[[object, int], str | None]] = {
    "filters": _whole(1),
    "units": _whole(1),
    "n": _whole(1),
    "groups": _whole(1),
    "depth_multiplier": _whole(1),
    "kernel_size": _sizes,
    "pool_size": _sizes,
    "size": _sizes,
    "strides": _sizes,
    "dilation_rate": _sizes,
    "padding": _choice("valid", "same"),
    "cropping": _margins,
    "interpolation": _choice("nearest", "bilinear"),
    "activation": _named(ACTIVATIONS, "an activation"),
    "use_bias": _flag,
    "keepdims": _flag,
    "center": _flag,
    "scale": _flag,
    "axis": _axis,
    "shared_axes": _shared,
    "epsilon": _number(0.0),
    "momentum": _number(0.0, 1.0),
    "rate": _number(0.0, 1.0),
    "alpha": _number(0.0),
    "negative_slope": _number(0.0),
    "threshold": _number(0.0),
    "max_value": _number(0.0),
    "target_shape": _shape,
    "dims": _order,
    "height": _whole(1),
    "width": _whole(1),
    "colormap": _text,
    "range": _range,
    "application": _choice(*APPLICATIONS),
    "include_top": _flag,
    "output": _text,
    "preprocess": _choice("caffe", "tf", "torch", "none"),
} | {
    f"{what}_initializer": _named(INITIALIZERS, "an initializer")
    for what in (
        "kernel",
        "bias",
        "depthwise",
        "pointwise",
        "beta",
        "gamma",
        "moving_mean",
        "moving_variance",
        "alpha",
    )
}


@dataclass(frozen=True, slots=True)
class LayerKind:
    """What a layer class takes: its axes beside batch and channels, and its arguments."""

    axes: int = 0
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    merges: bool = False


def _kind(axes: int, needs: str, takes: str = "") -> LayerKind:
    return LayerKind(axes, tuple(needs.split()), tuple(takes.split()))


_BIAS = "use_bias bias_initializer"
_CONV = f"strides padding dilation_rate groups activation kernel_initializer {_BIAS}"
_DEPTH = f"strides padding dilation_rate depth_multiplier activation depthwise_initializer {_BIAS}"
_POOL = "pool_size strides padding"
_NORM = "axis epsilon center scale beta_initializer gamma_initializer"

LAYERS: dict[str, LayerKind] = {
    "Conv1D": _kind(1, "filters kernel_size", _CONV),
    "Conv2D": _kind(2, "filters kernel_size", _CONV),
    "DepthwiseConv1D": _kind(1, "kernel_size", _DEPTH),
    "DepthwiseConv2D": _kind(2, "kernel_size", _DEPTH),
    "SeparableConv1D": _kind(1, "filters kernel_size", f"{_DEPTH} pointwise_initializer"),
    "SeparableConv2D": _kind(2, "filters kernel_size", f"{_DEPTH} pointwise_initializer"),
    "MaxPooling1D": _kind(1, "", _POOL),
    "MaxPooling2D": _kind(2, "", _POOL),
    "AveragePooling1D": _kind(1, "", _POOL),
    "AveragePooling2D": _kind(2, "", _POOL),
    "GlobalMaxPooling1D": _kind(1, "", "keepdims"),
    "GlobalMaxPooling2D": _kind(2, "", "keepdims"),
    "GlobalAveragePooling1D": _kind(1, "", "keepdims"),
    "GlobalAveragePooling2D": _kind(2, "", "keepdims"),
    "UpSampling1D": _kind(1, "", "size"),
    "UpSampling2D": _kind(2, "", "size interpolation"),
    "ZeroPadding1D": _kind(1, "", "padding"),
    "ZeroPadding2D": _kind(2, "", "padding"),
    "Cropping1D": _kind(1, "", "cropping"),
    "Cropping2D": _kind(2, "", "cropping"),
    "BatchNormalization": _kind(
        0, "", f"{_NORM} momentum moving_mean_initializer moving_variance_initializer"
    ),
    "LayerNormalization": _kind(0, "", _NORM),
    "GroupNormalization": _kind(0, "", f"groups {_NORM}"),
    "UnitNormalization": _kind(0, "", "axis"),
    "Dense": _kind(0, "units", f"activation kernel_initializer {_BIAS}"),
    "Activation": _kind(0, "activation"),
    "ReLU": _kind(0, "", "max_value negative_slope threshold"),
    "LeakyReLU": _kind(0, "", "negative_slope"),
    "PReLU": _kind(0, "", "shared_axes alpha_initializer"),
    "ELU": _kind(0, "", "alpha"),
    "Softmax": _kind(0, "", "axis"),
    "Dropout": _kind(0, "rate"),
    "SpatialDropout1D": _kind(1, "rate"),
    "SpatialDropout2D": _kind(2, "rate"),
    "Flatten": _kind(0, ""),
    "Reshape": _kind(0, "target_shape"),
    "Permute": _kind(0, "dims"),
    "RepeatVector": _kind(0, "n"),
    "Rescaling": _kind(0, "scale", "offset"),
    "Resizing": _kind(2, "height width", "interpolation"),
    "Picture": _kind(2, "colormap range"),
    "Application": _kind(2, "application", "include_top output preprocess"),
    **{
        name: LayerKind(merges=True)
        for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
    },
    "Concatenate": LayerKind(takes=("axis",), merges=True),
}

# One name, another meaning in these classes.
_OWN_ARGUMENTS: dict[tuple[str, str], Callable[[object, int], str | None]] = {
    ("ZeroPadding1D", "padding"): _margins,
    ("ZeroPadding2D", "padding"): _margins,
    ("BatchNormalization", "axis"): _one_axis,
    ("GroupNormalization", "axis"): _one_axis,
    ("Concatenate", "axis"): _one_axis,
    ("Rescaling", "scale"): _number(float("-inf")),
    ("Rescaling", "offset"): _number(float("-inf")),
}


def check_argument(kind: str, key: str, value: object) -> str | None:
    """Say what was wanted of a known layer's known argument, or None if the value will do."""
    check = _OWN_ARGUMENTS.get((kind, key)) or ARGUMENTS[key]
    wanted = check(value, LAYERS[kind].axes)
    many = value if isinstance(value, list) else [value]
    if wanted and any(type(v) is int and v >= _TOO_LARGE for v in many):
        wanted += f", below {_TOO_LARGE:,}"
    return wanted
