"""How much sound a file has, whatever its header says, and what stands behind the sound."""

from typing import NamedTuple

from specfeat.audio.containers.chunks import LAYOUTS, find_sound_chunk, skip_chunks
from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.plain_headers import find_plain_sound
from specfeat.audio.containers.sound_extent import SoundExtent
from specfeat.audio.containers.trailing_data import (
    find_end_without_exact_tags,
    find_end_without_tags,
    skip_tags,
)
from specfeat.audio.containers.voc_blocks import find_voc_sound, skip_voc_blocks

# A program that writes a WAV file to a pipe does not know the length, and puts a number of bytes near 2**31
# or 2**32 into the header.
LEAST_UNKNOWN_LENGTH = 2**31 - 2**20
ALLOWED_TRAILING_BYTES = 4096  # padding, or a damaged chunk, after the sound
ALLOWED_TRAILING_SHARE = 0.05  # of the sound before it
ALWAYS_ALLOWED_BYTES = 64


class SoundMeasure(NamedTuple):
    """How much sound a file has.

    Attributes:
        extent: where the sound stands, as the header says.
        end: where it ends: as the header says, or with the file if the header does not know.
        unread_bytes: how many bytes follow that may be sound, although the header says that it has ended.
        problem: why libsndfile gives wrong sound, as the end of a sentence; None if it does not.
    """

    extent: SoundExtent
    end: int
    unread_bytes: int
    problem: str | None = None

    @property
    def is_missing(self) -> bool:
        """Whether the file ends before the sound that its header promises."""
        length = self.extent.length
        return self.end == self.extent.start and length is not None and 0 < length < LEAST_UNKNOWN_LENGTH

    @property
    def length(self) -> int:
        """The length of the sound in bytes."""
        return self.end - self.extent.start


def measure_sound(file: FileBytes, container: str, sample_bytes: int) -> SoundMeasure | None:
    """Find out how much sound a file has; None if its container is not one of those with plain sound.

    A program that writes to a pipe does not know the length, and leaves 0 in the header, or a very large
    number. Then the sound ends with the file.

    Args:
        file: the file.
        container: libsndfile's name of the file format, e.g. "WAV".
        sample_bytes: the length of one sample of all channels, in bytes; 0 if they have different lengths.

    Raises:
        OSError: the file cannot be read.
    """
    if file.read(0, 3) == b"ID3":  # libsndfile reads some containers behind a tag
        file = file.leave_out(skip_tags(file, 0))
    if container in LAYOUTS:
        extent = find_sound_chunk(file, container)
    elif container == "VOC":
        extent = find_voc_sound(file)
    else:
        extent = find_plain_sound(file, container, sample_bytes)
    if extent is None:
        return None
    if extent.length is not None:
        end = extent.start + max(0, extent.length)
        unread_bytes = _count_trailing_sound(file, end, container, max(0, extent.length))
        if end <= file.size and (extent.length > 0 or not unread_bytes):
            return SoundMeasure(extent, end, unread_bytes, _describe_problem(file, extent))
    end = find_end_without_exact_tags(file, min(extent.start, file.size))
    return SoundMeasure(extent, end, 0, _describe_problem(file, extent))


def _describe_problem(file: FileBytes, extent: SoundExtent) -> str | None:
    if extent.start < file.size and extent.has_other_sound:
        return "has its sound in several parts, and only one of them can be read"
    is_length_missing = extent.length is not None and extent.length <= 0
    if is_length_missing and file.read(extent.start, 4) == file.read(0, 4) != b"":
        return "its header stands in it twice, as some programs write it to a pipe"
    return None


def _count_trailing_sound(file: FileBytes, position: int, container: str, sound_bytes: int) -> int:
    """Return how many bytes follow the declared sound if they are neither chunks, tags nor zeros.

    A few bytes do not count: they may be padding or a damaged chunk.
    """
    if position >= file.size:
        return 0
    if container in LAYOUTS:
        position = skip_chunks(file, position, container)
    elif container == "VOC":
        position = skip_voc_blocks(file, position)
    position = skip_tags(file, position)
    left = find_end_without_tags(file, position) - position
    allowed = min(ALLOWED_TRAILING_BYTES, max(ALWAYS_ALLOWED_BYTES, ALLOWED_TRAILING_SHARE * sound_bytes))
    return 0 if left <= allowed else file.size - position
