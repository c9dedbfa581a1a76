"""Sounds that only the main process can read, and therefore copies before the workers start."""

import itertools
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from specfeat.anonymous_file import open_temporary_file
from specfeat.audio.inputs.copies import BLOCK_BYTES
from specfeat.sound import RawFormat, SoundSource

_NUMBERS = itertools.count()


class _KeptFile:
    """Keeps a file open as long as the sound exists. The file has no name, and is gone when it is closed."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def __del__(self) -> None:
        self.file.close()


@dataclass(frozen=True, slots=True)
class CopiedSound(SoundSource):
    """A sound that the main process has copied to a file without a name.

    Attributes:
        path: a path by which the workers open the file.
        number: a number that no other sound of this process has, because the system uses such paths again.
        raw_format: how the sound is read if it has no header; None if it has one.
    """

    path: str
    number: int
    raw_format: RawFormat | None = None
    _kept_file: _KeptFile | None = field(default=None, compare=False, repr=False)

    def open_file(self) -> IO[bytes]:
        """See `SoundSource`."""
        return open(self.path, "rb")

    def __reduce__(self) -> tuple[type["CopiedSound"], tuple[str, int, RawFormat | None]]:
        """Return what a worker receives: everything but the open file."""
        return CopiedSound, (self.path, self.number, self.raw_format)


def copy_sound(read: Callable[[int], bytes]) -> tuple[CopiedSound, int]:
    """Copy a sound, and return its place and its size in bytes.

    Args:
        read: a function that returns at most as many bytes as it is asked for; none at the end of the sound.

    Raises:
        OSError: the sound cannot be read, or there is no room for a copy.
    """
    file, path = _open_shared_file()
    kept_file = _KeptFile(file)
    while block := read(BLOCK_BYTES):
        file.write(block)
    file.flush()
    return CopiedSound(path, next(_NUMBERS), None, kept_file), file.tell()


def _open_shared_file() -> tuple[IO[bytes], str]:
    """Open an empty file, and return a path by which the workers can open it."""
    if sys.platform == "linux":
        file = open_temporary_file()
        return file, f"/proc/{os.getpid()}/fd/{file.fileno()}"
    named_file = tempfile.NamedTemporaryFile(prefix="specfeat-")  # noqa: SIM115  the sound closes it
    return named_file, named_file.name
