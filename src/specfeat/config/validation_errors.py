"""What pydantic says of a wrong value, as one sentence with its place."""

import re
from functools import cached_property
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from specfeat.config.key_aliases import suggest_key
from specfeat.config.settings import Settings
from specfeat.config.yaml_tree import ConfigTree
from specfeat.errors import ConfigError
from specfeat.key_path import KeyPath, format_key_path
from specfeat.library_messages import list_expected_names, shorten_pydantic_message
from specfeat.text import format_value, suggest_name

# Where the config may speak seconds: (section, key) -> the key that keeps the integer.
KEYS_IN_SECONDS = {
    ("spectrogram", "win_seconds"): "win_length",
    ("spectrogram", "hop_seconds"): "hop_length",
    ("clips", "seconds"): "frames",
    ("clips", "hop_seconds"): "hop",
}

# What may stand where pydantic would tell of each kind of value apart.
_WANTED: dict[KeyPath, str] = {
    ("audio", "channels"): "mix, left, right or a channel's number, from 0",
    (
        "spectrogram",
        "window",
    ): "hann, hamming, blackman, blackmanharris, nuttall, flattop, bartlett, povey or "
    "boxcar, or [name, parameter] with kaiser, gaussian, tukey, general_hamming or chebwin",
    ("spectrogram", "compress"): "ln, db, log10, power or pcen with its settings, e.g. {db: {}}",
    ("spectrogram", "normalize", "mean"): "a number, or a list with one for each channel",
    ("spectrogram", "normalize", "std"): "a number above 0, or a list with one for each channel",
    ("spectrogram", "mel", "norm"): "slaney or null",
    ("spectrogram", "mfcc", "norm"): "ortho or null",
    ("spectrogram", "normalize", "clip"): "mean_std, max or subtract_max",
    ("model", "weights", "sha256"): "a SHA-256: 64 hexadecimal digits, as sha256sum prints them",
}
_REQUIRED = {"weights": ": {file: PATH}, or {random: 0} to try the network without its weights"}
_BY_TYPE = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number that is not so long",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "some text",
    "list_type": "a list",
    "tuple_type": "a list",
    "model_type": "a mapping, its keys indented below",
    "model_attributes_type": "a mapping, its keys indented below",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "{} or more"),
    "greater_than": ("gt", "more than {}"),
    "less_than_equal": ("le", "{} or less"),
    "less_than": ("lt", "less than {}"),
}


class ValidationProblem:
    """One of pydantic's errors.

    Attributes:
        path: where in the config; for a missing key, the section that lacks it.
        missing: a required key is not there.
        unknown: a key that is there is not known.
    """

    def __init__(self, tree: ConfigTree, error: Any) -> None:
        self._tree = tree
        self._error = error
        self._context = error.get("ctx", {})
        self.missing: bool = error["type"] == "missing"
        self.unknown: bool = error["type"] == "extra_forbidden"
        self.path = _path(tree, error["loc"])
        if self.missing:
            self.path = _path(tree, error["loc"][:-1])
        if error["type"] == "specfeat":
            self.path = (*self.path, *self._context["path"])

    @cached_property
    def near(self) -> str:
        """The hint for an unknown key that is nearly a known one."""
        known = _fields(self.path[:-1])
        hint = suggest_key(self.path[-1], known, lambda name: _sections_with(name, Settings, ()))
        return hint or suggest_name(self.path[-1], known)

    @property
    def place(self) -> tuple[int, int]:
        """Line and column, (0, 0) for what the command line gave, so that the first problem can be told."""
        for length in range(len(self.path), -1, -1):
            if self.path[:length] in self._tree.overrides:
                break
            if self.path[:length] in self._tree.places:
                return self._tree.places[self.path[:length]]
        return (0, 0)

    def error(self) -> ConfigError:
        """Make the error that the user sees."""
        if self._error["type"] == "specfeat":
            return self._tree.error(self.path, self._context["text"], at_key=self._context["at_key"])
        if self.unknown:
            known = self.near or f"; known: {', '.join(_fields(self.path[:-1]))}"
            return self._tree.error(self.path, f"is not known here{known}", at_key=True)
        if self.missing:
            key = self._error["loc"][-1]
            text = f"has no {key!r}; it is required{_REQUIRED.get(key, '')}"
            return self._tree.error(self.path, text, at_key=True)
        return self._tree.error(
            self.path, f"is {format_value(self._error['input'])}; wanted {self._wanted()}"
        )

    def _wanted(self) -> str:
        kind = self._error["type"]
        if self.path in _WANTED:
            wanted = _WANTED[self.path]
            return wanted + suggest_name(self._error["input"], re.findall(r"\w+", wanted))
        if kind in _BOUNDS:
            key, words = _BOUNDS[kind]
            bound = self._context[key]
            return words.format(f"{bound:,}" if bound >= 10_000 else f"{bound:g}")
        if kind == "literal_error":
            names = list_expected_names(self._context["expected"])
            return f"one of {', '.join(names)}{suggest_name(self._error['input'], names)}"
        return _BY_TYPE.get(kind) or shorten_pydantic_message(str(self._error["msg"]))


def _path(tree: ConfigTree, loc: tuple[str | int, ...]) -> KeyPath:
    """Keep of pydantic's location the part that the YAML has: it adds the names of union members."""
    at: Any = tree.data
    path: list[str | int] = []
    for key in loc:
        if isinstance(at, dict):
            is_there = key in at
        else:  # a list that is too short for what it stands for has no place of what it lacks
            is_there = isinstance(at, list) and isinstance(key, int) and key < len(at)
        if is_there:
            at = at[key]
            path.append(key)
    return tuple(path)


def _fields(path: KeyPath) -> list[str]:
    """List the keys that the section at `path` knows."""
    model: Any = Settings
    for key in path:
        if isinstance(key, int) or model is None:
            return []
        model = _section(model.model_fields[key].annotation)
    names = list(model.model_fields) if model else []
    return names + [key for (section, key) in KEYS_IN_SECONDS if path == (section,)]


def _sections_with(key: str, model: type[BaseModel], path: KeyPath) -> list[str]:
    """Find the sections of the config that have a key."""
    found = [format_key_path(path)] if key in model.model_fields and path else []
    for name, field in model.model_fields.items():
        inner = _section(field.annotation)
        found += _sections_with(key, inner, (*path, name)) if inner else []
    return found


def _section(annotation: Any) -> type[BaseModel] | None:
    """Find the section in an annotation such as `Annotated[Mel, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return next(filter(None, map(_section, get_args(annotation))), None)
    return None
