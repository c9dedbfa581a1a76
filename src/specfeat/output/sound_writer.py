"""Writes the rows file and the journal of a run, and keeps the two consistent."""

from pathlib import Path

from specfeat.output.journal import JOURNAL_NAME, JournalWriter
from specfeat.output.previous_run import FinishedSound, UnfinishedRun
from specfeat.output.records import JournalHeader, SoundEntry
from specfeat.output.rows_file import ROWS_NAME, RowsFile


class SoundWriter:
    """The rows file and the journal of a work folder, open for writing.

    The rows of a sound are always written before its line in the journal, in memory and on the disk. So the
    journal never lists rows that do not exist. Rows that it does not list belong to an unfinished sound.

    Args:
        folder: the work folder.
        header: the first line of a new journal.
        unfinished: the unfinished run that is continued; its rows and its journal are kept. None to begin
            with empty files.

    Attributes:
        rows: the rows file, with the rows in the order in which they were made.
        finished_count: how many sounds are finished and on the disk.
    """

    def __init__(self, folder: Path, header: JournalHeader, unfinished: UnfinishedRun | None) -> None:
        self._earlier_rows = unfinished.row_count if unfinished else 0
        self._earlier_sounds = unfinished.finished_count if unfinished else 0
        self.finished_count = self._earlier_sounds
        provenance = header.provenance
        self.rows = RowsFile(folder / ROWS_NAME, provenance.width, self._earlier_rows, provenance.dtype)
        try:
            if unfinished:
                self._journal = JournalWriter(folder / JOURNAL_NAME, None, unfinished.journal_bytes)
            else:
                self._journal = JournalWriter(folder / JOURNAL_NAME, header)
        except BaseException:  # Raised again; also after a signal, no caller can close the file.
            self.rows.close()
            raise

    def finish_sound(self, entry: SoundEntry) -> FinishedSound:
        """Add a finished sound to the journal; its rows are the last that were written."""
        self._journal.add(entry)
        return FinishedSound(entry, self.rows.path, self.rows.count - entry.rows)

    def sync(self) -> None:
        """Save the finished sounds to the disk.

        Raises:
            OutputError: the disk cannot be written.
        """
        # In this order, the journal is true even if the power fails between the two steps.
        self.rows.sync()
        self._journal.sync()
        self.finished_count = self._earlier_sounds + self._journal.synced_count

    def remove_unfinished_rows(self) -> None:
        """Remove the rows of an unfinished sound; on a full disk, this makes room for the journal."""
        # All entries count, also those that are not on the disk yet, because the journal is synced after
        # this.
        finished_rows = self._earlier_rows + sum(entry.rows for entry in self._journal.entries)
        self.rows.remove_last(self.rows.count - finished_rows)

    def close(self) -> None:
        """Close both files; what has not been synced may be lost."""
        self.rows.close()
        self._journal.close()
