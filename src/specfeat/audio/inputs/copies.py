"""Copies of sounds that are not files of their own: files without a name, which decoders can read."""

import atexit
import os
import sys
from collections.abc import Callable
from typing import IO, Generic, Protocol, TypeVar

from specfeat.anonymous_file import open_memory_file, open_temporary_file
from specfeat.errors import AudioError
from specfeat.sound import SoundSource

MEMORY_BYTES = 2**24  # a copy up to this size is kept in memory, a larger one in the temporary folder
BLOCK_BYTES = 2**20


class _Closable(Protocol):
    def close(self) -> None: ...


_Key = TypeVar("_Key")
_Opened = TypeVar("_Opened", bound=_Closable)


def open_copy(source: SoundSource) -> int:
    """Return the descriptor of a file with the bytes of a sound, at its beginning; the caller closes it.

    Each call gives a descriptor with a position of its own. The last copy is kept, because several decoders
    read one file if its parts overlap, or if each of its channels is a sound.

    Raises:
        AudioError: the bytes do not exist, or must not be read.
        OSError: the system cannot read them, or has no room for a copy.
    """
    if sys.platform == "linux":
        return os.open(f"/dev/fd/{_LAST_COPY.open(source).fileno()}", os.O_RDONLY)
    with source.open_file() as file:  # elsewhere, descriptors of one file would share their position
        return os.dup(file.fileno())


class LastOpened(Generic[_Key, _Opened]):
    """Keeps what was opened last, and closes it when something else is opened, or when the process ends.

    Args:
        open_key: a function that opens what a key names. Equal keys name the same thing.
    """

    def __init__(self, open_key: Callable[[_Key], _Opened]) -> None:
        self._open_key = open_key
        self._last: tuple[_Key, _Opened] | None = None

    def open(self, key: _Key) -> _Opened:
        """Open what the key names, unless it is open, and return it. The caller must not close it."""
        if self._last is None or self._last[0] != key:
            self.close()
            self._last = key, self._open_key(key)
            atexit.unregister(self.close)
            atexit.register(self.close)
        return self._last[1]

    def close(self) -> None:
        """Close what is open."""
        if self._last is not None:
            self._last[1].close()
            self._last = None


_LAST_COPY = LastOpened[SoundSource, IO[bytes]](lambda source: source.open_file())


def open_empty_copy(size: int | None = None) -> IO[bytes]:
    """Open an empty file for a copy.

    Args:
        size: the size that the copy will have, in bytes; None if it is not known.

    Raises:
        OSError: the system has no room for it.
    """
    return open_memory_file() if size is not None and size <= MEMORY_BYTES else open_temporary_file()


def copy_bytes(read: Callable[[int], bytes], size: int) -> IO[bytes]:
    """Return a file with the next bytes of a stream, at its beginning; the caller closes it.

    Args:
        read: a function that returns at most as many bytes as it is asked for; none at the end of the stream.
        size: how many bytes are copied.

    Raises:
        AudioError: the stream ends before.
        OSError: the system has no room for the copy, or cannot read the stream.
    """
    file = open_empty_copy(size)
    try:
        remaining = size
        while remaining:
            block = read(min(BLOCK_BYTES, remaining))
            if not block:
                raise AudioError(
                    f"has only {size - remaining:,} of its {size:,} bytes; copy or make it again",
                    "open",
                    "broken",
                )
            file.write(block)
            remaining -= len(block)
        file.seek(0)
    except BaseException:  # after an error here, no caller can close the file
        file.close()
        raise
    return file
