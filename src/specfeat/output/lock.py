"""One run at a time for an output: a lock that dies with its holder."""

import contextlib
import fcntl
import os
import stat
import time
from pathlib import Path

from specfeat.errors import LockedError, OutputError, UsageError
from specfeat.files import is_same_file, open_regular_file, wrap_os_errors
from specfeat.output.journal import JOURNAL_NAME, is_journal

POLL_S = 0.1
LOCK_MARK = b"specfeat "  # what the lock begins with: by it a work folder is known to be one


class WorkFolderLock:
    """The lock of a work folder, a file in it; taking the lock makes the folder.

    It is flock's: the system drops it with the process that holds it, however that ends, and no child
    inherits it.

    Args:
        folder: the work folder.
        output: that it is of.
    """

    def __init__(self, folder: Path, output: Path) -> None:
        self._folder = folder
        self._output = output
        self._path = folder / "lock"
        self._descriptor: int | None = None

    def take(self, wait_s: float = 0.0) -> None:
        """Take it, or take it again: a signal whose error comes up here leaves it half taken.

        Args:
            wait_s: how long to wait for another run to end.

        Raises:
            LockedError: another run has it.
            UsageError: something else has the folder's name: what specfeat has not made is not touched.
            OutputError: the folder cannot be made, or its file system has no locks.
        """
        deadline = time.monotonic() + wait_s
        while not self._take():
            if not time.monotonic() < deadline:  # who waits for nan seconds does not wait
                raise LockedError(self._sentence(wait_s))
            time.sleep(POLL_S)

    @property
    def is_taken(self) -> bool:
        """Whether it has been taken, and not given back."""
        return self._descriptor is not None

    def is_held(self) -> bool:
        """Tell whether it is still this run's: the folder may have been removed, and made anew by another."""
        return self._descriptor is not None and is_same_file(self._descriptor, self._path)

    def release(self) -> None:
        """Give the lock back; the folder goes if it is empty, else the lock's file stays as its mark.

        The file is removed while the lock is held: who waits for it sees that its file is no more the one of
        that name, and begins again. It may be done again if it was interrupted, and where nothing was taken.
        """
        with contextlib.suppress(OSError):
            if self.is_held() and set(self._folder.iterdir()) == {self._path}:
                self._path.unlink()
            self._folder.rmdir()  # if it is empty
        self._close()

    def _take(self) -> bool:
        """Take the lock unless another run has it."""
        self._close()
        with wrap_os_errors(self._path, "locked"):
            while True:
                self._make_folder()
                try:
                    self._check_folder()
                    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
                    self._descriptor = os.open(self._path, flags, 0o666)
                except FileNotFoundError:  # the folder's holder has just removed it
                    continue
                taken = False
                try:
                    fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    taken = self.is_held()  # its last holder may have removed it
                except BlockingIOError:
                    return False
                finally:
                    if not taken:
                        self._close()
                if taken:
                    self._sign(self._descriptor)
                    return True

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir()
        except FileExistsError:
            pass
        except FileNotFoundError:
            raise OutputError(f"{self._folder.parent}: the folder has been removed") from None

    def _check_folder(self) -> None:
        """Refuse a folder that is not specfeat's.

        Raises:
            UsageError: it is not.
            FileNotFoundError: it is not there any more.
        """
        status = self._folder.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise UsageError(f"{self._folder}: is in the way; it is to be the work folder")
        if status.st_dev != self._folder.parent.stat().st_dev:
            raise UsageError(
                f"{self._folder}: is in the way: the work folder cannot be on another file system"
            )
        if not self._is_ours():
            raise UsageError(
                f"{self._folder}: is in the way: it is to be the work folder, but specfeat has not made it; "
                "rename or remove it"
            )

    def _is_ours(self) -> bool:
        paths = set(self._folder.iterdir())
        mark = b""
        if self._path in paths:
            with open_regular_file(self._path) as file:
                mark = file.read(len(LOCK_MARK))
        if mark:
            return mark == LOCK_MARK
        return not paths - {self._path} or is_journal(self._folder / JOURNAL_NAME)

    def _sign(self, descriptor: int) -> None:
        """Leave a name for those who find it locked; a full disk may not keep it, and need not."""
        with contextlib.suppress(OSError):
            length = os.pwrite(descriptor, b"%b%d\n" % (LOCK_MARK, os.getpid()), 0)
            os.ftruncate(descriptor, length)  # after it: the mark is never gone

    def _sentence(self, wait_s: float) -> str:
        holder = ""
        with contextlib.suppress(OSError, ValueError):
            holder = f" (process {int(self._path.read_bytes().removeprefix(LOCK_MARK))})"
        still = f"still at work on it after {wait_s:g} s" if wait_s else "at work on it"
        return f"{self._output}: another run{holder} is {still}; wait for it with --lock-wait SECONDS"
