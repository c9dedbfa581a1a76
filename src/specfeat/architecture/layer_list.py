"""Reads the config's list of layers: repeats its blocks, names its layers and finds their inputs."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from specfeat.architecture.aliases import format_example, suggest_argument, suggest_layer, suggest_padding
from specfeat.architecture.graph import INPUT_NAME, Layer, LayerListError, to_keras_name
from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.architecture.kinds.arguments import check_argument, is_whole_number
from specfeat.architecture.kinds.base import LayerKind
from specfeat.key_path import KeyPath
from specfeat.text import format_value, shorten_text, suggest_name

# The names that TensorFlow accepts as a scope, and $i, which stands for the number of a repetition.
_NAME_PATTERN = re.compile(r"[A-Za-z0-9.$][A-Za-z0-9._/$-]{0,199}")

MAX_LAYERS = 10_000  # after repeats; the deepest known networks have some hundreds
_MAX_NAME_LENGTH = 200  # characters of an unknown kind in a message; more would push out its other words


def parse_layers(items: object) -> tuple[Layer, ...]:
    """Return the layers of the config's list, with the blocks repeated and the inputs of each layer named.

    Args:
        items: the value of the config's key `layers`, as YAML gives it.

    Raises:
        LayerListError: the list has a mistake.
    """
    if not isinstance(items, list) and items is not None:
        raise LayerListError((), f"is {format_value(items)}; wanted a list of layers, e.g. [Flatten]")
    if not items:
        raise LayerListError((), "has no layer, so the network has no output; wanted a list, e.g. [Flatten]")
    reader = _LayerReader()
    for path, item, index in _repeat_blocks(items, (), None):
        reader.add_layer(path, item, index)
    return tuple(reader.layers)


def _repeat_blocks(
    items: list[object], base: KeyPath, index: int | None
) -> Iterator[tuple[KeyPath, object, int | None]]:
    """Yield each layer of the list; the layers of a `repeat` block once for each repetition.

    Args:
        items: a list of layers and blocks.
        base: the keys that lead to the list.
        index: the number of the repetition that the list is in; None outside all blocks.

    Yields:
        The keys that lead to the layer, the layer as YAML gives it, and the number that replaces $i in its
        name and its inputs.
    """
    for i, item in enumerate(items):
        path = (*base, i)
        if not (isinstance(item, dict) and "repeat" in item):
            yield path, item, index
            continue
        first, times, inner = _parse_block(path, item)
        for number in range(first, first + times):
            yield from _repeat_blocks(inner, (*path, "layers"), number)


def _parse_block(path: KeyPath, block: Mapping[str, Any]) -> tuple[int, int, list[object]]:
    """Return the first value of $i in a block, the number of repetitions, and the layers of the block."""
    unknown = sorted(set(block) - {"repeat", "first", "layers"})
    if unknown:
        text = "is not known here; a block has repeat, first and layers"
        raise LayerListError((*path, unknown[0]), text, at_key=True)
    times, first, inner = block["repeat"], block.get("first", 1), block.get("layers")
    if not is_whole_number(times, 1) or times > MAX_LAYERS:
        text = f"is {format_value(times)}; wanted a number from 1 to {MAX_LAYERS:,}"
        raise LayerListError((*path, "repeat"), text)
    if not is_whole_number(first, 0):
        text = f"is {format_value(first)}; wanted the first value of $i, 0 or more"
        raise LayerListError((*path, "first"), text)
    if not isinstance(inner, list) or not inner:
        raise LayerListError(path, "repeats nothing; wanted a list of layers under `layers:`")
    return first, times, inner


class _LayerReader:
    """Turns the items of the list into layers, one by one.

    Attributes:
        layers: the layers that have been read so far.
    """

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self._names = {INPUT_NAME}
        self._keras_names = {INPUT_NAME}
        self._counts: dict[str, int] = {}  # of layers without a name, by kind

    def add_layer(self, path: KeyPath, item: object, index: int | None) -> None:
        """Check one layer of the list and add it to `layers`.

        Args:
            path: the keys that lead to the layer.
            item: the layer as YAML gives it.
            index: the number that replaces $i; None outside all blocks.

        Raises:
            LayerListError: the layer has a mistake, or there are too many layers.
        """
        if len(self.layers) >= MAX_LAYERS:
            raise LayerListError(path, f"is layer number {MAX_LAYERS + 1:,}; wanted at most {MAX_LAYERS:,}")
        kind, arguments = _parse_item(path, item)
        path = (*path, kind.name) if isinstance(item, dict) else path
        options = dict(arguments)
        is_named = "name" in options and options["name"] is not None
        name = self._read_name(path, kind, options.pop("name", None), index)
        inputs = self._read_inputs(path, kind, options.pop("inputs", None), index)
        _check_arguments(path, kind, options)
        self._names.add(name)
        self._keras_names.add(to_keras_name(name))
        frozen_options = {key: _to_tuples(value) for key, value in options.items()}
        self.layers.append(Layer(kind.name, name, inputs, frozen_options, path, is_named))

    def _read_name(self, path: KeyPath, kind: LayerKind, name: object, index: int | None) -> str:
        """Return the layer's name; for a layer without one, the next free name of its kind ("conv2d_1")."""
        while name is None:
            self._counts[kind.name] = self._counts.get(kind.name, 0) + 1
            numbered = f"{kind.name.lower()}_{self._counts[kind.name]}"
            name = None if numbered in self._keras_names else numbered
        if not isinstance(name, str) or not _NAME_PATTERN.fullmatch(name):
            text = f"is {format_value(name)}; wanted letters, digits, . _ / - and $i"
            raise LayerListError((*path, "name"), text)
        name = _insert_index(name, index)
        if to_keras_name(name) in self._keras_names:
            suggestion = "; write $i into the names of a repeated block" if index is not None else ""
            text = f"{name!r} is already the name of another layer{suggestion}"
            raise LayerListError((*path, "name"), text)
        return name

    def _read_inputs(
        self, path: KeyPath, kind: LayerKind, inputs: object, index: int | None
    ) -> tuple[str, ...]:
        """Return the names of the layers that a layer reads; by default, it reads the layer before it."""
        if inputs is None and kind.min_inputs == 1:
            return (self.layers[-1].name if self.layers else INPUT_NAME,)
        names = [inputs] if isinstance(inputs, str) else inputs
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise LayerListError(
                (*path, "inputs") if inputs is not None else path,
                f"{kind.name} reads {'nothing' if inputs is None else format_value(inputs)}; "
                "wanted `inputs: [name, name]`, names of earlier layers",
            )
        if not kind.min_inputs <= len(names) <= (kind.max_inputs or len(names)):
            text = f"{kind.name} reads {len(names)}; wanted {_describe_input_count(kind)}"
            raise LayerListError((*path, "inputs"), text)
        names = [_insert_index(name, index) for name in names]
        for name in names:
            if name not in self._names:
                hint = _suggest_input(name, self._names)
                text = f"{name!r} is not the name of an earlier layer{hint}"
                raise LayerListError((*path, "inputs"), text)
        return tuple(names)


