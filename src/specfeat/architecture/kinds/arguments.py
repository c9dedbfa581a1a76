"""The types of the arguments of layers.

Each class here is one type. Its method `check` returns None for an allowed value. For any other value, it
returns what is allowed, as the text after "wanted" in an error message.
"""

import math
from dataclasses import dataclass
from typing import Protocol

from specfeat.architecture.kinds.activation_names import ACTIVATIONS, suggest_activation
from specfeat.text import suggest_name

INITIALIZERS = (
    *("zeros", "ones", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform"),
    *("lecun_normal", "random_normal", "random_uniform", "truncated_normal", "variance_scaling"),
    "orthogonal",
)
MAX_NESTING = 3  # of lists in a list; the input of a layer has at most as many axes
MAX_SIZE = 2**31  # all whole numbers in arguments must be below it


class ArgumentType(Protocol):
    """A type of argument."""

    def check(self, value: object) -> str | None:
        """Return None if the value is allowed, or the text that says what is allowed."""


def is_whole_number(value: object, minimum: int) -> bool:
    """Return whether a value is a whole number (and not a boolean) from `minimum` to `MAX_SIZE` - 1."""
    return type(value) is int and minimum <= value < MAX_SIZE


def check_argument(argument: ArgumentType, value: object) -> str | None:
    """Return None if a value is allowed for an argument, or the text that says what is allowed."""
    wanted = argument.check(value)
    values = value if isinstance(value, list) else [value]
    if wanted and any(type(v) is int and v >= MAX_SIZE for v in values):
        wanted += f", below {MAX_SIZE:,}"
    return wanted


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number.

    Attributes:
        minimum: the smallest number that is allowed.
    """

    minimum: int = 1

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        return None if is_whole_number(value, self.minimum) else f"a whole number, {self.minimum} or more"


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number.

    Attributes:
        minimum: the lowest number that is allowed.
        maximum: the highest number that is allowed.
    """

    minimum: float = -math.inf
    maximum: float = math.inf

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        if self.is_allowed(value):
            return None
        minimum = f" from {self.minimum:g}" if math.isfinite(self.minimum) else ""
        maximum = f" to {self.maximum:g}" if math.isfinite(self.maximum) else ""
        return f"a number{minimum}{maximum}"

    def is_allowed(self, value: object) -> bool:
        """Return whether the value is a number within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        return self.minimum <= value <= self.maximum


@dataclass(frozen=True, slots=True)
class Sizes:
    """One size for all spatial axes, or a list with one size for each axis.

    Attributes:
        axes: the number of spatial axes.
        minimum: the smallest size that is allowed.
    """

    axes: int
    minimum: int = 1

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        values = value if isinstance(value, list) and len(value) == self.axes else [value]
        if all(is_whole_number(v, self.minimum) for v in values):
            return None
        number = "one" if self.axes == 1 else "two: [frames, bins]"
        return f"a whole number, {self.minimum} or more, or a list of {number}"


@dataclass(frozen=True, slots=True)
class Margins:
    """The numbers of values that a padding adds, or a cropping removes, at both ends of each spatial axis.

    One number is for both ends of all axes. For one axis, a list is [before, after]. For two axes, a list has
    an entry for each axis: one number for both ends, or [before, after].

    Attributes:
        axes: the number of spatial axes.
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
    """One of several names.

    Attributes:
        names: the names that are allowed.
    """

    names: tuple[str, ...]

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        if isinstance(value, str) and value in self.names:
            return None
        return f"one of {', '.join(self.names)}{suggest_name(value, self.names)}"


class ActivationName:
    """The name of an activation, or null."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        if value is None or (isinstance(value, str) and value in ACTIVATIONS):
            return None
        hint = suggest_activation(value) or suggest_name(value, ACTIVATIONS) or f": {', '.join(ACTIVATIONS)}"
        return f"the name of an activation{hint}"


class InitializerName:
    """The name of an initializer, or null."""

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
    """A text that is not empty."""

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


@dataclass(frozen=True, slots=True)
class NumberArray:
    """One number, or a list of numbers, or a list of such lists that have the same length.

    Attributes:
        minimum: the lowest number that is allowed.
    """

    minimum: float = -math.inf

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        if self._get_shape(value, 0) is not None:
            return None
        lowest = f" from {self.minimum:g}" if math.isfinite(self.minimum) else ""
        return f"a number{lowest}, or a list of numbers{lowest}, one for each index of the axis"

    def _get_shape(self, value: object, depth: int) -> tuple[int, ...] | None:
        if Number(self.minimum).is_allowed(value):
            return ()
        if not isinstance(value, list) or not value or depth >= MAX_NESTING:
            return None
        shapes = {self._get_shape(part, depth + 1) for part in value}
        shape = shapes.pop()
        return None if shapes or shape is None else (len(value), *shape)
