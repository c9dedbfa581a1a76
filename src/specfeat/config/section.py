"""What all sections of the config have in common: how they refuse a value."""

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from specfeat.key_path import KeyPath

RULE_ERROR = "specfeat_rule"  # pydantic's name for the type of the errors that `make_rule_error` makes


class Section(BaseModel):
    """A part of the config: it cannot be changed, and refuses unknown keys, other types, infinity and NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def make_rule_error(path: KeyPath, text: str, *, at_key: bool = False) -> PydanticCustomError:
    """Return the error for a value that breaks a rule, to be raised while pydantic validates a section.

    Args:
        path: the value's place, as keys from the section whose validation raises the error.
        text: what is wrong and what is wanted; it follows the key path in the message.
        at_key: whether the message gives line and column of the key instead of those of its value.
    """
    return PydanticCustomError(RULE_ERROR, "{text}", {"text": text, "path": path, "at_key": at_key})
