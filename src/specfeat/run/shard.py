"""A shard: one of the parts into which a run is divided, so that several commands can extract them."""

import re
from dataclasses import dataclass

from specfeat.errors import UsageError, escape_control_characters

MAX_SHARDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several shards of a run.

    Attributes:
        number: the number of the shard, from 1 to `count`.
        count: how many shards the run has.
    """

    number: int
    count: int


def parse_shard(text: str) -> Shard:
    """Read a shard as the user writes it, e.g. "2/8" for the second of eight shards.

    Raises:
        UsageError: the text is not a shard.
    """
    match = re.fullmatch(r"([0-9]{1,7})/([0-9]{1,7})", text)
    shard = Shard(int(match[1]), int(match[2])) if match else Shard(0, 0)
    if not 1 <= shard.number <= shard.count <= MAX_SHARDS:
        raise UsageError(
            f"the shard is {escape_control_characters(text[:40])!r}; wanted NUMBER/COUNT, e.g. 1/8 for the "
            "first of eight shards"
        )
    return shard
