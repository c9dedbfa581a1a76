"""Suggests how to read or convert a file that contains sound which libsndfile cannot read."""

import os
import shlex
from collections.abc import Sequence

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.ffmpeg_formats import find_demuxer, is_for_ffmpeg_alone
from specfeat.text import describe_files, format_count

# The command that installs FFmpeg's decoders. With them, specfeat reads these files itself.
_INSTALL_COMMAND = "pip install 'specfeat[av]'"


def suggest_conversion(path: str, content: FileBytes) -> str:
    """Return the end of an error message that says how a file can be read; "" if it may contain no sound.

    Args:
        path: the absolute path of the file, which libsndfile cannot read.
        content: the bytes of the file.

    Raises:
        OSError: the file cannot be read.
    """
    if not is_for_ffmpeg_alone(find_demuxer(content, path)):
        return ""
    return f"; read it with FFmpeg ({_INSTALL_COMMAND}), or convert it with ffmpeg: {_format_command(path)}"


def describe_convertible_files(paths: Sequence[str]) -> str:
    """Return how many files must be converted, and the command that converts the first of them.

    Args:
        paths: the paths of the files, at least one, as `list_convertible_files` returns them.
    """
    files = format_count(len(paths), "file", "files")
    object_word, example = ("it", "") if len(paths) == 1 else ("them", ", for example")
    text = f"{files} of a format that cannot be read ({describe_files(paths)})"
    advice = (
        f"read {object_word} with FFmpeg ({_INSTALL_COMMAND}), or convert {object_word} with ffmpeg{example}"
    )
    return f"{text}: {advice}: {_format_command(paths[0])}"


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
