"""The work folder of an output: only one run can use it; finished sounds are kept however the run ends."""

import contextlib
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import BinaryIO

from specfeat.errors import OutputError, SpecfeatError
from specfeat.file_access import sync_folder
from specfeat.output.assembly import prepare_files
from specfeat.output.commit import (
    has_pending_commit,
    move_into_place,
    recover_commit,
    remove_files,
    remove_prepared_files,
    write_commit_record,
)
from specfeat.output.digests import OutputDigests
from specfeat.output.journal import JOURNAL_NAME
from specfeat.output.lock import WorkFolderLock
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import DamagedRun, FinishedSound, UnfinishedRun, read_unfinished_run
from specfeat.output.records import JournalHeader, Provenance, RunRecord, SoundEntry
from specfeat.output.replaced_files import ReplacedFiles
from specfeat.output.rows_file import ROWS_NAME, RowsFile
from specfeat.output.sound_writer import SoundWriter

SYNC_INTERVAL_S = 5.0  # a killed run loses at most so much work; each sync waits for the disk twice


class WorkFolder:
    """The work folder of one output, inside a `with` block.

    The states of a run, and what a later run finds if this one ends there:

    - Entered: the lock is taken, an interrupted commit is completed, the work of an unfinished run is read.
      If there is no such work, the folder is removed at the end of the block.
    - Started (`start`): rows and journal grow. Leaving the block brings the finished sounds to the disk, and
      a later run can continue after them.
    - Prepared (`prepare_output`): array and index are complete; a later run prepares them again.
    - Committed (`commit`): the output is in its place, and the folder is gone.

    These states are true however the block ends, even if a signal interrupts it. Every method raises
    `OutputError` if the disk refuses, if the folder is no longer this run's, or if another program has
    changed the output. Entering the block raises `LockedError` if another run holds the lock, and
    `UsageError` if the folder is not a work folder of specfeat.

    Args:
        paths: the paths of the output.
        wait_s: how long to wait for another run on the same output, in seconds.

    Attributes:
        paths: the paths of the output.
        is_committed: true after this object has completed a commit: its own, or an interrupted one that it
            found when it was entered. `start` sets it to false.
        unfinished_run: what a run that ended early has left here, which may be damaged; None if it had
            finished no sound.
        has_started: whether this run has begun to write.
        finished_count: how many sounds are finished and on the disk, for another run to continue after.
    """

    def __init__(self, paths: OutputPaths, wait_s: float = 0.0) -> None:
        self.paths = paths
        self.is_committed = self.has_started = False
        self.unfinished_run: UnfinishedRun | DamagedRun | None = None
        self.finished_count = 0
        self._wait_s = wait_s
        self._lock = WorkFolderLock(paths.work_folder, paths.array)
        self._is_commit_pending = False  # true after the rename; `is_committed` after the moves
        self._replaced = ReplacedFiles(paths)  # looked at again under the lock
        self._writer: SoundWriter | None = None
        self._synced_at = time.monotonic()

    @property
    def replaced_files(self) -> tuple[tuple[int, int] | None, ...]:
        """Size and time of the files that this run is to replace, as in `JournalHeader.replaces`."""
        return self._replaced.sizes_and_times

    def discard(self) -> None:
        """Remove rows, journal and prepared files, if the folder is still this run's."""
        self._close_files()
        if self._lock.is_held():
            remove_files(self.paths.work_folder, JOURNAL_NAME, ROWS_NAME)
            remove_prepared_files(self.paths.work_folder)
        self.unfinished_run, self.finished_count = None, 0

    def start(self, provenance: Provenance, *, updates: bool) -> None:
        """Begin to write rows, after those of the unfinished run if it has not been discarded.

        Args:
            provenance: what the rows are made with; complete.
            updates: whether the run brings an output up to date.
        """
        if isinstance(self.unfinished_run, DamagedRun):
            raise RuntimeError("damaged work must be discarded first")
        self.has_started = True
        self.is_committed = self._is_commit_pending = False
        folder = self.paths.work_folder
        remove_prepared_files(folder)
        name, replaces = self.paths.array.name, self.replaced_files
        header = JournalHeader(provenance=provenance, output=name, replaces=replaces, updates=updates)
        self._writer = SoundWriter(folder, header, self.unfinished_run)
        self.sync()
        sync_folder(folder)
        sync_folder(self.paths.array.parent)

    @property
    def rows(self) -> RowsFile:
        """The rows that have been written, in the order in which they were made; call `start` before."""
        if self._writer is None:
            raise RuntimeError("nothing can be written before `start`")
        return self._writer.rows

    def finish_sound(self, entry: SoundEntry) -> FinishedSound:
        """Note that a sound is finished; its rows are the last that were written."""
        if self._writer is None:
            raise RuntimeError("no sound can be finished before `start`")
        sound = self._writer.finish_sound(entry)
        self.sync_if_due()
        return sound

    def sync_if_due(self) -> None:
        """Bring the finished sounds to the disk if the last time is longer ago than `SYNC_INTERVAL_S`."""
        if time.monotonic() - self._synced_at > SYNC_INTERVAL_S:
            self.sync()

    def sync(self) -> None:
        """Bring all finished sounds to the disk, if the folder is still this run's."""
        if self._writer is None:
            return
        if not self._is_intact():
            problem = "has been removed, or taken by another run; nothing is written"
            raise OutputError(f"{self.paths.work_folder}: {problem}")
        self._writer.sync()
        self.finished_count = self._writer.finished_count
        self._synced_at = time.monotonic()

    def prepare_output(
        self, sounds: Sequence[FinishedSound], write_index: Callable[[BinaryIO], None]
    ) -> OutputDigests:
        """Write array and index of the new output into the work folder.

        Args:
            sounds: all sounds of the output, in the order of the inputs.
            write_index: a function that writes the index to an open file.

        Returns:
            Name, size and hash of both, for the record.
        """
        self._check_before_commit()
        return prepare_files(self.paths, sounds, self.rows, write_index)

    def commit(self, record: RunRecord) -> None:
        """Make what `prepare_output` has written the output; what was there before is replaced."""
        self._check_before_commit()
        write_commit_record(self.paths, record)
        self._is_commit_pending = True
        self._close_files()
        move_into_place(self.paths)
        self.is_committed = True
        self.discard()
        # Here, although `close` would do it: a signal can come between the end of the `with` block and the
        # first instruction of `close`, and would leave an empty folder.
        self._lock.release()

    def close(self) -> None:
        """Bring the finished sounds to the disk, or remove the folder if there are none; release the lock.

        It can be repeated if a signal interrupts it: the lock is held until everything else is done.
        """
        if not self._lock.is_taken:
            return
        try:
            if self._is_intact():
                self._save_finished_sounds()
            else:
                self._close_files()
                self.finished_count = 0
        except Exception:
            self._lock.release()
            raise
        self._lock.release()

    def _save_finished_sounds(self) -> None:
        if self._writer is not None:
            self._writer.remove_unfinished_rows()
            self.sync()
        self._close_files()
        # A signal may have come in `commit`, after the decision: then the output is completed here.
        if move_into_place(self.paths) or self._is_commit_pending:
            self.is_committed, self.finished_count = True, 0
        if not self.finished_count:
            self.discard()

    def _check_before_commit(self) -> None:
        self.sync()
        self._replaced.check_unchanged()

    def _is_intact(self) -> bool:
        """Return whether the folder is still this run's: it may have been removed and made again."""
        return self._lock.is_held() and (self._writer is None or self._writer.rows.is_at_its_path())

    def _close_files(self) -> None:
        writer, self._writer = self._writer, None  # first, so that nothing is written to a closed file
        if writer is not None:
            writer.close()

    def __enter__(self) -> "WorkFolder":
        """Take the lock, and read what is in the folder.

        Raises:
            LockedError: another run has the output.
            UsageError: something in the way was not made by specfeat.
        """
        try:
            self._lock.take(self._wait_s)
            self._read_folder()
        except Exception:
            self._lock.release()
            raise
        except BaseException:
            # A signal: `__exit__` is not called after an error here, so what is left is removed now. The lock
            # is taken again, because the signal may have come while it was taken.
            with contextlib.suppress(SpecfeatError):
                self._lock.take()
                self._read_folder()
                self.close()
            self._lock.release()
            raise
        return self

    def _read_folder(self) -> None:
        # `_is_commit_pending` is kept: if a signal interrupts the moves, a second call finds nothing to move.
        self._is_commit_pending = self._is_commit_pending or has_pending_commit(self.paths)
        self.is_committed = recover_commit(self.paths) or self._is_commit_pending
        self.unfinished_run = read_unfinished_run(self.paths.work_folder)
        self._replaced = ReplacedFiles(self.paths)
        self.finished_count = self.unfinished_run.finished_count if self.unfinished_run else 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        except (SpecfeatError, OSError):
            if error is None:  # otherwise the first error is the one to report
                raise
        except BaseException:  # a signal: what it has interrupted is repeated
            with contextlib.suppress(SpecfeatError, OSError):
                self.close()
            raise
