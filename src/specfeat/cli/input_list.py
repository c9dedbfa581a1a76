"""Reads the list of inputs of `--files-from FILE|-`, whose names may contain any bytes."""

import os
from pathlib import Path

from specfeat.cli.list_encoding import is_utf16, remove_windows_marks
from specfeat.cli.playlist import is_playlist, read_playlist
from specfeat.errors import NoUsableAudioError, UsageError, escape_control_characters
from specfeat.files import describe_os_error


def read_input_list(source: str, *, null: bool) -> list[str]:
    """Read the names of inputs: one on each line, or each ended by a NUL byte as `find -print0` writes them.

    No character of a name has a special meaning, not even a dash or "#" at its beginning or a space at its
    end. There is one exception, in a list of lines: the byte order mark of UTF-8 at the beginning, and a
    carriage return at the end of a line, are not part of a name, unless a file with this name exists.
    Playlists (`.m3u`) have rules of their own, see `read_playlist`.

    Args:
        source: the path of the list, or "-" for stdin.
        null: whether each name ends with a NUL byte instead of a line feed.

    Raises:
        UsageError: the list cannot be read, is in UTF-16, or contains NUL bytes although `null` is False.
        NoUsableAudioError: the list contains no name.
    """
    option = f"--files-from {escape_control_characters(source)}"
    try:
        data = _read_bytes(source)
    except (OSError, ValueError) as e:
        raise UsageError(f"{option}: cannot be read: {describe_os_error(e)}") from e
    if is_utf16(data, null=null):
        raise UsageError(
            f"{option}: is text in UTF-16 or UTF-32, in which no name can be read; save it as UTF-8"
        )
    if is_playlist(source) and not null:
        names_in_playlist = read_playlist(data, source)
        if not names_in_playlist:
            raise NoUsableAudioError(f"{option}: names no file")
        return names_in_playlist
    if not null and b"\0" in data:
        raise UsageError(f"{option}: contains NUL bytes, which no name contains; add -0 if names end in them")
    lines = data.split(b"\0") if null else remove_windows_marks(data.split(b"\n"))
    names = [name for name in lines if name]
    if not names:
        raise NoUsableAudioError(f"{option}: names no file")
    return [os.fsdecode(name) for name in names]


def _read_bytes(source: str) -> bytes:
    if source != "-":
        return Path(source).read_bytes()
    with open(0, "rb", closefd=False) as stdin:
        return stdin.read()
