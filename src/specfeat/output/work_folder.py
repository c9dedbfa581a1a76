"""The work folder of an output: a lock, so that only one run uses it, and the finished sounds of this run.

However the run ends, the finished sounds are kept.
"""

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

# How often finished sounds are saved. A killed run loses the work of this time at most. Each sync waits for
# the disk twice, so a much shorter interval would slow the run down.
SYNC_INTERVAL_S = 5.0


class WorkFolder:
    """The work folder of one output, used in a `with` block.

    The states of a run, and what a later run finds if this run ends in them:

    - Entered: the lock is taken, an interrupted commit is completed, and the work of an unfinished run is
      read. If there is no such work, the folder is removed at the end of the block.
    - Started (`start`): rows and journal grow. At the end of the block, the finished sounds are saved to the
      disk, and a later run can continue after them.
    - Prepared (`prepare_output`): array and index are complete; a later run prepares them again.
    - Committed (`commit`): the new output has replaced the old one, and the folder is removed.

    This is true however the block ends, even if a signal interrupts it. Every method raises `OutputError` if
    the disk cannot be written, if the folder is no longer this run's, or if another program has changed the
    output. A method that is called in the wrong state raises `RuntimeError`.

    Args:
        paths: the paths of the output.
        wait_s: how many seconds to wait while another run uses the folder.

    Attributes:
        paths: the paths of the output.
        is_committed: true after this object has completed a commit: its own, or an interrupted one that it
            found when it was entered. `start` sets it to false.
        unfinished_run: the work that a run which ended early has left here, maybe damaged (`DamagedRun`);
            None if there is none.
        has_started: whether `start` has been called.
        finished_count: how many sounds are finished and on the disk, so that another run can continue after
            them.
    """

    def __init__(self, paths: OutputPaths, wait_s: float = 0.0) -> None:
        self.paths = paths
        self.is_committed = self.has_started = False
        self.unfinished_run: UnfinishedRun | DamagedRun | None = None
        self.finished_count = 0
        self._wait_s = wait_s
        self._lock = WorkFolderLock(paths.work_folder, paths.array)
        # True from the rename of the record on, with which the commit begins; `is_committed` is true after
        # the moves.
        self._is_commit_pending = False
        self._replaced_files = ReplacedFiles(paths)  # made again under the lock, when the folder is entered
        self._writer: SoundWriter | None = None
        self._provenance: Provenance | None = None
        self._synced_at = time.monotonic()

    @property
    def replaced_sizes_and_times(self) -> tuple[tuple[int, int] | None, ...]:
        """Size and time of the files that this run will replace, as in `JournalHeader.replaced_files`."""
        return self._replaced_files.sizes_and_times

    def discard(self) -> None:
        """Remove rows, journal and prepared files, if the folder is still this run's."""
        self._close_files()
        if self._lock.is_held():
            remove_files(self.paths.work_folder, JOURNAL_NAME, ROWS_NAME)
            remove_prepared_files(self.paths.work_folder)
        self.unfinished_run, self.finished_count = None, 0

    def start(self, provenance: Provenance, *, is_update: bool, shard: str = "") -> None:
        """Begin to write rows, after those of the unfinished run if that has not been discarded.

        Args:
            provenance: the provenance of the rows; complete.
            is_update: whether the run brings an output up to date.
            shard: which shard of a divided run it is, e.g. "2/8"; "" if the run is not divided.
        """
        if isinstance(self.unfinished_run, DamagedRun):
            raise RuntimeError("damaged work must be discarded first")
        self.has_started = True
        self.is_committed = self._is_commit_pending = False
        folder = self.paths.work_folder
        remove_prepared_files(folder)
        header = JournalHeader(
            provenance=provenance,
            output=self.paths.array.name,
            replaced_files=self.replaced_sizes_and_times,
            is_update=is_update,
            shard=shard,
        )
        self._provenance = provenance
        self._writer = SoundWriter(folder, header, self.unfinished_run)
        self.sync()
        sync_folder(folder)
        sync_folder(self.paths.array.parent)

    @property
    def provenance(self) -> Provenance:
        """The provenance of the rows; valid after `start`."""
        if self._provenance is None:
            raise RuntimeError("the provenance is known after `start`")
        return self._provenance

    @property
    def rows(self) -> RowsFile:
        """The rows that have been written, in the order in which they were made; valid after `start`."""
        if self._writer is None:
            raise RuntimeError("nothing can be written before `start`")
        return self._writer.rows

    def finish_sound(self, entry: SoundEntry) -> FinishedSound:
        """Add a finished sound to the journal; its rows are the last that were written.

        Args:
            entry: the entry of the sound.

        Returns:
            The entry, and where the rows are.
        """
        if self._writer is None:
            raise RuntimeError("no sound can be finished before `start`")
        sound = self._writer.finish_sound(entry)
        self.sync_if_due()
        return sound

    def sync_if_due(self) -> None:
        """Save the finished sounds to the disk if the last sync is longer ago than `SYNC_INTERVAL_S`."""
        if time.monotonic() - self._synced_at > SYNC_INTERVAL_S:
            self.sync()

    def sync(self) -> None:
        """Save all finished sounds to the disk.

        Raises:
            OutputError: the disk cannot be written, or the folder is no longer this run's.
        """
        if self._writer is None:
            return
        if not self._is_intact():
            problem = "has been removed, or another run has taken it, so nothing more is written"
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
            The name of the array, and the sizes and hashes of array and index, for the record.
        """
        if self._provenance is None:
            raise RuntimeError("nothing can be written before `start`")
        self._check_before_commit()
        return prepare_files(self.paths, sounds, self.rows, self._provenance, write_index)

    def commit(self, record: RunRecord) -> None:
        """Replace the old output, if there is one, by the files that `prepare_output` has written.

        Args:
            record: the record of the new output.
        """
        self._check_before_commit()
        write_commit_record(self.paths, record)
        self._is_commit_pending = True
        self._close_files()
        move_into_place(self.paths)
        self.is_committed = True
        self.discard()
        # Not only in `close`: a signal between the end of the `with` block and the first instruction of
        # `close` would leave an empty folder.
        self._lock.release()

    def close(self) -> None:
        """Save the finished sounds to the disk, or remove the folder if there are none; release the lock.

        If a signal interrupts this method, it can be called again: the lock is released last.
        """
        if not self._lock.is_taken:
            return
        try:
            if self._is_intact():
                self._save_finished_sounds()
            else:
                self._close_files()
                self.finished_count = 0
        except Exception:  # Every error is raised again.
            self._lock.release()
            raise
        self._lock.release()

    def _save_finished_sounds(self) -> None:
        if self._writer is not None:
            self._writer.remove_unfinished_rows()
            self.sync()
        self._close_files()
        # A signal may have interrupted `commit` after the rename: then the moves are completed here.
        if move_into_place(self.paths) or self._is_commit_pending:
            self.is_committed, self.finished_count = True, 0
        if not self.finished_count:
            self.discard()

    def _check_before_commit(self) -> None:
        self.sync()
        self._replaced_files.check_unchanged()

    def _is_intact(self) -> bool:
        """Return whether the folder is still this run's: another program may have removed or replaced it."""
        return self._lock.is_held() and (self._writer is None or self._writer.rows.is_at_its_path())

    def _close_files(self) -> None:
        writer, self._writer = self._writer, None  # before closing, so that no closed file is written to
        if writer is not None:
            writer.close()

    def __enter__(self) -> "WorkFolder":
        """Take the lock, and read what is in the folder.

        Raises:
            LockedError: another run holds the lock.
            UsageError: a file or folder of this name exists that is not a work folder of specfeat.
            OutputError: the folder cannot be made, read or locked.
        """
        try:
            self._lock.take(self._wait_s)
            self._read_folder()
        except Exception:  # Every error is raised again.
            self._lock.release()
            raise
        except BaseException:
            # A signal. Python does not call `__exit__` after an error in `__enter__`, so the folder is closed
            # here. The lock is taken again, because the signal may have come while it was being taken.
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
        self._replaced_files = ReplacedFiles(self.paths)
        self.finished_count = self.unfinished_run.finished_count if self.unfinished_run else 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        except (SpecfeatError, OSError):
            if error is None:  # otherwise the first error is the one to report
                raise
        except BaseException:  # a signal has interrupted `close`, so it is called again
            with contextlib.suppress(SpecfeatError, OSError):
                self.close()
            raise
