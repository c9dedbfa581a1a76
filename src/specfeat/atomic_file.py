"""A file that appears under its name completely written, or not at all."""

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from specfeat.file_access import sync_open_file
from specfeat.files import wrap_os_errors


class AtomicFile:
    """A file that is written beside its final path, under a hidden name, and renamed when it is complete.

    Until `finish`, an older file at the final path stays there. Leaving the `with` block without `finish`
    removes the hidden file.

    Args:
        path: the final path.

    Attributes:
        path: the final path.
        file: the open hidden file, inside the `with` block.
    """

    file: BinaryIO

    def __init__(self, path: Path) -> None:
        self.path = path
        self._finishing = False
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
            # Before the rename: if a signal comes just after it, `is_finished` still knows.
            self._finishing = True
            self._hidden.replace(self.path)

    @property
    def is_finished(self) -> bool:
        """Whether the file is at its final path; true also when a signal came just after the rename."""
        return self._finishing and not self._hidden.exists()

    def discard(self) -> None:
        """Remove the hidden file, unless it has its final name already."""
        self._finishing = self.is_finished
        with contextlib.suppress(OSError, AttributeError):  # a full disk; or the file was never opened
            self.file.close()
        with contextlib.suppress(OSError):
            self._hidden.unlink()

    def __enter__(self) -> "AtomicFile":
        try:
            with wrap_os_errors(self.path):
                self.file = self._hidden.open("w+b")
        except BaseException:  # a signal may come after the file was made
            self.discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.discard()
