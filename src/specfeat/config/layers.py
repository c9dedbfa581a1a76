"""The layers that a config may name, their arguments, and how a list of them is read.

Two tables are the schema: `LAYERS` says which arguments each Keras class takes here, `ARGUMENTS`
what each argument may be. A class that runs code from data (Lambda, a custom object) is not in
them. Names, defaults and meanings are Keras' own, so what is left out is Keras' default.
"""

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from specfeat.config.tree import KeyPath

INPUT = "spectrogram"  # the name of the network's input, for `inputs:`
MAX_LAYERS = 10_000  # after repeats; the deepest known networks have some hundreds

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

Options = dict[str, Any]


class LayerError(ValueError):
    """A layer that the config may not have, with the path (below the list) where it stands."""

    def __init__(self, path: KeyPath, text: str, *, at_key: bool = False) -> None:
        super().__init__(text)
        self.path, self.text, self.at_key = path, text, at_key


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the network, checked but not yet built.

    Attributes:
        kind: the Keras class, e.g. "Conv2D".
        name: unique in the network.
        inputs: the names of the layers it reads, one or (for a merging layer) more.
        options: Keras' arguments, without name; lists are tuples.
        path: where in the config's list of layers it stands, for messages.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    options: Mapping[str, Any]
    path: KeyPath = field(compare=False)


# --- what an argument may be: a check returns None, or what was wanted ---------------------------


def _is_int(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def _whole(least: int) -> Callable[[object, int], str | None]:
    wanted = f"a whole number, {least} or more"
    return lambda value, _: None if _is_int(value, least) else wanted


def _number(low: float, high: float = float("inf")) -> Callable[[object, int], str | None]:
    wanted = f"a number from {low:g}" if math.isfinite(low) else "a number"
    wanted += f" to {high:g}" if math.isfinite(high) else ""

    def check(value: object, _: int) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return wanted
        return None if low <= value <= high else wanted

    return check


def _sizes(value: object, axes: int) -> str | None:
    if _is_int(value, 1):
        return None
    if isinstance(value, list) and len(value) == axes and all(_is_int(v, 1) for v in value):
        return None
    return f"a whole number, 1 or more{_or_list(axes)}"


def _or_list(axes: int) -> str:
    many = {1: "one of them", 2: "two: [frames, bins]", 3: "three"}
    return f", or a list of {many[axes]}" if axes else ""


def _margins(value: object, axes: int) -> str | None:
    """Keras' padding and cropping: n, [n, n] or [[before, after], [before, after]]."""
    if _is_int(value, 0):
        return None
    if isinstance(value, list) and len(value) == 2 and axes == 1 and all(_is_int(v, 0) for v in value):
        return None
    if isinstance(value, list) and len(value) == axes:
        pairs = [v if isinstance(v, list) else [v, v] for v in value]
        if all(len(pair) == 2 and all(_is_int(v, 0) for v in pair) for pair in pairs):
            return None
    return "a whole number, 0 or more, or [frames, bins], or [[before, after], [before, after]]"


def _choice(*names: str) -> Callable[[object, int], str | None]:
    def check(value: object, _: int) -> str | None:
        if isinstance(value, str) and value in names:
            return None
        return f"one of {', '.join(names)}{did_you_mean(value, names)}"

    return check


def _named(names: tuple[str, ...], what: str) -> Callable[[object, int], str | None]:
    def check(value: object, _: int) -> str | None:
        if value is None or (isinstance(value, str) and value in names):
            return None
        return f"the name of {what}{did_you_mean(value, names) or ': ' + ', '.join(names)}"

    return check


def _flag(value: object, _: int) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _axis(value: object, _: int) -> str | None:
    many = value if isinstance(value, list) else [value]
    fits = bool(many) and all(type(v) is int and v != 0 for v in many)
    return None if fits else "an axis: -1 (channels), 1 (frames), 2 (bins); 0 is the batch"


def _shape(value: object, _: int) -> str | None:
    fits = isinstance(value, list) and value and all(_is_int(v, 1) or v == -1 for v in value)
    return None if fits else "a list of whole numbers, -1 for what is left, e.g. [96, -1]"


def _order(value: object, _: int) -> str | None:
    axes = [v for v in value if type(v) is int] if isinstance(value, list) else []
    fits = bool(axes) and axes == value and sorted(axes) == list(range(1, len(axes) + 1))
    return None if fits else "the axes in their new order, counted from 1, e.g. [2, 1, 3]"


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
    "epsilon": _number(0.0),
    "momentum": _number(0.0, 1.0),
    "rate": _number(0.0, 1.0),
    "alpha": _number(0.0),
    "negative_slope": _number(0.0),
    "threshold": _number(0.0),
    "max_value": _number(0.0),
    "target_shape": _shape,
    "dims": _order,
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
    )
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a layer class takes: its axes beside batch and channels, and its arguments."""

    axes: int = 0
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    merges: bool = False


def _kind(axes: int, needs: str, takes: str = "") -> Kind:
    return Kind(axes, tuple(needs.split()), tuple(takes.split()))


_BIAS = "use_bias bias_initializer"
_CONV = f"strides padding dilation_rate groups activation kernel_initializer {_BIAS}"
_DEPTH = f"strides padding dilation_rate depth_multiplier activation depthwise_initializer {_BIAS}"
_POOL = "pool_size strides padding"
_NORM = "axis epsilon center scale beta_initializer gamma_initializer"

LAYERS: dict[str, Kind] = {
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
    "Dense": _kind(0, "units", f"activation kernel_initializer {_BIAS}"),
    "Activation": _kind(0, "activation"),
    "ReLU": _kind(0, "", "max_value negative_slope threshold"),
    "LeakyReLU": _kind(0, "", "negative_slope"),
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
    **{name: Kind(merges=True) for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")},
    "Concatenate": Kind(takes=("axis",), merges=True),
}

# One name, another meaning in these classes.
_OWN_ARGUMENTS: dict[tuple[str, str], Callable[[object, int], str | None]] = {
    ("ZeroPadding1D", "padding"): _margins,
    ("ZeroPadding2D", "padding"): _margins,
    ("Rescaling", "scale"): _number(float("-inf")),
    ("Rescaling", "offset"): _number(float("-inf")),
}


def did_you_mean(value: object, names: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for a near miss, else nothing."""
    known = {name.lower(): name for name in names}
    close = difflib.get_close_matches(str(value).lower(), known, n=1, cutoff=0.6)
    return f" (did you mean {known[close[0]]!r}?)" if close else ""


