"""What the arguments of layers may be.

Each class here is a type of argument. Its `check` returns None for a value that is allowed; for another it
returns what is wanted instead, in words that follow "wanted".
"""

import math
from dataclasses import dataclass
from typing import Protocol

from specfeat.architecture.kinds.activation_names import ACTIVATIONS, suggest_activation
from specfeat.text import suggest_name

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
MAX_SIZE = 2**31  # a size or a number of anything is below it


class ArgumentType(Protocol):
    """A type of argument."""

    def check(self, value: object) -> str | None:
        """Return None if the value is allowed, or what is wanted instead."""


def is_whole_number(value: object, least: int) -> bool:
    """Return whether a value is a whole number (and not a boolean), `least` or more."""
    return type(value) is int and least <= value < MAX_SIZE


def check_argument(argument: ArgumentType, value: object) -> str | None:
    """Return what is wanted instead of a value, or None if the value is allowed."""
    wanted = argument.check(value)
    values = value if isinstance(value, list) else [value]
    if wanted and any(type(v) is int and v >= MAX_SIZE for v in values):
        wanted += f", below {MAX_SIZE:,}"
    return wanted


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number.

    Attributes:
        least: the smallest that is allowed.
    """

    least: int = 1

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        return None if is_whole_number(value, self.least) else f"a whole number, {self.least} or more"


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number.

    Attributes:
        lowest: the lowest that is allowed.
        highest: the highest that is allowed.
    """

    lowest: float = -math.inf
    highest: float = math.inf

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        if self.is_allowed(value):
            return None
        lowest = f" from {self.lowest:g}" if math.isfinite(self.lowest) else ""
        highest = f" to {self.highest:g}" if math.isfinite(self.highest) else ""
        return f"a number{lowest}{highest}"

    def is_allowed(self, value: object) -> bool:
        """Return whether the value is a number within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        return self.lowest <= value <= self.highest


@dataclass(frozen=True, slots=True)
class Sizes:
    """A size for every spatial axis, or a list with one for each.

    Attributes:
        axes: how many spatial axes there are.
    """

    axes: int

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        if is_whole_number(value, 1):
            return None
        if isinstance(value, list) and len(value) == self.axes and all(is_whole_number(v, 1) for v in value):
            return None
        return f"a whole number, 1 or more, or a list of {'one' if self.axes == 1 else 'two: [frames, bins]'}"


@dataclass(frozen=True, slots=True)
class Margins:
    """Keras' padding and cropping: n, or for one axis [before, after], or for two [n, n] or two such pairs.

    Attributes:
        axes: how many spatial axes there are.
    """

    axes: int

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        if is_whole_number(value, 0):
            return None
        sides = value if isinstance(value, list) else []
        if self.axes == 1:
            return None if _is_pair(sides) else "a whole number, 0 or more, or [before, after]"
        if len(sides) == self.axes and all(is_whole_number(v, 0) or _is_pair(v) for v in sides):
            return None
        return "a whole number, 0 or more, or [frames, bins], or [[before, after], [before, after]]"


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(is_whole_number(v, 0) for v in value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words.

    Attributes:
        names: the words.
    """

    names: tuple[str, ...]

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        if isinstance(value, str) and value in self.names:
            return None
        return f"one of {', '.join(self.names)}{suggest_name(value, self.names)}"


class ActivationName:
    """The name of an activation; null is allowed, too."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        if value is None or (isinstance(value, str) and value in ACTIVATIONS):
            return None
        hint = suggest_activation(value) or suggest_name(value, ACTIVATIONS) or f": {', '.join(ACTIVATIONS)}"
        return f"the name of an activation{hint}"


class InitializerName:
    """The name of an initializer; null is allowed, too."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        if value is None or (isinstance(value, str) and value in INITIALIZERS):
            return None
        hint = suggest_name(value, INITIALIZERS) or f": {', '.join(INITIALIZERS)}"
        return f"the name of an initializer{hint}"


class Flag:
    """True or false."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        return None if isinstance(value, bool) else "true or false"


class Text:
    """Some text, not empty."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        return None if isinstance(value, str) and value else "a name"


class NumberRange:
    """Two numbers, the lower one first."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        ends = value if isinstance(value, list) and len(value) == 2 else []
        if ends and all(map(Number().is_allowed, ends)) and ends[0] < ends[1]:
            return None
        return "two numbers, the lower one first, e.g. [-80, 0]"
