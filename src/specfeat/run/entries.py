"""What journal and record say of each sound, and of all sounds together."""

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from specfeat.config.settings import Settings
from specfeat.files import UNREADABLE_FILE
from specfeat.output.journal import Entry
from specfeat.pipeline import SoundEndEvent, Status
from specfeat.sound import Sound


def make_entry(event: SoundEndEvent, sound: Sound) -> Entry:
    """Return what journal and record say of a sound that has ended.

    Args:
        event: its end.
        sound: the sound, with the size and time that its file had before it was read.
    """
    # Without an identity, a later run finds that the file has changed as soon as it can be read.
    is_unreadable = event.error is not None and event.error.cause == "unreadable"
    file = UNREADABLE_FILE if is_unreadable else sound.file
    return {
        "path": sound.key.name,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        **event.list_facts(),
    }


def count_by_status(entries: Sequence[Entry]) -> dict[str, int]:
    """Count the sounds by status, and the silent ones, which have a status besides."""
    counts = Counter(entry["status"] for entry in entries)
    silent = sum("silent" in entry for entry in entries)
    return {status: counts[status] for status in get_args(Status)} | {"silent": silent}


def sum_seconds(entries: Sequence[Entry], settings: Settings) -> float:
    """Return the length of all sounds together, in seconds."""
    return float(sum(entry["samples"] for entry in entries) / settings.audio.sample_rate)
