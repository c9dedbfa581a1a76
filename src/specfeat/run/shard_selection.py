"""Selects the sounds of one shard of a run, without coordination between the commands."""

import hashlib
from dataclasses import replace

from specfeat.audio.discovery import FoundSounds
from specfeat.errors import NoUsableAudioError, UsageError
from specfeat.files import format_path
from specfeat.output.shard_identity import ShardIdentity
from specfeat.run.shard import Shard


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
    digest = hashlib.sha256()
    file_numbers: dict[str, int] = {}
    positions = []
    for position, sound in enumerate(found.sounds):
        digest.update(repr(sound.key).encode(errors="surrogateescape") + b"\n")
        file_number = file_numbers.setdefault(sound.path, len(file_numbers))
        if file_number % shard.count == shard.number - 1:
            positions.append(position)
    if not positions:
        raise NoUsableAudioError(
            f"shard {shard.number}/{shard.count} has no file, because there are only {len(file_numbers)} "
            "files; nothing is written, and the shards can be merged without it"
        )
    identity = ShardIdentity(
        number=shard.number,
        count=shard.count,
        sounds=len(found.sounds),
        inputs_sha256=digest.hexdigest(),
        positions=tuple(positions),
    )
    return replace(found, sounds=tuple(found.sounds[k] for k in positions)), identity
