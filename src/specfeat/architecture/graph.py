"""The network of a config, as a graph of layers: how its list is read, blocks repeated, inputs found."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from specfeat.architecture.aliases import format_example, suggest_argument, suggest_layer, suggest_padding
from specfeat.architecture.layers import LAYERS, check_argument, is_whole_number
from specfeat.key_path import KeyPath
from specfeat.text import format_value, suggest_name

INPUT_NAME = "spectrogram"  # the name of the network's input, for `inputs:`
_NAME = re.compile(r"[A-Za-z0-9.$][A-Za-z0-9._/$-]{0,199}")  # what TensorFlow takes as a scope, and $i

MAX_LAYERS = 10_000  # after repeats; the deepest known networks have some hundreds

Options = dict[str, Any]
Shape = tuple[int, ...]


class LayerFitError(ValueError):
    """A layer that does not fit the layers before it.

    Attributes:
        layer: the layer.
        reason: what is wrong, to be written after the layer's kind and name.
    """

    def __init__(self, layer: "Layer", reason: str) -> None:
        super().__init__(f"{layer.kind} {layer.name!r} {reason}")
        self.layer, self.reason = layer, reason


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


@dataclass(frozen=True, slots=True)
class LayerGraph:
    """The layers of a network, and the shape of what goes into it.

    Attributes:
        layers: in the config's order; each reads only layers before it, or the input.
        input_shape: of one clip, without the batch: (frames, bins, channels).
    """

    layers: tuple[Layer, ...]
    input_shape: Shape


def parse_layers(items: object) -> tuple[Layer, ...]:
    """Read the config's list of layers, blocks repeated, names given and inputs resolved.

    Raises:
        LayerError: what is wrong, with its path below the list.
    """
    if not isinstance(items, list) and items is not None:
        raise LayerError((), f"is {format_value(items)}; wanted a list of layers, e.g. [Flatten]")
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
        if not is_whole_number(times, 1) or times > MAX_LAYERS:
            raise LayerError(
                (*path, "repeat"), f"is {format_value(times)}; wanted a number from 1 to {MAX_LAYERS:,}"
            )
        if not is_whole_number(first, 0):
            raise LayerError(
                (*path, "first"), f"is {format_value(first)}; wanted the first value of $i, 0 or more"
            )
        if not isinstance(inner, list) or not inner:
            raise LayerError(path, "repeats nothing; wanted a list of layers under `layers:`")
        for n in range(first, first + times):
            yield from _expand(inner, (*path, "layers"), n)


class _Reader:
    """Turns items into layers one by one; knows the names given so far."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.names: dict[str, KeyPath] = {INPUT_NAME: ()}
        self.taken = {INPUT_NAME}  # as Keras takes them
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
        self.taken.add(to_keras_name(name))
        frozen = {key: _tuples(value) for key, value in options.items()}
        self.layers.append(Layer(kind, name, inputs, frozen, path))

    def _kind(self, path: KeyPath, item: object) -> tuple[str, Options]:
        """Read `Conv2D: {filters: 32}`, or just `Flatten`."""
        if isinstance(item, str):
            kind, raw = item, None
        elif isinstance(item, dict) and len(item) == 1:
            kind, raw = next(iter(item.items()))
        elif isinstance(item, dict) and item:
            first = next((key for key in (*item, *item.values()) if _is_kind(key)), next(iter(item)))
            raise LayerError(
                path, f"has {len(item)} keys; wanted one layer, its arguments indented below {first!r}"
            )
        else:
            raise LayerError(
                path, f"is {format_value(item)}; wanted a layer, e.g. Flatten or Dense: {{units: 10}}"
            )
        if kind not in LAYERS:
            hint = _called(kind) or suggest_layer(kind) or suggest_name(kind, LAYERS)
            hint = hint or f"; known layers: {', '.join(LAYERS)}"
            raise LayerError(
                (*path, kind) if raw is not None else path,
                f"{kind!r} is not a layer that specfeat knows{hint}",
                at_key=True,
            )
        if raw is not None and not isinstance(raw, dict):
            some = format_example(LAYERS[kind].needs or LAYERS[kind].takes or ("inputs",))
            raise LayerError((*path, kind), f"is {format_value(raw)}; wanted arguments by name, e.g. {some}")
        return kind, raw or {}

    def _name(self, path: KeyPath, kind: str, name: object, index: int | None) -> str:
        while name is None:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            free = f"{kind.lower()}_{self.counts[kind]}"
            name = None if free in self.taken else free
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise LayerError(
                (*path, "name"), f"is {format_value(name)}; wanted letters, digits, . _ / - and $i"
            )
        name = _with_index(name, index)
        if to_keras_name(name) in self.taken:
            cure = "; write $i into the names of a repeated block" if index is not None else ""
            raise LayerError((*path, "name"), f"{name!r} is already the name of another layer{cure}")
        return name

    def _inputs(self, path: KeyPath, kind: str, given: object, index: int | None) -> tuple[str, ...]:
        merges = LAYERS[kind].merges
        if given is None and not merges:
            return (self.layers[-1].name if self.layers else INPUT_NAME,)
        names = [given] if isinstance(given, str) else given
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            at = (*path, "inputs") if given is not None else path
            raise LayerError(
                at,
                f"{kind} reads {'nothing' if given is None else format_value(given)}; "
                "wanted `inputs: [name, name]`, names of earlier layers",
            )
        if (len(names) < 2) if merges else (len(names) != 1):
            wanted = "two inputs or more" if merges else "one input; join them first, e.g. with Concatenate"
            raise LayerError((*path, "inputs"), f"{kind} reads {len(names)}; wanted {wanted}")
        names = [_with_index(n, index) for n in names]
        for n in names:
            if n not in self.names:
                raise LayerError(
                    (*path, "inputs"),
                    f"{n!r} is not the name of an earlier layer{_meant(n, self.names)}",
                )
        return tuple(names)