def _describe_input_count(kind: LayerKind) -> str:
    if kind.max_inputs is None:
        return "two inputs or more"
    if kind.max_inputs == 1:
        return "one input; join them first, e.g. with Concatenate"
    one = "one input, " if kind.min_inputs == 1 else ""
    return f"{one}[query, value] or [query, value, key]"


def _parse_item(path: KeyPath, item: object) -> tuple[LayerKind, Mapping[str, Any]]:
    """Return the kind and the arguments of a layer, which is `Conv2D: {filters: 32}` or only `Flatten`."""
    if isinstance(item, str):
        name, arguments = item, None
    elif isinstance(item, dict) and len(item) == 1:
        name, arguments = next(iter(item.items()))
    elif isinstance(item, dict) and item:
        words = [word for word in (*item, *item.values()) if isinstance(word, str) and word in LAYER_KINDS]
        first = words[0] if words else next(iter(item))
        text = f"has {len(item)} keys; wanted one layer, its arguments indented below {first!r}"
        raise LayerListError(path, text)
    else:
        text = f"is {format_value(item)}; wanted a layer, e.g. Flatten or Dense: {{units: 10}}"
        raise LayerListError(path, text)
    if name not in LAYER_KINDS:
        hint = _suggest_call(name) or suggest_layer(name) or suggest_name(name, LAYER_KINDS)
        hint = hint or f"; known layers: {', '.join(LAYER_KINDS)}"
        text = f"{shorten_text(repr(name), _MAX_NAME_LENGTH)} is not a layer that specfeat knows{hint}"
        raise LayerListError((*path, name) if arguments is not None else path, text, at_key=True)
    kind = LAYER_KINDS[name]
    if arguments is not None and not isinstance(arguments, dict):
        text = f"is {format_value(arguments)}; wanted arguments by name, e.g. {_format_arguments(kind)}"
        raise LayerListError((*path, name), text)
    return kind, arguments or {}


def _suggest_call(text: str) -> str:
    """Return what to write instead of a call as in Python, `Dense(10)`; "" if the text is no such call."""
    name, bracket, _ = text.partition("(")
    if not bracket or name not in LAYER_KINDS:
        return ""
    return f"; write {name}: {_format_arguments(LAYER_KINDS[name])}"


def _format_arguments(kind: LayerKind) -> str:
    return format_example(kind.required or kind.optional or ("inputs",))


def _suggest_input(name: str, names: Collection[str]) -> str:
    if name.lower() in ("input", "inputs", "input_1", "x"):
        return f"; the network's input is {INPUT_NAME!r}"
    return suggest_name(name, names)


def _insert_index(name: str, index: int | None) -> str:
    return name if index is None else name.replace("$i", str(index))


def _check_arguments(path: KeyPath, kind: LayerKind, options: Mapping[str, Any]) -> None:
    known = (*kind.arguments, "name", "inputs")
    for key, value in options.items():
        if key not in known:
            hint = (
                suggest_argument(key, known) or suggest_name(key, known) or f"; it takes {', '.join(known)}"
            )
            text = f"is not an argument of {kind.name}{hint}"
            raise LayerListError((*path, key), text, at_key=True)
        wanted = check_argument(kind.arguments[key], value)
        if wanted:
            hint = suggest_padding(kind, value) if key == "padding" else ""
            if isinstance(value, str) and value.startswith("("):
                hint = "; a list is written in square brackets"
            raise LayerListError((*path, key), f"is {format_value(value)}; wanted {wanted}{hint}")
    for key in kind.required:
        if key not in options:
            raise LayerListError(path, f"has no {key}; {kind.name} needs it")


def _to_tuples(value: object) -> Any:
    return tuple(_to_tuples(v) for v in value) if isinstance(value, list) else value
