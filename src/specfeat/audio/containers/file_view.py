"""A file as libsndfile is shown it: with another end, or with other bytes in its header."""

from collections.abc import Mapping

from specfeat.audio.containers.file_bytes import FileBytes


class FileView:
    """A view of a file, with the methods by which libsndfile reads one.

    Args:
        file: the file.
        end: the bytes from here on are left out.
        claimed_size: the size that libsndfile is told. Between `end` and this size there is nothing to read.
            None for `end`.
        patches: bytes that stand in the view instead of those of the file, by their position. Behind `end`,
            they are found if a read begins with them.

    Attributes:
        position: where the next bytes are read.
    """

    def __init__(
        self,
        file: FileBytes,
        end: int,
        claimed_size: int | None = None,
        patches: Mapping[int, bytes] | None = None,
    ) -> None:
        self.position = 0
        self._file = file
        self._end = end
        self._claimed_size = claimed_size or end
        self._patches = patches or {}

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position, as the method of a file does."""
        self.position = offset + (0, self.position, self._claimed_size)[whence]
        return self.position

    def tell(self) -> int:
        """Return the position."""
        return self.position

    def readinto(self, buffer: memoryview) -> int:
        """Read bytes into a buffer, and return how many."""
        start = self.position
        if start >= self._end and start in self._patches:
            content = bytearray(self._patches[start][: len(buffer)])
        else:
            content = bytearray(self._file.read(start, min(len(buffer), self._end - start)))
        for place, patch in self._patches.items():
            first, last = max(place, start), min(place + len(patch), start + len(content))
            if first < last:
                content[first - start : last - start] = patch[first - place : last - place]
        buffer[: len(content)] = content
        self.position += len(content)
        return len(content)
