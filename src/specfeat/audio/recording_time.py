"""Finds when a sound was recorded: in the metadata of its file, or in its name."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from specfeat.audio.containers.recording_metadata import read_recording_time
from specfeat.sound import Sound

# Names of Song Meter, AudioMoth, SWIFT, Olympus, BAR and many others: 20240131_235959, 2024-01-31T23-59-59,
# 20240131T235959+1000. The last number is an offset to UTC only in names with the T of ISO 8601.
_DATE = r"(?P<year>(?:19|20)\d\d)(?P<dash>[-_.]?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
_TIME = r"(?P<hour>\d\d)(?P<colon>[-_.:]?)(?P<minute>\d\d)(?P=colon)(?P<second>\d\d)(?!\d)"
_DATE_AND_TIME = re.compile(rf"(?<!\d){_DATE}(?P<middle>[T_$ .-]?|_-_){_TIME}(?P<offset>Z|[+-]\d\d:?\d\d)?")
# Names of SoundTrap, after the number of the device: 5678.240131235959.wav.
_SOUND_TRAP = re.compile(
    r"\d{2,6}\.(?P<year>\d\d)(?P<month>\d\d)(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?!\d)"
)
# Names of the first AudioMoth firmware: the seconds since 1970 in hexadecimal, 5D3C8A70.WAV.
_AUDIO_MOTH = re.compile(r"([0-9A-F]{8})\.WAV")
_AUDIO_MOTH_YEARS = range(2015, 2038)


def find_recording_time(sound: Sound) -> str:
    """Return the time at which the file of a sound begins, in ISO 8601; "" if it is not known.

    The metadata come first, because they have the offset to UTC. The metadata of a sound that is not a file
    of its own are not read, because that would need a copy of it.
    """
    time = read_recording_time(sound.path) if sound.source is None else None
    return time.isoformat() if time else find_time_in_name(os.path.basename(sound.path))


def find_time_in_name(name: str) -> str:
    """Return the first time in the name of a file, in ISO 8601; "" if there is none.

    Args:
        name: the name without the folders.
    """
    if match := _AUDIO_MOTH.fullmatch(name):
        time = datetime.fromtimestamp(int(match[1], 16), UTC)
        if time.year in _AUDIO_MOTH_YEARS:
            return time.isoformat()
    return next(_find_times(name), "")


def _find_times(name: str) -> Iterator[str]:
    for match in _DATE_AND_TIME.finditer(name):
        offset = match["offset"] if match["middle"] == "T" else None
        yield from _make_time(match, match["year"], offset or "")
    if sound_trap := _SOUND_TRAP.match(name):
        yield from _make_time(sound_trap, f"20{sound_trap['year']}")


def _make_time(match: "re.Match[str]", year: str, offset: str = "") -> Iterator[str]:
    """Yield the time of a match; nothing if there is no such day or time."""
    month, day, hour, minute, second = match.group("month", "day", "hour", "minute", "second")
    try:
        yield datetime.fromisoformat(f"{year}{month}{day}T{hour}{minute}{second}{offset}").isoformat()
    except ValueError:
        return
