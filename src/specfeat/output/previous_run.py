"""What earlier runs have done: files whose rows need not be made again as long as they are the same files."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from specfeat.errors import UsageError
from specfeat.files import UNREADABLE_FILE, FileIdentity, compute_sha256, wrap_os_errors
from specfeat.output.array import count_rows, read_shape
from specfeat.output.journal import JOURNAL_NAME, Entry, read_journal
from specfeat.output.paths import OutputPaths
from specfeat.output.record_checks import find_journal_fault, find_record_fault


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A file that is done.

    Attributes:
        entry: of it, as in the record.
        array: the `.npy` file that has its rows.
        start: the first of them.
    """

    entry: Entry
    array: Path
    start: int

    @property
    def identity(self) -> FileIdentity:
        """The file's, before it was read."""
        return FileIdentity(self.entry["size"], self.entry["mtime_ns"])

    def is_still(self, now: FileIdentity | None) -> bool:
        """Tell whether the file is the same now; one that could not be read is, as long as it cannot."""
        if now is None or now == self.identity:
            return now is not None
        path = os.fsdecode(self.entry["path"].encode("utf-8", "surrogateescape"))
        return self.identity == UNREADABLE_FILE and not os.access(path, os.R_OK)


@dataclass(frozen=True, slots=True)
class PreviousRun:
    """What an earlier run has left.

    Attributes:
        array: the `.npy` file of the rows.
        header: what they are made with, as in the record.
        entries: of the files, in the order of their rows.
        length: bytes of the journal that says so.
        fault: why none of it can be believed, if so.
    """

    array: Path
    header: dict[str, Any]
    entries: list[Entry]
    length: int = 0
    fault: str = ""

    @property
    def rows(self) -> int:
        """Of all files."""
        return sum(entry["rows"] for entry in self.entries)

    def done(self) -> Iterator[FinishedFile]:
        """Yield the files and where their rows are."""
        start = 0
        for entry in self.entries:
            yield FinishedFile(entry, self.array, start)
            start += entry["rows"]

    def misfit(self, count: Callable[[int], int]) -> str:
        """Say which file's rows are not those that its length has; nothing if all are.

        Args:
            count: rows of a file of so many samples, by the config that they are made with.
        """
        for entry in self.entries:
            has_rows = entry["status"] in ("ok", "partial")
            if entry["rows"] != (count(entry["samples"]) if has_rows else 0) or has_rows > entry["rows"]:
                return f"{entry['path']}: {entry['rows']} rows do not fit its length"
        return ""


def read_previous_output(place: OutputPaths) -> PreviousRun:
    """Read the record of an output that is there.

    Raises:
        UsageError: it is not whole, or of another making.
        OutputError: it cannot be read.
    """
    for path in place.files:
        if not path.is_file():
            raise UsageError(f"{path}: is missing, so the output is not whole; --force makes it anew")
    with wrap_os_errors(place.record, "read"):
        text = place.record.read_bytes()
        sizes = [path.stat().st_size for path in (place.array, place.index)]
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        fault = "no JSON"
    else:
        fault = find_record_fault(record)
    if fault:
        raise UsageError(f"{place.record}: is no record of this specfeat ({fault}); --force makes all anew")
    shape = (record["rows"], record["features"])
    if sizes != [record["array"]["bytes"], record["index"]["bytes"]] or read_shape(place.array) != shape:
        raise UsageError(
            f"{place.array}: or its index is not the one of {place.record}; --force makes it anew"
        )
    return PreviousRun(place.array, record, record["files"])


def verify_output(former: PreviousRun, place: OutputPaths) -> None:
    """Read an output's array and index, and compare them with what the record says of them.

    Raises:
        UsageError: one has been written to since.
    """
    for path, part in ((place.array, "array"), (place.index, "index")):
        with wrap_os_errors(path, "read"):
            found = compute_sha256(path)
        if found != former.header[part]["sha256"]:
            raise UsageError(f"{path}: has been changed since it was made; --force makes it anew")


def read_unfinished_run(folder: Path, rows: Path) -> PreviousRun | None:
    """Read what a run that was ended has left in its work folder; None if no file was finished.

    Raises:
        UsageError: what should be the journal is no regular file.
        OutputError: it cannot be read.
    """
    notes = read_journal(folder / JOURNAL_NAME)
    if notes.header is None or not notes.entries or not os.path.lexists(rows):
        return None
    fault = find_journal_fault(notes.header, notes.entries)
    if fault:
        return PreviousRun(
            rows, {}, notes.entries, notes.length, f"the journal's {fault} is not what was written"
        )
    former = PreviousRun(rows, notes.header, notes.entries, notes.length)
    shape = read_shape(rows)
    if shape is None or shape[1] != former.header["features"] or count_rows(rows, shape[1]) < former.rows:
        return replace(former, fault=f"{rows.name} is not what the journal speaks of")
    return former
