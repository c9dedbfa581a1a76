"""The work folder beside an output: the finished sounds of a run, safe from whatever ends it, and the way to the output."""

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import BinaryIO

from specfeat.errors import OutputError, SpecfeatError
from specfeat.files import FileVersion, open_regular_file, sync_folder, wrap_os_errors
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
from specfeat.output.journal import JOURNAL_NAME, JournalWriter
from specfeat.output.lock import WorkFolderLock
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import DamagedRun, FinishedSound, UnfinishedRun, read_unfinished_run
from specfeat.output.records import (
    JournalHeader,
    OutputDigests,
    Provenance,
    RunRecord,
    SoundEntry,
    digest_file,
)
from specfeat.output.rows_file import RowsFile

SYNC_INTERVAL_S = 5.0  # a run that is killed loses at most so much work; each sync takes two fsyncs


class WorkFolder:
    """The work folder of one output, from the `with` block's start to its end.

    Entering the `with` block takes the lock, completes a commit that was interrupted, and reads what an unfinished
    run has left. Leaving it brings the finished sounds to the disk and gives the lock back. Before it nothing is on
    the disk. However it ends, even if a signal interrupts it, the folder stays only if another run can go on from
    what is in it.

    Args:
        paths: the paths of the output.
        wait_s: how long to wait for another run on the same output.

    Attributes:
        paths: the paths of the output.
        is_committed: whether a commit, of this run or of an earlier one that was interrupted, has been completed,
            and no rows have been written since.
        unfinished_run: what a run that ended early has left here; None if it had finished no sound.
        replaced_versions: the array, index and record that were there when this run began, as
            `OutputPaths.identify_versions` identifies them.
        has_started: whether this run has begun to write.
        finished_count: how many sounds are finished and on the disk, for another run to go on from.
    """

    def __init__(self, paths: OutputPaths, wait_s: float = 0.0) -> None:
        self.paths = paths
        self.is_committed = self.has_started = False
        self.unfinished_run: UnfinishedRun | DamagedRun | None = None
        self.replaced_versions: tuple[FileVersion | None, ...] = ()
        self.finished_count = 0
        self._wait_s = wait_s
        self._lock = WorkFolderLock(paths.work_folder, paths.array)
        self._is_decided = False
        self._width = 0
        self._rows: RowsFile | None = None
        self._journal: JournalWriter | None = None
        self._synced_at = time.monotonic()

    def discard(self) -> None:
        """Remove what is in the folder, if the folder is still this run's."""
        self._close_files()
        if self._lock.is_held():
            remove_files(
                self.paths.work_folder, JOURNAL_NAME, ROWS_NAME, ARRAY_NAME, INDEX_NAME, NEW_RECORD_NAME
            )
        self.unfinished_run, self.finished_count = None, 0

    @property
    def replaced_files(self) -> tuple[tuple[int, int] | None, ...]:
        """Size and time of the files that this run is to replace, as in `JournalHeader.replaces`."""
        return tuple(version and (version.size, version.mtime_ns) for version in self.replaced_versions)

    def start(self, provenance: Provenance, *, updates: bool) -> None:
        """Begin to write rows, after those of the unfinished run if it has not been discarded.

        Args:
            provenance: what the rows are made with; complete.
            updates: whether the run brings an output up to date.
        """
        self.has_started = True
        self.is_committed = self._is_decided = False
        folder, unfinished = self.paths.work_folder, self.unfinished_run
        remove_files(folder, ARRAY_NAME, INDEX_NAME, NEW_RECORD_NAME)
        self._width = provenance.width
        if unfinished is None:
            header = JournalHeader(
                provenance=provenance,
                output=self.paths.array.name,
                replaces=self.replaced_files,
                updates=updates,
            )
            self._rows = RowsFile(folder / ROWS_NAME, self._width)
            self._journal = JournalWriter(folder / JOURNAL_NAME, header)
        elif isinstance(unfinished, UnfinishedRun):
            self._rows = RowsFile(folder / ROWS_NAME, self._width, unfinished.row_count)
            self._journal = JournalWriter(folder / JOURNAL_NAME, None, unfinished.journal_bytes)
        else:
            raise RuntimeError("damaged work must be discarded first")
        self.sync()
        sync_folder(folder)
        sync_folder(self.paths.array.parent)

    @property
    def rows(self) -> RowsFile:
        """The rows that have been written, in the order in which they were made; call `start` before."""
        if self._rows is None:
            raise RuntimeError("no rows can be written before `start`")
        return self._rows

    def finish_sound(self, entry: SoundEntry) -> FinishedSound:
        """Note that a sound is finished; its rows are the last that were written."""
        if self._journal is None:
            raise RuntimeError("no sound can be finished before `start`")
        self._journal.add(entry)
        self.sync_if_due()
        return FinishedSound(entry, self.rows.path, self.rows.count - entry.rows)

    def sync_if_due(self) -> None:
        """Bring the finished sounds to the disk if the last time is longer ago than `SYNC_INTERVAL_S`."""
        if time.monotonic() - self._synced_at > SYNC_INTERVAL_S:
            self.sync()

    def sync(self) -> None:
        """Bring all finished sounds to the disk: first their rows, then the journal's lines that name them."""
        if self._rows is None or self._journal is None:
            return
        if not self._is_intact():
            raise OutputError(
                f"{self.paths.work_folder}: has been removed, or taken by another run; nothing is written"
            )
        # In this order a line of the journal is true whenever the power fails.
        self._rows.sync()
        self._journal.sync()
        self.finished_count = self._journal.synced_count + self._count_unfinished_run()
        self._synced_at = time.monotonic()

    def prepare_output(
        self, sounds: Sequence[FinishedSound], write_index: Callable[[BinaryIO], None]
    ) -> OutputDigests:
        """Write array and index of the new output into the work folder.

        Args:
            sounds: all sounds of the output, in the order of the inputs.
            write_index: writes the index to a file.

        Returns:
            Name, size and hash of both, for the record.

        Raises:
            OutputError: the disk refuses, or the output has been changed by another program since the run began.
        """
        self.sync()
        self._check_replaced_files()
        array = assemble_array(self.paths.work_folder, sounds, self.rows, self._width)
        index = self.paths.work_folder / INDEX_NAME
        with wrap_os_errors(index), open_regular_file(index, "wb") as file:
            write_index(file)
            file.flush()
            os.fsync(file.fileno())
        with wrap_os_errors(array, "read"):
            return OutputDigests(
                output=self.paths.array.name, array=digest_file(array), index=digest_file(index)
            )

    def commit(self, record: RunRecord) -> None:
        """Make what `prepare_output` has written the output; what was there before is replaced."""
        self.sync()
        self._check_replaced_files()
        decide_commit(self.paths, record)
        self._is_decided = True
        self._close_files()
        move_into_place(self.paths)
        self.is_committed = True
        self.discard()
        # Here and not in `close`: a signal may come between the `with` block and the first instruction of `close`.
        self._lock.release()

    def close(self) -> None:
        """Bring the finished sounds to the disk, or remove the folder if there are none; give the lock back.

        It can be repeated if a signal interrupts it; the lock is held until its end.
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
        if self._rows is not None and self._journal is not None:
            row_count = sum(entry.rows for entry in self._journal.entries)
            if isinstance(self.unfinished_run, UnfinishedRun):
                row_count += self.unfinished_run.row_count
            # The rows of a sound that is not finished go first: on a full disk that makes room for the journal.
            self._rows.remove_last(self._rows.count - row_count)
            self.sync()
        self._close_files()
        if move_into_place(self.paths) or self._is_decided:
            self.is_committed, self.finished_count = True, 0
        if not self.finished_count:
            self.discard()

    def _is_intact(self) -> bool:
        """Return whether the folder is still this run's: somebody may have removed it, and another run made its own."""
        return self._lock.is_held() and (self._rows is None or self._rows.has_its_name())

    def _count_unfinished_run(self) -> int:
        return self.unfinished_run.finished_count if self.unfinished_run else 0

    def _check_replaced_files(self) -> None:
        """Make sure that nothing is replaced but what was there when the run began."""
        versions = self.paths.identify_versions()
        for path, old, new in zip(self.paths.files, self.replaced_versions, versions, strict=True):
            if old != new:
                raise OutputError(f"{path}: has appeared or changed during the run, so it is not replaced")

    def _close_files(self) -> None:
        rows, journal = self._rows, self._journal
        self._rows = self._journal = (
            None  # before they are closed, so that nothing is written to a closed file
        )
        for file in (rows, journal):
            if file is not None:
                file.close()

    def __enter__(self) -> "WorkFolder":
        """Take the lock, and read what is in the folder.

        Raises:
            LockedError: another run has the output.
            UsageError: something in the way was not made by specfeat.
            OutputError: the disk refuses.
        """
        try:
            self._lock.take(self._wait_s)
            self._read_folder()
        except Exception:
            self._lock.release()
            raise
        except BaseException:  # a signal: what it leaves can be removed only under the lock
            with contextlib.suppress(SpecfeatError):
                self._lock.take()
                self._read_folder()
                self.close()
            self._lock.release()
            raise
        return self

    def _read_folder(self) -> None:
        # `_is_decided` stays true if a signal interrupts the moves and this is called again after the last of them.
        self._is_decided = self._is_decided or os.path.lexists(self.paths.work_folder / RECORD_NAME)
        self.is_committed = recover_commit(self.paths) or self._is_decided
        self.unfinished_run = read_unfinished_run(self.paths.work_folder, self.paths.work_folder / ROWS_NAME)
        self.replaced_versions = self.paths.identify_versions()
        self.finished_count = self._count_unfinished_run()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        except (SpecfeatError, OSError):
            if error is None:  # otherwise the first error is the one to report
                raise
        except BaseException:  # a signal: repeat what it has interrupted, and all after it
            with contextlib.suppress(SpecfeatError, OSError):
                self.close()
            raise