def to_keras_name(name: str) -> str:
    """Return the layer's name as Keras takes it: no slash, so a/b and a.b are the same name."""
    return name.replace("/", ".")


def list_in_keras_order(layers: Sequence[Layer]) -> list[str]:
    """Return the names in the order in which Keras lists a model's layers, and so numbers them in its files.

    What is farthest from an end of the network comes first; of layers equally far, that which is met first on
    the way back from the ends. Without branches this is the order of the config.
    """
    inputs = {layer.name: layer.inputs for layer in layers}
    used = {name for layer in layers for name in layer.inputs}
    met: dict[str, None] = {}
    pending = [layer.name for layer in reversed(layers) if layer.name not in used]
    while pending:
        name = pending.pop()
        if name in inputs and name not in met:
            met[name] = None
            pending += reversed(inputs[name])
    depth = dict.fromkeys(inputs, 0)
    for layer in reversed(layers):
        for name in layer.inputs:
            depth[name] = max(depth.get(name, 0), depth[layer.name] + 1)
    return sorted(met, key=lambda name: -depth[name])


def _is_kind(key: object) -> bool:
    return isinstance(key, str) and key in LAYERS


def _called(kind: str) -> str:
    """The cure for a layer that is called as in Python: `Dense(10)`."""
    name, bracket, _ = kind.partition("(")
    if not bracket or name not in LAYERS:
        return ""
    return f"; write {name}: {format_example(LAYERS[name].needs or LAYERS[name].takes or ('inputs',))}"


def _meant(name: str, names: Collection[str]) -> str:
    if name.lower() in ("input", "inputs", "input_1", "x"):
        return f"; the network's input is {INPUT_NAME!r}"
    return suggest_name(name, names)


def _with_index(name: str, index: int | None) -> str:
    return name if index is None else name.replace("$i", str(index))


def _check_argument(path: KeyPath, kind: str, key: str, value: object) -> None:
    known = (*LAYERS[kind].needs, *LAYERS[kind].takes, "name", "inputs")
    if key not in known:
        hint = suggest_argument(key, known) or suggest_name(key, known) or f"; it takes {', '.join(known)}"
        raise LayerError((*path, key), f"is not an argument of {kind}{hint}", at_key=True)
    wanted = check_argument(kind, key, value)
    if wanted:
        hint = suggest_padding(kind, value) if key == "padding" and "strides" in known else ""
        if isinstance(value, str) and value.startswith("("):
            hint = "; a list stands in square brackets"
        raise LayerError((*path, key), f"is {format_value(value)}; wanted {wanted}{hint}")


def _tuples(value: object) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
