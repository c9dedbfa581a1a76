"""The work folder beside an output: one run at a time, what it has done so far, and the way to the output."""

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from specfeat.errors import SpecfeatError
from specfeat.output.array import ArrayWriter, header
from specfeat.output.commit import (
    ARRAY,
    INDEX,
    JOURNAL,
    NEW,
    ROWS,
    assemble,
    clear,
    decide,
    put_in_place,
    recover,
)
from specfeat.output.digest import summed
from specfeat.output.former import Done, Former
from specfeat.output.journal import Entry, Journal, read_journal
from specfeat.output.lock import Lock
from specfeat.output.place import Place, settle_folder, writing

SETTLE_S = 5.0  # at most so much work is lost when a run is killed; to settle takes two fsyncs


class Work:
    """The work folder of an output; leaving the `with` block brings to the disk what is done, and unlocks.

    Args:
        place: of the output.
        wait_s: how long to wait for another run on it.

    Attributes:
        completed: whether an output that had been decided on, but not all moved, is in its place now.
        left: what a run that was ended has left here; None if it had finished no file.
        begun: whether this run has begun to write.
        kept: how many files are done and on the disk, for another run to go on from.

    Raises:
        LockedError: another run has the output.
        OutputError: the disk refuses.
    """

    def __init__(self, place: Place, wait_s: float = 0.0) -> None:
        self.place = place
        self.begun = False
        self._rows: ArrayWriter | None = None
        self._journal: Journal | None = None
        self._settled_at = time.monotonic()
        self._lock = Lock(place.work, place.array, wait_s)
        try:
            self.completed = recover(place)
            self.left = _left(place.work)
        except BaseException:
            self._lock.release()
            raise
        self.kept = len(self.left.entries) if self.left else 0

    def drop(self) -> None:
        """Throw away what is here."""
        self._close_files()
        clear(self.place.work, JOURNAL, ROWS, ARRAY, INDEX, NEW)
        self.left, self.kept = None, 0

    def begin(self, header: dict[str, Any]) -> None:
        """Begin to write rows, after those that are left here, or anew.

        Args:
            header: what the rows are made with; `features` is their width.
        """
        self.begun = True
        clear(self.place.work, ARRAY, INDEX, NEW)
        folder, left = self.place.work, self.left
        self._rows = ArrayWriter(folder / ROWS, header["features"], left.rows if left else 0)
        self._journal = Journal(folder / JOURNAL, None if left else header, left.length if left else 0)
        self.settle()
        settle_folder(folder)
        settle_folder(self.place.array.parent)

    @property
    def rows(self) -> ArrayWriter:
        """The rows that have been made, in the order of their making; `begin` comes first."""
        if self._rows is None:
            raise RuntimeError("the work has not begun")
        return self._rows

    def finish(self, entry: Entry) -> Done:
        """A file is done; its rows are the last that were written."""
        if self._journal is None:
            raise RuntimeError("the work has not begun")
        self._journal.add(entry)
        if time.monotonic() - self._settled_at > SETTLE_S:
            self.settle()
        return Done(entry, self.rows.path, self.rows.rows - entry["rows"])

    def settle(self) -> None:
        """Bring all finished files to the disk: their rows, and only then the lines that speak of them."""
        if self._rows is None or self._journal is None:
            return
        self._rows.settle()
        self._journal.settle()
        self.kept = self._journal.settled + (len(self.left.entries) if self.left else 0)
        self._settled_at = time.monotonic()

    def assemble(
        self, done: Sequence[Done], width: int, write_index: Callable[[BinaryIO], None]
    ) -> dict[str, Any]:
        """Prepare the array of these files, in this order, and its index.

        Returns:
            Size and hash of both, for the record.
        """
        self.settle()
        array = assemble(self.place.work, done, self.rows, width)
        index = self.place.work / INDEX
        with writing(index), index.open("wb") as file:
            write_index(file)
            file.flush()
            os.fsync(file.fileno())
        with writing(array, "read"):
            return {"array": summed(array), "index": summed(index)}

    def commit(self, record: dict[str, Any]) -> None:
        """Make what has been prepared the output, at once; what stood there before goes."""
        decide(self.place, record)
        self._close_files()
        put_in_place(self.place)
        self.completed = True
        self.drop()

    def close(self) -> None:
        """Keep what is done, or nothing if there is nothing, and unlock."""
        try:
            if self._rows is not None and self._journal is not None:
                before = self.left.rows if self.left else 0
                done = before + sum(entry["rows"] for entry in self._journal.entries)
                self._rows.take_back(self._rows.rows - done)  # on a full disk: room for the journal
                self.settle()
            self._close_files()
            if put_in_place(self.place):
                self.completed, self.kept = True, 0
            if not self.kept:
                self.drop()
        finally:
            self._lock.release()

    def _close_files(self) -> None:
        if self._rows is not None and self._journal is not None:
            self._rows.close()
            self._journal.close()
        self._rows = self._journal = None

    def __enter__(self) -> "Work":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        with contextlib.suppress(SpecfeatError, OSError):  # the first error is the one to tell
            self.close()


def _left(folder: Path) -> Former | None:
    notes = read_journal(folder / JOURNAL)
    if notes.header is None or not notes.entries:
        return None
    former = Former(folder / ROWS, notes.header, notes.entries, notes.length)
    width = former.header["features"]
    size = len(header(0, width)) + 4 * width * former.rows
    whole = former.array.is_file() and former.array.stat().st_size >= size
    return former if whole else None  # somebody has had a hand in it
