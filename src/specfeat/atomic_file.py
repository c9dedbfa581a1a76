"""Writes a file so that its path never has an incomplete file."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from specfeat.file_access import sync_open_file
from specfeat.files import wrap_os_errors


class AtomicFile:
    """A file that is written under a hidden name in the same folder, and renamed when it is complete.

    States: hidden (from the `with` statement on), then finished (after `finish`) or discarded (at the end of
    the `with` block without `finish`, which removes the hidden file). While the file is hidden, an older file
    at the final path is not changed.

    Args:
        path: the final path of the file.

    Attributes:
        path: the final path of the file.
        file: the open hidden file. It exists only inside the `with` block.
    """

    file: BinaryIO

    def __init__(self, path: Path) -> None:
        self.path = path
        self._has_started_rename = False
        self._hidden = path.with_name(f".{path.name}.{os.getpid()}.partial")

    def sync(self) -> None:
        """Bring every byte to the disk.

        Raises:
            OutputError: the disk refuses.
        """
        with wrap_os_errors(self.path):
            sync_open_file(self.file)

    def finish(self) -> None:
        """Rename the file to its final path; call `sync` before.

        Raises:
            OutputError: the disk refuses.
        """
        with wrap_os_errors(self.path):
            self.file.close()
            # Set before the rename: if a signal interrupts this method just after the rename, `is_finished`
            # must be true.
            self._has_started_rename = True
            self._hidden.replace(self.path)

    @property
    def is_finished(self) -> bool:
        """Whether the file has its final path. This is also true if a signal came just after the rename."""
        return self._has_started_rename and not self._hidden.exists()

    def discard(self) -> None:
        """Remove the hidden file, if it was not renamed to its final path."""
        # Without this line, the missing hidden file would look like a finished rename.
        self._has_started_rename = self.is_finished
        with contextlib.suppress(OSError, AttributeError):  # the disk is full, or the file was never opened
            self.file.close()
        with contextlib.suppress(OSError):
            self._hidden.unlink()

    def __enter__(self) -> "AtomicFile":
        try:
            with wrap_os_errors(self.path):
                self.file = self._hidden.open("w+b")
        except BaseException:  # also after a signal: the file may exist already
            self.discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.discard()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file, and bring it to the disk; an older file at the path is replaced at the end.

    Raises:
        OutputError: the disk refuses.
    """
    write_pieces(path, [content])


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a whole file from pieces, as `write_atomically` does.

    Args:
        path: the path of the file.
        pieces: the bytes of the file, in pieces. An error while they are made keeps its type.

    Raises:
        OutputError: the disk refuses.
    """
    with AtomicFile(path) as file:
        for piece in pieces:
            with wrap_os_errors(path):
                file.file.write(piece)
        file.sync()
        file.finish()
