"""Which part of a divided run an output is."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, Strict

from specfeat.output.field_types import Count, JsonObject, Text, write_fields

Number = Annotated[int, Strict(), Field(ge=1, lt=2**31)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardIdentity:
    """One shard of a run that is divided over several commands, and where its sounds are in the whole run.

    Attributes:
        number: the number of the shard, from 1 to `count`.
        count: how many shards the run has.
        sounds: how many sounds the whole run has.
        inputs_sha256: the SHA-256 of the names of all sounds of the whole run, in order. Shards belong
            together only if it is the same.
        positions: for each sound of the shard, its position in the whole run, counted from 0.
    """

    number: Number
    count: Number
    sounds: Count
    inputs_sha256: Text
    positions: tuple[Count, ...]

    @property
    def name(self) -> str:
        """The shard as the user writes it, e.g. "2/8"."""
        return f"{self.number}/{self.count}"

    def to_json(self) -> JsonObject:
        """Return the JSON object that is written to a record."""
        return write_fields(self)
