"""Recognises, by their names, files with sound that libsndfile cannot read and that ffmpeg can convert."""

import os
from collections.abc import Iterable

# Containers of audio or video that ffmpeg reads (https://ffmpeg.org/general.html#File-Formats) and libsndfile
# does not. Extensions that other files have more often (ts, dts) are left out.
_EXTENSIONS = frozenset(
    {
        "3g2", "3gp", "aac", "ac3", "adts", "amr", "ape", "asf", "avi", "awb", "dff", "dsf",
        "eac3", "flv", "m4a", "m4b", "m4p", "m4r", "m4v", "mka", "mkv", "mov", "mp4", "mpc",
        "mpeg", "mpg", "ogv", "ra", "rm", "spx", "tak", "tta", "vob", "weba", "webm", "wma",
        "wmv", "wv",
    }
)  # fmt: skip


def list_convertible_files(paths: Iterable[str]) -> tuple[str, ...]:
    """Return those of the paths whose names are those of convertible files; hidden files are none."""
    return tuple(path for path in paths if _get_extension(path) in _EXTENSIONS)


def _get_extension(path: str) -> str:
    """Return the extension in lower case, without the dot; "" for a hidden file."""
    if os.path.basename(path).startswith("."):  # noqa: PTH119  names of any bytes
        return ""
    return os.path.splitext(path)[1][1:].lower()  # noqa: PTH122
