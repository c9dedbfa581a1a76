"""The sound: one audio file, or one part of an audio file, that gives rows of its own."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, Literal

from specfeat.errors import escape_control_characters
from specfeat.files import UNREADABLE_FILE, FileIdentity, format_path, identify_file, to_record_name

# The result of the extraction of a sound. "empty": the sound has no samples. "short": the sound is shorter
# than a clip, and the config says that such sounds are skipped. "partial": the file is damaged in the middle,
# and the rows before the damage are kept.
SoundStatus = Literal["ok", "partial", "empty", "short", "failed"]


@dataclass(frozen=True, slots=True)
class SoundPart:
    """The part of a file that makes up a sound. The default is the whole file.

    Attributes:
        channel: the number of one channel, counted from 0; None for the channels of the config's
            `audio.channels`.
        start_s: the time at which the part begins, in seconds from the start of the file; None for the start
            of the file.
        end_s: the time at which the part ends, in seconds from the start of the file; None for the end of the
            file.
        id: the name that the user gave the part, e.g. the name of an annotation; None if it has no name.
        may_end_early: whether the part ends with the file if the file ends before `end_s`. If not, such a
            part is an error.
    """

    channel: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    id: str | None = None
    # Not in the text of a part, because trainings compute a hash of this text.
    may_end_early: bool = field(default=False, repr=False)


WHOLE_FILE = SoundPart()


@dataclass(frozen=True, slots=True)
class SoundKey:
    """The identity of a sound in journal, index and record: file, channel, start, end and id.

    Attributes:
        name: the name of the file in index and record.
        part: the part of the file that makes up the sound.
    """

    name: str
    part: SoundPart = WHOLE_FILE


@dataclass(frozen=True, slots=True)
class RawFormat:
    """The format of a sound without a header.

    Attributes:
        rate: the sample rate in Hz.
        channels: the number of channels.
        coding: one of `audio.raw_format.RAW_CODINGS`, e.g. "s16le".
    """

    rate: int
    channels: int
    coding: str


class SoundSource(ABC):
    """The place of the bytes of a sound that is not a file of its own, e.g. a member of an archive.

    The main process makes the objects, and a worker receives a copy of each and opens it. So they can be
    pickled, and those of the same place are equal.

    Attributes:
        raw_format: how the sound is read if it has no header; None if it has one.
    """

    raw_format: RawFormat | None = None

    @abstractmethod
    def open_file(self) -> IO[bytes]:
        """Return the bytes as an open file with a descriptor, which the caller closes.

        Raises:
            AudioError: the bytes are not there, or must not be read.
            OSError: the system cannot read them, or has no room for a copy.
        """


@dataclass(frozen=True, slots=True)
class Sound:
    """One audio file, or one part of an audio file, that gives rows of its own.

    Attributes:
        path: the path of the file, as the user or the search in a folder gives it.
        part: the part of the file that makes up the sound.
        file: size and time of the file, which are read before its content.
        columns: the values of this sound in the additional columns of the index, e.g. its label. All sounds
            of a run have the same columns.
        source: the place of the bytes if the path is not that of a file; None for a file.
    """

    path: str
    part: SoundPart = WHOLE_FILE
    file: FileIdentity = UNREADABLE_FILE
    columns: tuple[str, ...] = ()
    source: SoundSource | None = None

    @property
    def key(self) -> SoundKey:
        """The identity of the sound in journal, index and record."""
        return SoundKey(to_record_name(self.path), self.part)


def make_file_sound(path: str) -> Sound:
    """Make the sound of a whole file, with the file's present size and time."""
    return Sound(path, file=identify_file(path))


def make_part_sound(path: str, part: SoundPart) -> Sound:
    """Make the sound of a part of a file, with the file's present size and time."""
    return Sound(path, part, identify_file(path))


def sort_for_reading(sounds: Iterable[Sound]) -> tuple[Sound, ...]:
    """Return sounds in the order in which they are read, so that each file can be decoded once.

    The files have the order of their first sounds. The parts of one file have the order of their starts.
    """
    sounds_of_file: dict[str, list[Sound]] = {}
    for sound in sounds:
        sounds_of_file.setdefault(sound.path, []).append(sound)
    return tuple(
        sound
        for group in sounds_of_file.values()
        for sound in (group if len(group) == 1 else sorted(group, key=_get_times))
    )


def _get_times(sound: Sound) -> tuple[float, float]:
    part = sound.part
    return part.start_s or 0.0, math.inf if part.end_s is None else part.end_s


def format_sound(sound: Sound) -> str:
    """Return the name of a sound for messages, e.g. "a.wav" or "a.wav (1.5 s to 3 s, channel 0, call 7)"."""
    part = sound.part
    words = []
    if part.start_s is not None or part.end_s is not None:
        words.append(f"{part.start_s or 0:g} s to {'the end' if part.end_s is None else f'{part.end_s:g} s'}")
    if part.channel is not None:
        words.append(f"channel {part.channel}")
    if part.id is not None:
        words.append(escape_control_characters(part.id))
    return format_path(sound.path) + (f" ({', '.join(words)})" if words else "")
