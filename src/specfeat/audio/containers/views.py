"""Makes the views of files which libsndfile is shown where it would not read the files themselves rightly."""

import struct

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.file_view import FileView
from specfeat.audio.containers.mpeg_frames import declares_length, make_endless_view
from specfeat.audio.containers.sound_measure import measure_sound
from specfeat.audio.containers.trailing_data import find_end_without_tags

_MAGIC_NUMBERS = {b"caff": "CAF", b"RF64": "RF64", b"BW64": "RF64", b".snd": "AU", b"dns.": "AU"}


def make_repaired_view(file: FileBytes) -> FileView | None:
    """Make a view of a file with the length of its sound in the header, where libsndfile needs it.

    If the sound reaches beyond the end of the file, e.g. because the length is not known, libsndfile refuses
    CAF and RF64 files, and reads nothing of some AU files. It reads no sound if the length is 0. And it
    refuses BW64, which has the layout of RF64.

    Returns:
        The view; None if the header need not be changed.

    Raises:
        OSError: the file cannot be read.
    """
    container = _guess_container(file.read(0, 12))
    sound = measure_sound(file, container, 0) if container else None
    if sound is None or sound.problem:
        return None
    extent, place = sound.extent, sound.extent.length_place
    patches: dict[int, bytes] = {}
    is_wrong = extent.length is not None and extent.length != sound.length
    if place is not None and is_wrong and (container in ("AU", "CAF", "RF64") or (extent.length or 0) <= 0):
        length = sound.length + extent.length_extra
        if length >= 2 ** (8 * struct.calcsize(extent.length_layout)):
            return None
        patches[place] = struct.pack(extent.length_layout, length)
    if file.read(0, 4) == b"BW64":
        patches[0] = b"RF64"
    return FileView(file, file.size, None, patches) if patches else None


def make_view(file: FileBytes, container: str, frames: int | None) -> FileView | None:
    """Make the view of a file in which libsndfile reads all of the sound; None if the file itself is read.

    Args:
        file: the file.
        container: libsndfile's name of the file format, e.g. "WAV".
        frames: how many samples of each channel the header declares; None if that is not known.

    Raises:
        OSError: the file cannot be read.
    """
    if container == "MP3" and not declares_length(file):
        return make_endless_view(file)
    if container == "FLAC" and not frames:  # the decoder would take a tag behind the last frame for damage
        end = find_end_without_tags(file, 0)
        return FileView(file, end) if end < file.size else None
    return None


def _guess_container(head: bytes) -> str | None:
    if head[:4] in (b"RIFF", b"RIFX") and head[8:] == b"WAVE":
        return "WAV"
    if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        return "AIFF"
    return _MAGIC_NUMBERS.get(head[:4])