# --- reading the list ----------------------------------------------------------------------------


def parse_layers(items: object) -> tuple[Layer, ...]:
    """Read the config's list of layers, blocks repeated, names given and inputs resolved.

    Raises:
        LayerError: what is wrong, with its path below the list.
    """
    if not isinstance(items, list) and items is not None:
        raise LayerError((), f"is {shown(items)}; wanted a list of layers, e.g. [Flatten]")
    if not items:
        raise LayerError((), "has no layer, so the network has no output; wanted a list, e.g. [Flatten]")
    reader = _Reader()
    for path, item, index in _expand(items, (), None):
        reader.add(path, item, index)
    return tuple(reader.layers)


def _expand(
    items: list[object], base: KeyPath, index: int | None
) -> Iterator[tuple[KeyPath, object, int | None]]:
    """Yield each item of the list, a `repeat` block as often as it says, with its running index."""
    for i, item in enumerate(items):
        path = (*base, i)
        if not (isinstance(item, dict) and "repeat" in item):
            yield path, item, index
            continue
        unknown = sorted(set(item) - {"repeat", "first", "layers"})
        if unknown:
            raise LayerError(
                (*path, unknown[0]), "is not known here; a block has repeat, first and layers", at_key=True
            )
        times, first, inner = item["repeat"], item.get("first", 1), item.get("layers")
        if not _is_int(times, 1) or times > MAX_LAYERS:
            raise LayerError(
                (*path, "repeat"), f"is {shown(times)}; wanted a number from 1 to {MAX_LAYERS:,}"
            )
        if not _is_int(first, 0):
            raise LayerError((*path, "first"), f"is {shown(first)}; wanted the first value of $i, 0 or more")
        if not isinstance(inner, list) or not inner:
            raise LayerError(path, "repeats nothing; wanted a list of layers under `layers:`")
        for n in range(first, first + times):
            yield from _expand(inner, (*path, "layers"), n)


