"""Inputs as journal and record know them: their names, and by what a file is the same file still."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """By what a file is known again; both None if it could not be read."""

    size: int | None
    mtime_ns: int | None


UNREADABLE_FILE = FileIdentity(None, None)


def to_record_name(path: str) -> str:
    """Return a path as index and record have it: its bytes as UTF-8, odd ones kept, whatever the locale."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def identify_file(path: str) -> FileIdentity:
    """Look at a file. Take it before the file is read: whatever is changed later, is seen the next time."""
    try:
        status = os.stat(path)  # noqa: PTH116  to pathlib "" is ".", and a/ is a
    except (OSError, ValueError):
        return UNREADABLE_FILE
    return FileIdentity(status.st_size, status.st_mtime_ns)
