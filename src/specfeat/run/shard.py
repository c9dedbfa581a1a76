"""Divides the sounds of a run into shards, so that several commands can extract them without coordination."""

import hashlib
import re
from dataclasses import dataclass, replace

from specfeat.audio.discovery import FoundSounds
from specfeat.errors import NoUsableAudioError, UsageError, escape_control_characters
from specfeat.files import format_path
from specfeat.output.shard_identity import ShardIdentity

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


def select_shard(found: FoundSounds, shard: Shard) -> tuple[FoundSounds, ShardIdentity]:
    """Return the sounds of one shard. All sounds of a file are in the same shard.

    The files are dealt out in turn: file k (counted from 0, in the order of the inputs) belongs to the shard
    k modulo `count`, plus 1. So each shard has files from all inputs, and each command finds the same shards.

    Args:
        found: all sounds of the run.
        shard: the shard.

    Returns:
        The sounds of the shard, and the identity of the shard.

    Raises:
        UsageError: a folder cannot be read, so the list of sounds is not complete.
        NoUsableAudioError: there are fewer files than shards, and this shard has none.
    """
    if found.unreadable_folders:
        raise UsageError(
            f"{format_path(found.unreadable_folders[0].path)}: cannot be read, but the shards of a run need "
            "the complete list of files; make it readable or leave it out"
        )
    names = hashlib.sha256()
    numbers: dict[str, int] = {}
    positions = []
    for position, sound in enumerate(found.sounds):
        names.update(repr(sound.key).encode(errors="surrogateescape") + b"\n")
        number = numbers.setdefault(sound.path, len(numbers))
        if number % shard.count == shard.number - 1:
            positions.append(position)
    if not positions:
        raise NoUsableAudioError(
            f"shard {shard.number}/{shard.count} has no file, because there are only {len(numbers)} files; "
            "nothing is written, and the shards can be merged without it"
        )
    identity = ShardIdentity(
        number=shard.number,
        count=shard.count,
        sounds=len(found.sounds),
        inputs_sha256=names.hexdigest(),
        positions=tuple(positions),
    )
    return replace(found, sounds=tuple(found.sounds[k] for k in positions)), identity
