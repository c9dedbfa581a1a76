"""One run at a time for an output: a lock that dies with its holder."""

import contextlib
import fcntl
import os
import stat
import time
from pathlib import Path

from specfeat.errors import LockedError, UsageError
from specfeat.output.place import writing

POLL_S = 0.1


class Lock:
    """The lock of a work folder, a file in it; taking the lock makes the folder.

    It is flock's: the system drops it with the process that holds it, however that ends, and no child
    inherits it.

    Args:
        folder: the work folder.
        output: that it is of.
        wait_s: how long to wait for another run to end.

    Raises:
        LockedError: another run has it.
        UsageError: something else has the folder's name.
        OutputError: the folder cannot be made, or its file system has no locks.
    """

    def __init__(self, folder: Path, output: Path, wait_s: float = 0.0) -> None:
        self._folder = folder
        self._output = output
        self._path = folder / "lock"
        deadline = time.monotonic() + wait_s
        while (taken := self._take()) is None:
            if not time.monotonic() < deadline:  # who waits for nan seconds does not wait
                raise LockedError(self._sentence(wait_s))
            time.sleep(POLL_S)
        self._descriptor = taken

    def release(self) -> None:
        """Give the lock back; the folder goes if nothing else is in it.

        The file is removed while the lock is held: who waits for it sees that its file is no more the one of
        that name, and begins again.
        """
        with contextlib.suppress(OSError):
            self._path.unlink()
        with contextlib.suppress(OSError):  # not empty: what is done so far, or another run's lock
            self._folder.rmdir()
        os.close(self._descriptor)

    def _take(self) -> int | None:
        """Return the descriptor that holds the lock, or None if another run does."""
        with writing(self._path, "locked"):
            while True:
                try:
                    self._folder.mkdir(exist_ok=True)
                    descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
                except (FileExistsError, FileNotFoundError):
                    self._check_folder()  # it is well if its holder has just removed it
                    continue
                taken = False
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    taken = self._is_current(descriptor)
                except BlockingIOError:
                    return None
                finally:
                    if not taken:
                        os.close(descriptor)
                if taken:
                    self._sign(descriptor)
                    return descriptor

    def _check_folder(self) -> None:
        """Find out whether the folder can be made at all."""
        try:
            in_the_way = not stat.S_ISDIR(self._folder.stat().st_mode)
        except FileNotFoundError:
            in_the_way = self._folder.is_symlink()
        if in_the_way:
            raise UsageError(f"{self._folder}: is in the way; it is to be the work folder")
        self._folder.parent.stat()

    def _is_current(self, descriptor: int) -> bool:
        """Tell whether the file is still there under its name: its last holder may have removed it."""
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        return False

    def _sign(self, descriptor: int) -> None:
        """Leave a name for those who find it locked; a full disk may not keep it, and need not."""
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

    def _sentence(self, wait_s: float) -> str:
        holder = ""
        with contextlib.suppress(OSError, ValueError):
            holder = f" (process {int(self._path.read_text())})"
        still = f"still at work on it after {wait_s:g} s" if wait_s else "at work on it"
        return f"{self._output}: another run{holder} is {still}; wait for it with --lock-wait SECONDS"
