"""The values of a config as plain data, with the place where each of them is written."""

from dataclasses import dataclass, field
from typing import Any

from specfeat.errors import ConfigError, escape_control_characters
from specfeat.key_path import KeyPath, format_key_path
from specfeat.text import shorten_text

# The largest number of characters of a message, and of an override in it. A key or a value can be as long as
# the config, 100 kB. These lengths keep a message on one screen, and are longer than what people write.
MAX_MESSAGE_LENGTH = 1500
MAX_OVERRIDE_LENGTH = 400

Position = tuple[int, int]  # line and column, counted from 1


@dataclass
class ConfigTree:
    """The values of a config, and the place where each of them is written, for error messages.

    A value that an override gives has no line in the file, so its place is the override.

    Attributes:
        name: the name of the file, as the user gave it: the first part of a message.
        override_prefix: what messages put before an override, e.g. "override " or the option of a command.
        data: the mapping at the top of the config. It consists of dict, list, str, int, float, bool and None.
        value_positions: the position of the value at each path.
        key_positions: the position of the key at each path that ends in a key of a mapping.
        overrides: the overrides as the user wrote them, by the path of the value that they give.
    """

    name: str
    override_prefix: str = "override "
    data: dict[str, Any] = field(default_factory=dict)
    value_positions: dict[KeyPath, Position] = field(default_factory=dict)
    key_positions: dict[KeyPath, Position] = field(default_factory=dict)
    overrides: dict[KeyPath, str] = field(default_factory=dict)

    def format_place(self, path: KeyPath, *, at_key: bool = False) -> str:
        """Return where the value at `path` is written: `FILE:LINE:COLUMN`, or the override that gave it.

        For a missing value, this is the place of the innermost section that should contain it.

        Args:
            path: the path of the value.
            at_key: whether to return the place of the value's key instead of that of the value.
        """
        for length in range(len(path), -1, -1):
            part = path[:length]
            if part in self.overrides:
                return self.format_override(self.overrides[part])
            position = self.key_positions.get(part) if at_key else None
            position = position or self.value_positions.get(part)
            if position:
                line, column = position
                return f"{self.name}:{line}:{column}"
        return self.name

    def make_error(self, path: KeyPath, text: str, *, at_key: bool = False) -> ConfigError:
        """Return the error, on one line, for the value at `path`.

        Args:
            path: the path of the value.
            text: what is wrong and what is wanted; it follows the key path in the message.
            at_key: whether the message has the place of the value's key instead of that of the value.
        """
        message = f"{format_key_path(path)}: {text}" if path else text
        place = self.format_place(path, at_key=at_key)
        return ConfigError(escape_control_characters(f"{place}: {shorten_text(message, MAX_MESSAGE_LENGTH)}"))

    def make_override_error(self, override: str, text: str) -> ConfigError:
        """Return the error, on one line, for an override that cannot be applied."""
        return ConfigError(
            escape_control_characters(
                f"{self.format_override(override)}: {shorten_text(text, MAX_MESSAGE_LENGTH)}"
            )
        )

    def format_override(self, override: str) -> str:
        """Return an override as the user gave it, with its prefix, and shortened if it is very long."""
        return f"{self.override_prefix}{shorten_text(override, MAX_OVERRIDE_LENGTH)}"

    def is_from_override(self, path: KeyPath) -> bool:
        """Return whether an override has given the value at `path`, or a section that contains it."""
        return any(path[:length] in self.overrides for length in range(1, len(path) + 1))

    def mark_overridden(self, path: KeyPath, override: str) -> None:
        """Record that an override has given the value at `path`, which then has no line in the file.

        The values inside the old value have no place any more, either.
        """
        tables: tuple[dict[KeyPath, Any], ...] = (self.value_positions, self.key_positions, self.overrides)
        for table in tables:
            for inner_path in [known for known in table if known[: len(path)] == path]:
                del table[inner_path]
        self.overrides[path] = override
