"""What is extracted: a sound, which is one file or a part of one."""

from dataclasses import dataclass
from typing import Literal

from specfeat.files import UNREADABLE_FILE, FileIdentity, identify_file, to_record_name

# How the extraction of a sound ended. "empty": the sound has no sample. "short": it is shorter than a clip,
# and the config says to skip such a sound. "partial": it breaks in the middle, and has the rows of a sound
# that ends there.
SoundStatus = Literal["ok", "partial", "empty", "short", "failed"]


@dataclass(frozen=True, slots=True)
class SoundPart:
    """Which part of a file a sound is; the default is the whole file with the channel that the config names.

    Attributes:
        channel: one channel, counted from 0; None for what the config's `audio.channels` says.
        start_s: where the part begins, in seconds from the start of the file; None for the start.
        end_s: where the part ends, in seconds from the start of the file; None for the end of the file.
        id: a name that the user gives the part, e.g. of an annotation; None if there is none.
    """

    channel: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    id: str | None = None


WHOLE_FILE = SoundPart()


@dataclass(frozen=True, slots=True)
class SoundKey:
    """The identity of a sound in journal, index and record: file, channel, start, end and id.

    Attributes:
        name: the file's name as index and record have it.
        part: which part of the file.
    """

    name: str
    part: SoundPart = WHOLE_FILE


@dataclass(frozen=True, slots=True)
class Sound:
    """One file, or a part of one, that gives rows of its own.

    Attributes:
        path: the path of the file, as the user or the search of a folder gives it.
        part: which part of the file.
        file: size and time of the file, taken before it is read.
    """

    path: str
    part: SoundPart = WHOLE_FILE
    file: FileIdentity = UNREADABLE_FILE

    @property
    def key(self) -> SoundKey:
        """The identity of the sound in journal, index and record."""
        return SoundKey(to_record_name(self.path), self.part)


def make_file_sound(path: str) -> Sound:
    """Make the sound of a whole file, and take the file's size and time."""
    return Sound(path, file=identify_file(path))


def identify_part(path: str, part: SoundPart) -> Sound:
    """Make the sound of a part of a file, and take the file's size and time."""
    return Sound(path, part, identify_file(path))
