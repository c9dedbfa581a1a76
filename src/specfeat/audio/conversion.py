"""Suggests how to convert a file that contains sound which libsndfile cannot read."""

import os
import shlex
from collections.abc import Sequence

from specfeat.text import describe_files, format_count

# Offsets and bytes that identify the containers and codecs that ffmpeg reads, and that libsndfile cannot
# read, or can read only in some files. From the magic numbers in `file` 5.45 (https://github.com/file/file,
# magic/Magdir), and for AAC from ISO/IEC 13818-7, 6.2 (12 bits of syncword, then layer 0).
_MAGIC_NUMBERS = (
    (4, b"ftyp"),  # MP4: .m4a, .mp4, .mov, .3gp
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF: .wma
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska: .webm, .mka, .mkv
    (0, b"\xff\xf0"), (0, b"\xff\xf1"), (0, b"\xff\xf8"), (0, b"\xff\xf9"), (0, b"ADIF"),  # AAC
    (0, b"OggS"), (0, b"fLaC"), (0, b"caff"),  # other codecs or bit depths in them
    (0, b"wvpk"), (0, b"MAC "), (0, b"TTA1"), (0, b"MPCK"), (0, b"MP+"),  # .wv .ape .tta .mpc
    (0, b"#!AMR"), (0, b"\x0b\x77"), (0, b"\x7f\xfe\x80\x01"), (0, b".RMF"), (0, b"DSD "), (0, b"FRM8"),
    (0, b"FLV"), (8, b"AVI "),
)  # fmt: skip
_FIRST_BYTES = 16  # how many bytes are read


def suggest_conversion(path: str) -> str:
    """Return the end of an error message that says how to convert a file; "" if it may contain no sound.

    Args:
        path: the absolute path of the file, which libsndfile cannot read.
    """
    try:
        with open(path, "rb") as file:
            first_bytes = file.read(_FIRST_BYTES)
    except OSError:
        return ""
    if not any(first_bytes.startswith(number, offset) for offset, number in _MAGIC_NUMBERS):
        return ""
    return f"; convert it with ffmpeg: {_format_command(path)}"


def describe_convertible_files(paths: Sequence[str]) -> str:
    """Return how many files must be converted, and the command that converts the first of them.

    Args:
        paths: the paths of the files, at least one, as `list_convertible_files` returns them.
    """
    files = format_count(len(paths), "file", "files")
    example = "it with ffmpeg" if len(paths) == 1 else "them with ffmpeg, for example"
    text = f"{files} of a format that cannot be read ({describe_files(paths)})"
    return f"{text}: convert {example}: {_format_command(paths[0])}"


def _shorten_path(path: str) -> str:
    """Return the path relative to the current folder if the file is in this folder or below it."""
    try:
        folder = os.getcwd()
    except OSError:  # the current folder has been removed
        return path
    return path.removeprefix(os.path.join(folder, ""))


def _format_command(path: str) -> str:
    name = _shorten_path(path)
    # ffmpeg would read such a name as an option or an address.
    if name.startswith("-") or ":" in name.partition("/")[0]:
        name = f"./{name}"
    if not name.isprintable():  # a terminal would show another name than the file has
        return "ffmpeg -i FILE FILE.wav"
    stem, extension = os.path.splitext(name)
    target = f"{stem}.converted.wav" if extension.lower() == ".wav" else f"{stem}.wav"
    return f"ffmpeg -i {shlex.quote(name)} {shlex.quote(target)}"
