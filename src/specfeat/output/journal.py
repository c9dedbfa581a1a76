"""The journal: which files are done, line by line, for a run that goes on where another was ended.

The first line is what the rows are made with, each other one a file as it will stand in the record; its
rows follow those of the line before. A line begins with the CRC-32 of its JSON. Nothing is written of a
file before its rows are on the disk, so what can be read is true: a line that was torn, and all after it,
are as good as not there.
"""

import json
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specfeat.files import open_regular_file, wrap_os_errors, write_fully

JOURNAL_NAME = "journal"  # its name in the work folder

Entry = dict[str, Any]  # of a file, as in the record: path, size, mtime_ns, status, rows, samples ...


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What could be read of a journal.

    Attributes:
        header: what the rows are made with; None if not even that was written.
        entries: of the files that are done, in the order of their rows.
        length: bytes of all that.
    """

    header: dict[str, Any] | None = None
    entries: list[Entry] = field(default_factory=list)
    length: int = 0


def read_journal(path: Path) -> JournalContents:
    """Read a journal up to the first line that is not whole; one that is not there has nothing in it.

    Raises:
        OutputError: it cannot be read.
    """
    lines: list[dict[str, Any]] = []
    length = 0
    with wrap_os_errors(path, "read"):
        try:
            file = open_regular_file(path)
        except FileNotFoundError:
            return JournalContents()
        with file:
            for line in file:
                known = _parse(line)
                if known is None:
                    break
                lines.append(known)
                length += len(line)
    return JournalContents(lines[0], lines[1:], length) if lines else JournalContents()


def is_journal(path: Path) -> bool:
    """Tell whether a file begins as a journal does.

    Raises:
        UsageError: it is no regular file.
    """
    try:
        with open_regular_file(path) as file:
            return _parse(file.readline()) is not None
    except OSError:
        return False


class Journal:
    """Writes a journal.

    Args:
        path: its file.
        header: what the rows are made with, to begin anew; None to go on.
        length: bytes that stay, to go on.

    Attributes:
        entries: that have been added; those are to be written that the disk does not have yet.
    """

    def __init__(self, path: Path, header: dict[str, Any] | None, length: int = 0) -> None:
        self.entries: list[Entry] = []
        self._path = path
        first = b"" if header is None else _line(header)
        self._settled = (
            length + len(first),
            0,
        )  # bytes, entries: one value, as a signal may come
        with wrap_os_errors(path):
            self._file = open_regular_file(path, "r+b" if header is None else "wb", 0)
            write_fully(self._file.fileno(), first, 0)

    @property
    def settled(self) -> int:
        """How many entries are on the disk."""
        return self._settled[1]

    def add(self, entry: Entry) -> None:
        """Take an entry; it is written with the next `settle`."""
        self.entries.append(entry)

    def settle(self) -> None:
        """Bring every entry to the disk, over what an attempt that failed has left."""
        length, count = self._settled
        new = self.entries[count:]
        lines = b"".join(map(_line, new))
        with wrap_os_errors(self._path):
            os.ftruncate(self._file.fileno(), length)
            write_fully(self._file.fileno(), lines, length)
            os.fsync(self._file.fileno())
        self._settled = (length + len(lines), count + len(new))

    def close(self) -> None:
        """Close the file; what has not been settled is not written."""
        self._file.close()


def _line(known: dict[str, Any]) -> bytes:
    text = json.dumps(known, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parse(line: bytes) -> dict[str, Any] | None:
    """Return what a line says, or None if it is not whole."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        known = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return known if isinstance(known, dict) else None
