"""Reads the length of a sound from the header of its file, for the display of progress."""

from specfeat.audio.audio_file import AudioFile
from specfeat.errors import AudioError
from specfeat.sound import Sound


def read_header_seconds(sound: Sound) -> float | None:
    """Return the length of a sound in seconds, according to the header of its file.

    The header may be wrong, so the length is an estimate. No sample is decoded.

    Args:
        sound: the sound.

    Returns:
        The length; None if the file cannot be read, its header does not have the length, or its bytes are not
        in a file.
    """
    if sound.source is not None:  # e.g. standard input, which can be read only once
        return None
    try:
        with AudioFile(sound.path) as file:
            length = file.header_seconds
    except AudioError:  # the run reports it
        return None
    if length is None:
        return None
    end = length if sound.part.end_s is None else min(length, sound.part.end_s)
    return max(0.0, end - (sound.part.start_s or 0.0)) or None
