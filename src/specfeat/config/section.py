"""What all sections of the config have in common: how they refuse a value."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer
from pydantic_core import PydanticCustomError

from specfeat.key_path import KeyPath

RULE_ERROR = "specfeat_rule"  # pydantic's name for the type of the errors that `make_rule_error` makes


class Section(BaseModel):
    """A part of the config: it cannot be changed, and refuses unknown keys, other types, infinity and NaN.

    Attributes:
        later_keys: the keys that version 0.1.0 did not have. While they have their defaults, they are left
            out of what is written of the section, so that the digest and the record of an older
            config stay as they are.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset()

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_serializer(mode="wrap")
    def _leave_out_later_defaults(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = serialize(self)
        for key in self.later_keys:
            if getattr(self, key) == type(self).model_fields[key].default:
                values.pop(key, None)
        return values


def list_given_keys(section: Section) -> list[str]:
    """Return the keys of a section that have a value.

    null counts as left out, so that settings with all defaults written out, as in a record, are valid.
    """
    return [name for name in type(section).model_fields if getattr(section, name) is not None]


def make_rule_error(path: KeyPath, text: str, *, at_key: bool = False) -> PydanticCustomError:
    """Return the error for a value that breaks a rule, to be raised while pydantic validates a section.

    Args:
        path: the value's place, as keys from the section whose validation raises the error.
        text: what is wrong and what is wanted; it follows the key path in the message.
        at_key: whether the message gives line and column of the key instead of those of its value.
    """
    return PydanticCustomError(RULE_ERROR, "{text}", {"text": text, "path": path, "at_key": at_key})
