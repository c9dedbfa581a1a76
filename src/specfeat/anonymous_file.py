"""Files without a name, for bytes that only this process and its children need."""

import os
import tempfile
from typing import IO


def open_memory_file() -> IO[bytes]:
    """Open an empty file in memory; on a system that has no such files, in the temporary folder.

    A file in memory needs no folder that can be written to, which a container may not have.

    Raises:
        OSError: the system has no room for it.
    """
    try:
        return os.fdopen(os.memfd_create("specfeat"), "w+b")
    except (AttributeError, OSError):  # not Linux, or not allowed
        return tempfile.TemporaryFile()


def open_temporary_file() -> IO[bytes]:
    """Open an empty file in the temporary folder; where there is no such folder, in memory.

    Raises:
        OSError: the system has no room for it.
    """
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open_memory_file()
