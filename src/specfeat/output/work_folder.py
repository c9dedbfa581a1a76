"""The work folder beside an output: one run at a time, what it has done so far, and the way to the output."""

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, BinaryIO

from specfeat.errors import OutputError, SpecfeatError
from specfeat.files import open_regular_file, sync_folder, wrap_os_errors
from specfeat.output.array import ArrayWriter
from specfeat.output.commit import (
    ARRAY_NAME,
    INDEX_NAME,
    NEW_RECORD_NAME,
    RECORD_NAME,
    ROWS_NAME,
    assemble_array,
    decide_commit,
    move_into_place,
    recover_commit,
    remove_files,
)
from specfeat.output.digest import describe_file
from specfeat.output.journal import JOURNAL_NAME, Entry, Journal
from specfeat.output.lock import WorkFolderLock
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import FinishedFile, PreviousRun, read_unfinished_run

SETTLE_S = 5.0  # at most so much work is lost when a run is killed; to settle takes two fsyncs


class WorkFolder:
    """The work folder of an output; leaving the `with` block brings to the disk what is done, and unlocks.

    Nothing is there before the `with` block, and whatever ends it, if it be a signal between two
    instructions, the folder stays only if it has what another run can go on from.

    Args:
        place: of the output.
        wait_s: how long to wait for another run on it.

    Attributes:
        completed: whether an output that had been decided on, but not all moved, is in its place now,
            and nothing has been begun since.
        left: what a run that was ended has left here; None if it had finished no file.
        stands: by what the three files that are there now are known again.
        begun: whether this run has begun to write.
        kept: how many files are done and on the disk, for another run to go on from.
    """

    def __init__(self, place: OutputPaths, wait_s: float = 0.0) -> None:
        self.place = place
        self.completed = self.begun = False
        self.left: PreviousRun | None = None
        self.stands: tuple[tuple[int, ...] | None, ...] = ()
        self.kept = 0
        self._wait_s = wait_s
        self._lock = WorkFolderLock(place.work, place.array)
        self._decided = False
        self._rows: ArrayWriter | None = None
        self._journal: Journal | None = None
        self._settled_at = time.monotonic()

    def drop(self) -> None:
        """Throw away what is here, if it is still this run's."""
        self._close_files()
        if self._lock.is_held():
            remove_files(self.place.work, JOURNAL_NAME, ROWS_NAME, ARRAY_NAME, INDEX_NAME, NEW_RECORD_NAME)
        self.left, self.kept = None, 0

    @property
    def replaces(self) -> list[list[int] | None]:
        """Size and time of each of the three files that are there now, as the journal has them."""
        return [None if one is None else list(one[2:]) for one in self.stands]

    def begin(self, made_with: dict[str, Any]) -> None:
        """Begin to write rows, after those that are left here, or anew.

        Args:
            made_with: what the rows are made with; `features` is their width.
        """
        self.begun = True
        self.completed = self._decided = False
        remove_files(self.place.work, ARRAY_NAME, INDEX_NAME, NEW_RECORD_NAME)
        folder, left = self.place.work, self.left
        self._rows = ArrayWriter(folder / ROWS_NAME, made_with["features"], left.rows if left else 0)
        self._journal = Journal(
            folder / JOURNAL_NAME, None if left else made_with, left.length if left else 0
        )
        self.settle()
        sync_folder(folder)
        sync_folder(self.place.array.parent)

    @property
    def rows(self) -> ArrayWriter:
        """The rows that have been made, in the order of their making; `begin` comes first."""
        if self._rows is None:
            raise RuntimeError("the work has not begun")
        return self._rows

    def finish(self, entry: Entry) -> FinishedFile:
        """A file is done; its rows are the last that were written."""
        if self._journal is None:
            raise RuntimeError("the work has not begun")
        self._journal.add(entry)
        self.settle_in_time()
        return FinishedFile(entry, self.rows.path, self.rows.rows - entry["rows"])

    def settle_in_time(self) -> None:
        """Bring the finished files to the disk if the last time is long ago."""
        if time.monotonic() - self._settled_at > SETTLE_S:
            self.settle()

    def settle(self) -> None:
        """Bring all finished files to the disk: their rows, and only then the lines that speak of them."""
        if self._rows is None or self._journal is None:
            return
        if not self._is_whole():
            raise OutputError(
                f"{self.place.work}: has been removed, or taken by another run; nothing is written"
            )
        self._rows.settle()
        self._journal.settle()
        self.kept = self._journal.settled + (len(self.left.entries) if self.left else 0)
        self._settled_at = time.monotonic()

    def assemble(
        self, done: Sequence[FinishedFile], width: int, write_index: Callable[[BinaryIO], None]
    ) -> dict[str, Any]:
        """Prepare the array of these files, in this order, and its index.

        Returns:
            Size and hash of both, for the record.

        Raises:
            OutputError: the disk refuses, or what lies there is not what lay there when the run began.
        """
        self.settle()
        self._check_standing()
        array = assemble_array(self.place.work, done, self.rows, width)
        index = self.place.work / INDEX_NAME
        with wrap_os_errors(index), open_regular_file(index, "wb") as file:
            write_index(file)
            file.flush()
            os.fsync(file.fileno())
        with wrap_os_errors(array, "read"):
            return {"array": describe_file(array), "index": describe_file(index)}

    def commit(self, record: dict[str, Any]) -> None:
        """Make what has been prepared the output, at once; what stood there before goes."""
        self.settle()
        self._check_standing()
        decide_commit(self.place, record)
        self._decided = True
        self._close_files()
        move_into_place(self.place)
        self.completed = True
        self.drop()
        self._lock.release()  # here, not on the way out: a signal there may come before the first instruction

    def close(self) -> None:
        """Keep what is done, or nothing if there is nothing, and unlock.

        What a signal interrupts can be done again; the lock is held till then.
        """
        if not self._lock.is_taken:
            return
        try:
            if self._is_whole():
                self._keep()
            else:
                self._close_files()
                self.kept = 0
        except Exception:
            self._lock.release()
            raise
        self._lock.release()

    def _keep(self) -> None:
        if self._rows is not None and self._journal is not None:
            before = self.left.rows if self.left else 0
            done = before + sum(entry["rows"] for entry in self._journal.entries)
            self._rows.take_back(self._rows.rows - done)  # on a full disk: room for the journal
            self.settle()
        self._close_files()
        if move_into_place(self.place) or self._decided:
            self.completed, self.kept = True, 0
        if not self.kept:
            self.drop()

    def _is_whole(self) -> bool:
        """Tell whether the folder is still this run's: it may have been removed, and be another's now."""
        return self._lock.is_held() and (self._rows is None or self._rows.is_there())

    def _check_standing(self) -> None:
        """Make sure that only what this run has been allowed to replace is replaced."""
        for path, then, now in zip(self.place.files, self.stands, self.place.standing(), strict=True):
            if then != now:
                raise OutputError(f"{path}: has appeared or changed during the run, so it is not replaced")

    def _close_files(self) -> None:
        rows, journal = self._rows, self._journal
        self._rows = self._journal = None  # ahead: nothing is to be written to what may be closed
        for file in (rows, journal):
            if file is not None:
                file.close()

    def __enter__(self) -> "WorkFolder":
        """Take the folder, and look at what is there.

        Raises:
            LockedError: another run has the output.
            UsageError: what is there is not specfeat's.
            OutputError: the disk refuses.
        """
        try:
            self._lock.take(self._wait_s)
            self._look()
        except Exception:
            self._lock.release()
            raise
        except BaseException:  # a signal: only what is held can be removed, and what is there is to be told
            with contextlib.suppress(SpecfeatError):
                self._lock.take()
                self._look()
                self.close()
            self._lock.release()
            raise
        return self

    def _look(self) -> None:
        self._decided = self._decided or os.path.lexists(self.place.work / RECORD_NAME)
        self.completed = recover_commit(self.place) or self._decided  # by a look that a signal has ended
        self.left = read_unfinished_run(self.place.work, self.place.work / ROWS_NAME)
        self.stands = self.place.standing()
        self.kept = len(self.left.entries) if self.left else 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        except (SpecfeatError, OSError):
            if error is None:  # the first error is the one to tell
                raise
        except BaseException:  # a signal: what it has interrupted is done again, and then all of it
            with contextlib.suppress(SpecfeatError, OSError):
                self.close()
            raise
