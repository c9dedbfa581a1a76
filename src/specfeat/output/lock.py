"""The lock of a work folder: only one run at a time can use the folder."""

import contextlib
import fcntl
import os
import time
from pathlib import Path

from specfeat.errors import LockedError, OutputError, Remedy, UsageError
from specfeat.file_access import is_on_same_file_system, is_real_folder, open_regular_file
from specfeat.files import is_same_file, read_size, wrap_os_errors
from specfeat.output.journal import JOURNAL_NAME, is_journal

LOCK_NAME = "lock"  # its name in the work folder
# An attempt fails if another run removes the folder at the same moment. So many attempts fail only if the
# inode number of a file changes each time when it is read, as with some FUSE file systems.
MAX_ATTEMPTS = 100
POLL_S = 0.1  # seconds between two attempts while another run has the lock
LOCK_MARK = b"specfeat "  # the start of the lock file; it shows that specfeat has made the work folder


class WorkFolderLock:
    """The lock of a work folder: a file in the folder, locked by `flock`. Taking the lock makes the folder.

    When the process ends, for any reason, the system releases the lock. A child process does not inherit it.
    Between two system calls of this process, another run may remove the file and make a new one. So a lock is
    valid only if the locked file is still the one in the folder.

    Args:
        folder: the work folder.
        output: the array that the run will write, for messages.
    """

    def __init__(self, folder: Path, output: Path) -> None:
        self._folder = folder
        self._output = output
        self._path = folder / LOCK_NAME
        self._descriptor: int | None = None

    def take(self, wait_s: float = 0.0) -> None:
        """Take the lock; if a signal has interrupted this method, it can be called again.

        Args:
            wait_s: how many seconds to wait for another run to end.

        Raises:
            LockedError: another run has the lock.
            UsageError: a file or folder of this name exists that specfeat has not made; it is not touched.
            OutputError: the folder cannot be made, or its file system has no locks.
        """
        deadline = time.monotonic() + wait_s
        while not self._try_to_take():
            if not time.monotonic() < deadline:  # written so that it is true for NaN, too
                raise LockedError(self._describe_holder(wait_s), remedy=Remedy.WAIT_FOR_LOCK)
            time.sleep(POLL_S)

    @property
    def is_taken(self) -> bool:
        """Whether the lock has been taken and not released."""
        return self._descriptor is not None

    def is_held(self) -> bool:
        """Return whether the lock is still valid: another program may have removed or replaced the folder."""
        return self._descriptor is not None and is_same_file(self._descriptor, self._path)

    def release(self) -> None:
        """Release the lock, and remove the folder if nothing else is in it.

        If a signal has interrupted this method, it can be called again. If the lock is not taken, it does
        nothing.
        """
        with contextlib.suppress(OSError):
            # The file is removed before it is unlocked. A run that waits for the lock then notices that its
            # file is no longer the one in the folder, and begins again. If the folder has other files, the
            # lock file stays: it shows that the folder is specfeat's.
            if self.is_held() and set(self._folder.iterdir()) == {self._path}:
                self._path.unlink()
        self._remove_empty_folder()
        self._close()
        # Again after closing, because FUSE and NFS keep a removed file in the folder, under a hidden name,
        # until it is closed.
        self._remove_empty_folder()

    def _remove_empty_folder(self) -> None:
        with contextlib.suppress(OSError):
            self._folder.rmdir()  # only an empty folder can be removed

    def _try_to_take(self) -> bool:
        """Take the lock unless another run has it.

        Raises:
            OutputError: in `MAX_ATTEMPTS` attempts, the locked file was not the one in the folder.
        """
        self._close()
        with wrap_os_errors(self._path, "locked"):
            for _ in range(MAX_ATTEMPTS):
                self._make_folder()
                try:
                    self._check_folder()
                    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
                    self._descriptor = os.open(self._path, flags, 0o666)
                except FileNotFoundError:  # the run that had the folder has just removed it
                    continue
                is_taken = False
                try:
                    fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    # The run that had the lock may have removed the file between our `open` and `flock`.
                    is_taken = self.is_held()
                except BlockingIOError:
                    return False
                finally:
                    if not is_taken:
                        self._close()
                if is_taken:
                    self._write_holder(self._descriptor)
                    return True
        self._remove_unused_lock()
        raise OutputError(
            f"{self._folder}: cannot be locked, because inode numbers change in this file system; "
            "write the output to another file system"
        )

    def _remove_unused_lock(self) -> None:
        """Remove the file that could not be locked, and the folder, if no other run has written to them."""
        with contextlib.suppress(OSError):
            if not read_size(self._path):
                self._path.unlink()
        self._remove_empty_folder()

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
        """Check that the folder is a work folder of specfeat.

        Raises:
            UsageError: the folder is not specfeat's, is a link or a file, or is on another file system.
            FileNotFoundError: the folder does not exist any more.
        """
        in_the_way = f"{self._folder}: is in the way of the work folder"
        if not is_real_folder(self._folder):
            raise UsageError(f"{in_the_way}; rename or remove it")
        if not is_on_same_file_system(self._folder, self._folder.parent):
            raise UsageError(f"{in_the_way}, which cannot be on another file system; rename or unmount it")
        if not self._is_work_folder():
            raise UsageError(f"{in_the_way}, and specfeat has not made it; rename or remove it")

    def _is_work_folder(self) -> bool:
        """Return whether specfeat has made the folder.

        This is so if the folder has a lock file with the mark, or a journal; or if it is empty, or has only
        an empty lock file.
        """
        paths = set(self._folder.iterdir())
        mark = b""
        if self._path in paths:
            with open_regular_file(self._path) as file:
                mark = file.read(len(LOCK_MARK))
        if mark == LOCK_MARK:
            return True
        # The lock file is empty if the run was killed before it wrote the mark, or if the disk was full.
        is_new = not mark and not paths - {self._path}
        return is_new or is_journal(self._folder / JOURNAL_NAME)

    def _write_holder(self, descriptor: int) -> None:
        """Write the id of this process into the lock file, for messages of other runs.

        If the disk is full, nothing is written, and the lock is valid all the same.
        """
        with contextlib.suppress(OSError):
            length = os.pwrite(descriptor, b"%b%d\n" % (LOCK_MARK, os.getpid()), 0)
            os.ftruncate(descriptor, length)  # after the write, so that the mark is never missing

    def _describe_holder(self, wait_s: float) -> str:
        process = ""
        with contextlib.suppress(OSError, ValueError):
            process = f" (process {int(self._path.read_bytes().removeprefix(LOCK_MARK))})"
        still = f"still writing it after {wait_s:g} s" if wait_s else "writing it"
        return f"{self._output}: another run{process} is {still}"
