"""Converts pydantic's errors to one message about the first mistake in the file."""

import re
from typing import Any, get_args

from pydantic import ValidationError

from specfeat.config.compression import Compress
from specfeat.config.config_tree import ConfigTree, Position
from specfeat.config.key_aliases import suggest_key
from specfeat.config.schema import find_sections_with, list_choices, list_keys
from specfeat.config.section import RULE_ERROR
from specfeat.config.spectrogram import ShapedWindow, Window
from specfeat.errors import ConfigError
from specfeat.key_path import Key, KeyPath
from specfeat.library_messages import shorten_pydantic_message
from specfeat.text import format_value, suggest_name


def _join_names(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


# What is wanted at places where a value may have several types. There, pydantic reports one error for each
# type, and none of them names all types.
_WANTED_BY_PATH: dict[KeyPath, str] = {
    (
        "audio",
        "channels",
    ): "mix, left, right, each, a channel's number from 0, or {stack: N} with N up to 64",
    ("spectrogram", "window"): (
        f"{_join_names(get_args(Window))}, or [name, parameter] with "
        f"{_join_names(get_args(get_args(ShapedWindow)[0]))}"
    ),
    ("spectrogram", "compress"): (
        f"{_join_names(tuple(Compress.model_fields))} with its settings, e.g. {{db: {{}}}}, or a list of "
        "up to 8 such steps"
    ),
    ("spectrogram", "compress", "db", "ref"): "a positive number, or max",
    ("spectrogram", "normalize", "file"): "mean_std, max or subtract_max",
    ("spectrogram", "normalize", "mean"): "a number, a list with one for each channel or band, or a file",
    (
        "spectrogram",
        "normalize",
        "std",
    ): ("a number above 0, a list with one for each channel or band, or a file"),
    ("spectrogram", "dither"): "a mapping with the standard deviation of the noise, e.g. {std: 1.0}",
    ("spectrogram", "padding"): "a list of two: the samples before the sound and those after it",
    ("spectrogram", "mel", "norm"): "slaney or null",
    ("spectrogram", "mfcc", "norm"): "ortho or null",
    ("spectrogram", "normalize", "clip"): "mean_std, max or subtract_max",
    ("model", "weights", "sha256"): "a SHA-256: 64 hexadecimal digits, as sha256sum prints them",
}
# What is wanted, for each of pydantic's names of error types.
_WANTED_BY_ERROR = {
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
# For error types about a bound: pydantic's name of the bound, and the text of the message.
_BOUNDS = {
    "greater_than_equal": ("ge", "{} or more"),
    "greater_than": ("gt", "more than {}"),
    "less_than_equal": ("le", "{} or less"),
    "less_than": ("lt", "less than {}"),
}
# What a message adds about a required key that is missing.
_MISSING_HINTS = {"weights": ": {file: PATH}, or {random: 0} to try the network without its weights"}


def make_validation_error(tree: ConfigTree, error: ValidationError) -> ConfigError:
    """Return the error for the first mistake in the file.

    Args:
        tree: the values that were validated, with their places.
        error: pydantic's error about these values.
    """
    problems = [
        ValidationProblem(tree, details)
        for details in error.errors(include_url=False)
        # pydantic adds this error if a default depends on another key (`kind`) that is wrong. The wrong key
        # has an error of its own.
        if details["type"] != "default_factory_not_called"
    ]
    # A required key that is misspelt is one mistake of the user, but two errors of pydantic: an unknown key
    # and a missing key. Only the first is reported.
    sections_with_misspelt_keys = {
        problem.path[:-1] for problem in problems if problem.is_unknown_key and problem.suggestion
    }
    problems = [
        problem
        for problem in problems
        if not (problem.is_missing_key and problem.path in sections_with_misspelt_keys)
    ]
    return min(problems, key=lambda problem: problem.position).make_error()


class ValidationProblem:
    """One of the mistakes that pydantic has found.

    Args:
        tree: the values that were validated, with their places.
        details: the mistake, as `ValidationError.errors` lists it.

    Attributes:
        path: the path of the wrong value or unknown key; for a missing key, the path of its section.
        is_missing_key: whether a required key is missing.
        is_unknown_key: whether a key has no meaning in its section.
    """

    def __init__(self, tree: ConfigTree, details: Any) -> None:
        self._tree = tree
        self._details = details
        self._context = details.get("ctx", {})
        self.is_missing_key: bool = details["type"] == "missing"
        self.is_unknown_key: bool = details["type"] == "extra_forbidden"
        location = details["loc"][:-1] if self.is_missing_key else details["loc"]
        self.path = _keep_written_keys(tree, location)
        if details["type"] == RULE_ERROR:
            self.path = (*self.path, *self._context["path"])

    @property
    def suggestion(self) -> str:
        """The suggestion for an unknown key that is similar to a known key; "" if there is none."""
        key, known_keys = self.path[-1], list_keys(self.path[:-1])
        return suggest_key(key, known_keys, find_sections_with) or suggest_name(key, known_keys)

    @property
    def position(self) -> Position:
        """Line and column of the problem; (0, 0) for an override, so that it comes before all lines."""
        for length in range(len(self.path), -1, -1):
            part = self.path[:length]
            if part in self._tree.overrides:
                break
            if part in self._tree.value_positions:
                return self._tree.value_positions[part]
        return (0, 0)

    def make_error(self) -> ConfigError:
        """Return the error that the user sees."""
        if self._details["type"] == RULE_ERROR:
            return self._tree.make_error(self.path, self._context["text"], at_key=self._context["at_key"])
        if self.is_unknown_key:
            hint = self.suggestion or f"; known: {', '.join(list_keys(self.path[:-1]))}"
            return self._tree.make_error(self.path, f"is not known here{hint}", at_key=True)
        if self.is_missing_key and not isinstance(self._details["loc"][-1], int):
            key = self._details["loc"][-1]
            text = f"has no {key!r}; it is required{_MISSING_HINTS.get(key, '')}"
            return self._tree.make_error(self.path, text, at_key=True)
        return self._tree.make_error(
            self.path, f"is {format_value(self._details['input'])}; wanted {self._describe_wanted()}"
        )

    def _describe_wanted(self) -> str:
        error_type, value = self._details["type"], self._details["input"]
        wanted = _WANTED_BY_PATH.get(_remove_step_number(self.path))
        if wanted:
            return wanted + suggest_name(value, re.findall(r"\w+", wanted))
        if error_type in _BOUNDS:
            key, text = _BOUNDS[error_type]
            bound = self._context[key]
            return text.format(f"{bound:,}" if bound >= 10_000 else f"{bound:g}")
        if error_type == "literal_error":
            choices = list_choices(self.path)
            return f"one of {', '.join(choices)}{suggest_name(value, choices)}"
        return _WANTED_BY_ERROR.get(error_type) or shorten_pydantic_message(str(self._details["msg"]))


def _remove_step_number(path: KeyPath) -> KeyPath:
    """Return a path without the number of a compression step, as `_WANTED_BY_PATH` has it."""
    is_step = path[:2] == ("spectrogram", "compress") and len(path) > 2 and isinstance(path[2], int)
    return (*path[:2], *path[3:]) if is_step else path


def _keep_written_keys(tree: ConfigTree, location: tuple[Key, ...]) -> KeyPath:
    """Return the keys of pydantic's location that are in the config.

    If a value may have several types, pydantic adds the name of a type to the location, between the keys.
    """
    value: Any = tree.data
    path: list[Key] = []
    for key in location:
        if isinstance(value, dict):
            is_written = key in value
        else:  # the location of a missing item of a list is not in the config
            is_written = isinstance(value, list) and isinstance(key, int) and key < len(value)
        if is_written:
            value = value[key]
            path.append(key)
    return tuple(path)
