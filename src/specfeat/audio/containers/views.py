"""Whether libsndfile is shown a file as it is, or a view of it."""

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.file_view import FileView
from specfeat.audio.containers.mpeg_frames import declares_length, make_endless_view
from specfeat.audio.containers.trailing_data import find_end_without_tags


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