class _Reader:
    """Turns items into layers one by one; knows the names given so far."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.names: dict[str, KeyPath] = {INPUT: ()}
        self.taken = {INPUT}  # as Keras takes them
        self.counts: dict[str, int] = {}

    def add(self, path: KeyPath, item: object, index: int | None) -> None:
        if len(self.layers) >= MAX_LAYERS:
            raise LayerError(path, f"is layer number {MAX_LAYERS + 1:,}; the most is {MAX_LAYERS:,}")
        kind, raw = self._kind(path, item)
        path = (*path, kind) if isinstance(item, dict) else path
        options = dict(raw)
        name = self._name(path, kind, options.pop("name", None), index)
        inputs = self._inputs(path, kind, options.pop("inputs", None), index)
        for key, value in options.items():
            _check_argument(path, kind, key, value)
        for key in LAYERS[kind].needs:
            if key not in options:
                raise LayerError(path, f"has no {key}; {kind} needs it")
        self.names[name] = path
        self.taken.add(keras_name(name))
        frozen = {key: _tuples(value) for key, value in options.items()}
        self.layers.append(Layer(kind, name, inputs, frozen, path))

    def _kind(self, path: KeyPath, item: object) -> tuple[str, Options]:
        """Read `Conv2D: {filters: 32}`, or just `Flatten`."""
        if isinstance(item, str):
            kind, raw = item, None
        elif isinstance(item, dict) and len(item) == 1:
            kind, raw = next(iter(item.items()))
        elif isinstance(item, dict) and item:
            first = next((key for key in item if key in LAYERS), next(iter(item)))
            raise LayerError(
                path, f"has {len(item)} keys; wanted one layer, its arguments indented below {first!r}"
            )
        else:
            raise LayerError(path, f"is {shown(item)}; wanted a layer, e.g. Flatten or Dense: {{units: 10}}")
        if kind not in LAYERS:
            hint = did_you_mean(kind, LAYERS) or f"; known layers: {', '.join(LAYERS)}"
            raise LayerError(
                (*path, kind) if raw is not None else path,
                f"{kind!r} is not a layer that specfeat knows{hint}",
                at_key=True,
            )
        if raw is not None and not isinstance(raw, dict):
            raise LayerError((*path, kind), f"is {shown(raw)}; wanted arguments by name, e.g. {{units: 10}}")
        return kind, raw or {}

    def _name(self, path: KeyPath, kind: str, name: object, index: int | None) -> str:
        while name is None:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            free = f"{kind.lower()}_{self.counts[kind]}"
            name = None if free in self.taken else free
        if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
            raise LayerError((*path, "name"), f"is {shown(name)}; wanted 1 to 200 printable characters")
        name = _with_index(name, index)
        if keras_name(name) in self.taken:
            cure = "; write $i into the names of a repeated block" if index is not None else ""
            raise LayerError((*path, "name"), f"{name!r} is already the name of another layer{cure}")
        return name

    def _inputs(self, path: KeyPath, kind: str, given: object, index: int | None) -> tuple[str, ...]:
        merges = LAYERS[kind].merges
        if given is None and not merges:
            return (self.layers[-1].name if self.layers else INPUT,)
        names = [given] if isinstance(given, str) else given
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            at = (*path, "inputs") if given is not None else path
            raise LayerError(
                at, f"{kind} reads {shown(given)}; wanted `inputs: [name, name]`, names of earlier layers"
            )
        if (len(names) < 2) if merges else (len(names) != 1):
            wanted = "two inputs or more" if merges else "one input; join them first, e.g. with Concatenate"
            raise LayerError((*path, "inputs"), f"{kind} reads {len(names)}; wanted {wanted}")
        names = [_with_index(n, index) for n in names]
        for n in names:
            if n not in self.names:
                raise LayerError(
                    (*path, "inputs"),
                    f"{n!r} is not the name of an earlier layer{did_you_mean(n, self.names)}",
                )
        return tuple(names)


def keras_name(name: str) -> str:
    """Return the layer's name as Keras takes it: no slash, so a/b and a.b are the same name."""
    return name.replace("/", ".")


def _with_index(name: str, index: int | None) -> str:
    return name if index is None else name.replace("$i", str(index))


def _check_argument(path: KeyPath, kind: str, key: str, value: object) -> None:
    known = (*LAYERS[kind].needs, *LAYERS[kind].takes, "name", "inputs")
    if key not in known:
        hint = did_you_mean(key, known) or f"; it takes {', '.join(known)}"
        raise LayerError((*path, key), f"is not an argument of {kind}{hint}", at_key=True)
    check = _OWN_ARGUMENTS.get((kind, key)) or ARGUMENTS[key]
    wanted = check(value, LAYERS[kind].axes)
    if wanted:
        raise LayerError((*path, key), f"is {shown(value)}; wanted {wanted}")


def shown(value: object) -> str:
    """Show a wrong value as the YAML has it, short, and say when it is quoted text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "empty"
    text = repr(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"the text {text}" if isinstance(value, str) else text


def _tuples(value: object) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
