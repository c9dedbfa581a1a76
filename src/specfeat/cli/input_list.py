"""`--files-from FILE|-`: names of inputs, as the bytes that they are."""

import os
from pathlib import Path

from specfeat.errors import NoUsableAudioError, UsageError, escape_control_characters
from specfeat.files import describe_os_error


def read_input_list(source: str, *, null: bool) -> list[str]:
    """Read the names of inputs, one a line, or each ended by a NUL as `find -print0` writes them.

    Nothing in a name has a meaning: not a dash at its front, not a `#`, not a space at its end.

    Args:
        source: the file, or "-" for stdin.
        null: whether names end in a NUL.

    Raises:
        UsageError: the file cannot be read, or its names end in a NUL and `null` does not say so.
        NothingError: there is no name in it.
    """
    said = escape_control_characters(source)
    try:
        if source == "-":
            with open(0, "rb", closefd=False) as file:
                data = file.read()
        else:
            data = Path(source).read_bytes()
    except (OSError, ValueError) as e:
        reason = describe_os_error(e)
        raise UsageError(f"--files-from {said}: cannot be read: {reason}") from e
    if not null and b"\0" in data:
        raise UsageError(f"--files-from {said}: has NULs, which no name has; add -0 if names end in them")
    names = [name for name in data.split(b"\0" if null else b"\n") if name]
    if not names:
        raise NoUsableAudioError(f"--files-from {said}: names no file")
    return [os.fsdecode(name) for name in names]
