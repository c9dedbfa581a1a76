"""`--files-from FILE|-`: a list of inputs, whose names may consist of any bytes."""

import os
from pathlib import Path

from specfeat.errors import NoUsableAudioError, UsageError, escape_control_characters
from specfeat.files import describe_os_error


def read_input_list(source: str, *, null: bool) -> list[str]:
    """Read the names of inputs, one per line, or each ended by a NUL byte as `find -print0` writes them.

    No character of a name has a special meaning: not a dash or a "#" at its front, not a space at its end.

    Args:
        source: the path of the list, or "-" for stdin.
        null: whether each name ends with a NUL byte.

    Raises:
        UsageError: the list cannot be read, or it contains NUL bytes although `null` is False.
        NoUsableAudioError: the list contains no name.
    """
    option = f"--files-from {escape_control_characters(source)}"
    try:
        data = _read_bytes(source)
    except (OSError, ValueError) as e:
        raise UsageError(f"{option}: cannot be read: {describe_os_error(e)}") from e
    if not null and b"\0" in data:
        raise UsageError(f"{option}: contains NUL bytes, which no name contains; add -0 if names end in them")
    names = [name for name in data.split(b"\0" if null else b"\n") if name]
    if not names:
        raise NoUsableAudioError(f"{option}: names no file")
    return [os.fsdecode(name) for name in names]


def _read_bytes(source: str) -> bytes:
    if source != "-":
        return Path(source).read_bytes()
    with open(0, "rb", closefd=False) as stdin:
        return stdin.read()
