"""The types of the fields of journal and record; pydantic checks them when a file is read."""

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, InstanceOf, Strict

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

JsonObject = dict[str, object]
# Not `str`, because Pydantic would then refuse the surrogates that stand for bytes of a name that are not
# UTF-8.
Text = InstanceOf[str]
Flag = Annotated[bool, Strict()]
Integer = Annotated[int, Strict()]
Count = Annotated[int, Strict(), Field(ge=0, lt=2**53)]
Seconds = Annotated[float, Strict(), Field(allow_inf_nan=False)]


def write_fields(record: "DataclassInstance") -> JsonObject:
    """Return the values of a dataclass by field name, in order, without those that equal their default."""
    pairs = ((name, getattr(record, name), default) for name, default in _list_defaults(type(record)))
    return {name: value for name, value, default in pairs if value != default}


@cache
def _list_defaults(kind: "type[DataclassInstance]") -> tuple[tuple[str, object], ...]:
    """Return the names and defaults of the fields; cached, because a record can have a million entries."""
    return tuple((field.name, field.default) for field in fields(kind))
