"""The journal of a work folder: it lists the finished sounds, so that another run can continue after them.

The first line (the header) has the provenance of the rows, the name of the output and the files that the run
replaces. Each other line is the entry of one sound, as it will be in the record. The rows of the sounds are
in the order of the lines. A line begins with the CRC-32 of its JSON.

A line is written only after the rows of its sound are on the disk, so each valid line describes rows that
exist. If a line is incomplete (after a power failure) or has been changed, this line and all lines after it
are ignored.
"""

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from specfeat.file_access import open_regular_file, write_fully
from specfeat.files import wrap_os_errors
from specfeat.output.field_types import JsonObject
from specfeat.output.record_json import RecordFaultError, parse_entries, parse_journal_header
from specfeat.output.records import JournalHeader, SoundEntry

JOURNAL_NAME = "journal"  # its name in the work folder


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalContents:
    """The valid lines of a journal.

    Attributes:
        header: the first line; None if the journal is empty or has a fault.
        entries: the finished sounds, in the order of their rows; empty if the journal has a fault.
        entry_count: how many lines with a correct checksum follow the first one, even if one has a fault.
        length: the number of bytes of the first line and of these lines.
        fault: the key of an invalid value in a line with a correct checksum, e.g. one that another version of
            specfeat has written; "" if there is none.
    """

    header: JournalHeader | None = None
    entries: tuple[SoundEntry, ...] = ()
    entry_count: int = 0
    length: int = 0
    fault: str = ""


def read_journal(path: Path) -> JournalContents:
    """Read a journal up to the first line that is incomplete; a missing journal counts as empty.

    Raises:
        UsageError: the path is a link or no regular file.
        OutputError: the journal cannot be read.
    """
    lines, length = _read_lines(path)
    if not lines:
        return JournalContents()
    try:
        header, entries = parse_journal_header(lines[0]), parse_entries(lines[1:])
    except RecordFaultError as e:
        return JournalContents(entry_count=len(lines) - 1, length=length, fault=str(e))
    return JournalContents(header=header, entries=entries, entry_count=len(entries), length=length)


def is_journal(path: Path) -> bool:
    """Return whether the first line of a file is a valid line of a journal.

    Raises:
        UsageError: the path is a link or no regular file.
    """
    try:
        with open_regular_file(path) as file:
            return _parse_line(file.readline()) is not None
    except OSError:
        return False


class JournalWriter:
    """A journal that is open for writing at its end.

    Args:
        path: the journal.
        header: the first line of a new journal; None to continue an existing journal.
        length: how many bytes of an existing journal are kept.

    Attributes:
        entries: the sounds that this run has added; the last ones may not be on the disk yet.
    """

    def __init__(self, path: Path, header: JournalHeader | None, length: int = 0) -> None:
        self.entries: list[SoundEntry] = []
        self._path = path
        first_line = b"" if header is None else _format_line(header.to_json())
        # How many bytes and how many entries are on the disk. They are one value, so that a signal between
        # two instructions never finds only one of them changed.
        self._synced = (length + len(first_line), 0)
        with wrap_os_errors(path):
            self._file = open_regular_file(path, "r+b" if header is None else "wb", 0)
            write_fully(self._file.fileno(), first_line, 0)

    @property
    def synced_count(self) -> int:
        """How many of `entries` are on the disk."""
        return self._synced[1]

    def add(self, entry: SoundEntry) -> None:
        """Add a sound; the next `sync` writes it."""
        self.entries.append(entry)

    def sync(self) -> None:
        """Write all new entries to the disk, in place of what a failed attempt may have left."""
        length, count = self._synced
        new_entries = self.entries[count:]
        lines = b"".join(_format_line(entry.to_json()) for entry in new_entries)
        with wrap_os_errors(self._path):
            # A failed attempt may have left part of a line after the last good one: it is cut off first.
            os.ftruncate(self._file.fileno(), length)
            write_fully(self._file.fileno(), lines, length)
            os.fsync(self._file.fileno())
        self._synced = (length + len(lines), count + len(new_entries))

    def close(self) -> None:
        """Close the file; entries that have not been synced are not written."""
        self._file.close()


def _read_lines(path: Path) -> tuple[list[JsonObject], int]:
    """Return the objects of the valid lines, and how many bytes these lines have."""
    lines: list[JsonObject] = []
    length = 0
    with wrap_os_errors(path, "read"):
        try:
            file = open_regular_file(path)
        except FileNotFoundError:
            return [], 0
        with file:
            for line in file:
                data = _parse_line(line)
                if data is None:
                    break
                lines.append(data)
                length += len(line)
    return lines, length


def _format_line(data: JsonObject) -> bytes:
    text = json.dumps(data, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parse_line(line: bytes) -> JsonObject | None:
    """Return the object of a line; None if the line is incomplete or has a wrong checksum."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
