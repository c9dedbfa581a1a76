"""Recognises, by their names, files with sound that libsndfile cannot read and that ffmpeg can convert."""

from collections.abc import Iterable

from specfeat.files import get_extension

# Containers of audio or video that ffmpeg reads (https://ffmpeg.org/general.html#File-Formats) and libsndfile
# does not. Extensions that other files have more often (ts, dts) are left out.
CONVERTIBLE_EXTENSIONS = frozenset(
    {
        "3g2", "3gp", "aac", "ac3", "adts", "amr", "ape", "asf", "avi", "awb", "dff", "dsf",
        "eac3", "flv", "g722", "m4a", "m4b", "m4p", "m4r", "m4v", "mka", "mkv", "mov", "mp4", "mpc",
        "mpeg", "mpg", "ogv", "ra", "rm", "spx", "tak", "tta", "vob", "weba", "webm", "wma",
        "wmv", "wv",
    }
)  # fmt: skip


def list_convertible_files(paths: Iterable[str]) -> tuple[str, ...]:
    """Return those of the paths whose names are those of convertible files; hidden files are none."""
    return tuple(path for path in paths if get_extension(path) in CONVERTIBLE_EXTENSIONS)
