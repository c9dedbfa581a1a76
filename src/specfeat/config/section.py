"""The base class of all sections of the config, and the error for values that break a rule."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer
from pydantic_core import PydanticCustomError

from specfeat.key_path import KeyPath

RULE_ERROR = "specfeat_rule"  # pydantic's name for the type of the errors that `make_rule_error` makes


class Section(BaseModel):
    """A section of the config. It cannot be changed, and refuses unknown keys, wrong types, infinity and NaN.

    Attributes:
        later_keys: the keys that version 0.1.0 did not have. A later key that has its default is not written
            to the digest and the record, so that the digest of an older config does not change with a new
            version of specfeat.
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
    """Return the keys of a section whose value is not null.

    null counts as left out, because a record has all keys of the settings, and its settings must be valid.
    """
    return [name for name in type(section).model_fields if getattr(section, name) is not None]


def make_rule_error(path: KeyPath, text: str, *, at_key: bool = False) -> PydanticCustomError:
    """Make the error for a value that breaks a rule. It must be raised while pydantic validates a section.

    Args:
        path: the keys that lead to the value, from the section whose validation raises the error.
        text: what is wrong and what is wanted; it follows the key path in the message.
        at_key: whether the message has line and column of the key instead of those of the value.
    """
    return PydanticCustomError(RULE_ERROR, "{text}", {"text": text, "path": path, "at_key": at_key})
