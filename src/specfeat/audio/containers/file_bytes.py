"""The bytes of an open file, read where they are asked for."""

import os
import re
from collections.abc import Iterator

BLOCK_BYTES = 65_536
SEARCH_STEP_BYTES = 1_048_576


class FileBytes:
    """The bytes of an open file; only one block of them is kept in memory.

    The position of the descriptor does not change. A file may become shorter while it is read: then there are
    fewer bytes than `size`. (With a mapping of the file in memory, this would end the process.)

    Args:
        descriptor: the descriptor of the file. It stays open.
        beginning: how many bytes at the beginning of the file are left out; positions are counted from there.

    Attributes:
        size: the size of the file in bytes.
    """

    def __init__(self, descriptor: int, beginning: int = 0) -> None:
        self.size = max(0, os.fstat(descriptor).st_size - beginning)
        self._descriptor = descriptor
        self._beginning = beginning
        self._block = b""
        self._block_start = 0

    def read(self, start: int, count: int) -> bytes:
        """Return `count` bytes from `start` on; fewer at the end of the file, none before its beginning.

        Raises:
            OSError: the file cannot be read.
        """
        if start < 0 or count <= 0 or start >= self.size:
            return b""
        if count > BLOCK_BYTES:
            return self._read_at(start, count)
        offset = start - self._block_start
        if offset < 0 or offset + count > len(self._block):
            self._block = self._read_at(start, BLOCK_BYTES)
            self._block_start, offset = start, 0
        return self._block[offset : offset + count]

    def leave_out(self, count: int) -> "FileBytes":
        """Return the same file without some bytes at its beginning."""
        return FileBytes(self._descriptor, self._beginning + count)

    def search(self, pattern: "re.Pattern[bytes]", start: int, end: int, overlap: int) -> Iterator[int]:
        """Yield the places between `start` and `end` at which a pattern begins, in order.

        Args:
            pattern: what is looked for; no match is longer than `overlap` + 1 bytes.
            start: the first place.
            end: the end of the bytes that a match may have.
            overlap: how many bytes of a step are looked at again in the next one.

        Raises:
            OSError: the file cannot be read.
        """
        end = min(end, self.size)
        while start < end:
            content = self._read_at(start, min(SEARCH_STEP_BYTES, end - start))
            if not content:
                return
            is_last = start + len(content) >= end or len(content) <= overlap
            limit = len(content) if is_last else len(content) - overlap
            for match in pattern.finditer(content):
                if match.start() < limit:
                    yield start + match.start()
            start = end if is_last else start + limit

    def find(self, pattern: bytes, start: int, end: int | None = None) -> int:
        """Return the first place of some bytes from `start` on, or -1.

        Raises:
            OSError: the file cannot be read.
        """
        places = self.search(re.compile(re.escape(pattern)), start, end or self.size, len(pattern) - 1)
        return next(places, -1)

    def _read_at(self, start: int, count: int) -> bytes:
        parts: list[bytes] = []
        start += self._beginning
        while count > 0:
            part = os.pread(self._descriptor, count, start)
            if not part:
                break
            parts.append(part)
            start, count = start + len(part), count - len(part)
        return b"".join(parts)
