"""What a run writes while it goes on: rows, and the journal of the sounds that they belong to."""

from pathlib import Path

from specfeat.output.journal import JOURNAL_NAME, JournalWriter
from specfeat.output.previous_run import FinishedSound, UnfinishedRun
from specfeat.output.records import JournalHeader, SoundEntry
from specfeat.output.rows_file import ROWS_NAME, RowsFile


class SoundWriter:
    """The rows and the journal of a work folder, open for writing.

    The rows of a sound come before its line in the journal, in memory and on the disk, so that the journal
    is true at any moment: rows that it does not name belong to a sound that is not finished.

    Args:
        folder: the work folder.
        header: the first line of a new journal.
        unfinished: the run to go on after, whose rows and journal stay; None to begin with empty files.

    Attributes:
        rows: the rows, in the order in which they are made.
        finished_count: how many sounds are finished and on the disk.
    """

    def __init__(self, folder: Path, header: JournalHeader, unfinished: UnfinishedRun | None) -> None:
        self._earlier_rows = unfinished.row_count if unfinished else 0
        self._earlier_sounds = unfinished.finished_count if unfinished else 0
        self.finished_count = self._earlier_sounds
        self.rows = RowsFile(folder / ROWS_NAME, header.provenance.width, self._earlier_rows)
        try:
            if unfinished:
                self._journal = JournalWriter(folder / JOURNAL_NAME, None, unfinished.journal_bytes)
            else:
                self._journal = JournalWriter(folder / JOURNAL_NAME, header)
        except BaseException:
            self.rows.close()
            raise

    def finish_sound(self, entry: SoundEntry) -> FinishedSound:
        """Note that a sound is finished, whose rows are the last that were written."""
        self._journal.add(entry)
        return FinishedSound(entry, self.rows.path, self.rows.count - entry.rows)

    def sync(self) -> None:
        """Bring the finished sounds to the disk.

        Raises:
            OutputError: the disk refuses.
        """
        # In this order a line of the journal is true even if the power fails between the two steps.
        self.rows.sync()
        self._journal.sync()
        self.finished_count = self._earlier_sounds + self._journal.synced_count

    def remove_unfinished_rows(self) -> None:
        """Remove the rows of a sound that is not finished; on a full disk that makes room for the journal."""
        # Counted from all entries, also those that are not on the disk yet: the journal is synced after this.
        finished_rows = self._earlier_rows + sum(entry.rows for entry in self._journal.entries)
        self.rows.remove_last(self.rows.count - finished_rows)

    def close(self) -> None:
        """Close both files; what has not been synced may be lost."""
        self.rows.close()
        self._journal.close()
