"""What earlier runs have done: files whose rows need not be made again as long as they are the same files."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specfeat.errors import UsageError
from specfeat.output.digest import sha256
from specfeat.output.journal import Entry
from specfeat.output.place import Place, writing


@dataclass(frozen=True, slots=True)
class Identity:
    """By what a file is known again; both None if it could not be read."""

    size: int | None
    mtime_ns: int | None


UNREADABLE = Identity(None, None)


def name_of(path: str) -> str:
    """Return a path as index and record have it: its bytes as UTF-8, odd ones kept, whatever the locale."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def identify(path: str) -> Identity:
    """Look at a file. Take it before the file is read: whatever is changed later, is seen the next time."""
    try:
        status = os.stat(path)  # noqa: PTH116  a path may be bytes that pathlib would not keep
    except (OSError, ValueError):
        return UNREADABLE
    return Identity(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Done:
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
    def identity(self) -> Identity:
        """The file's, before it was read."""
        return Identity(self.entry["size"], self.entry["mtime_ns"])

    def is_still(self, now: Identity | None) -> bool:
        """Tell whether the file is the same now; one that could not be read is, as long as it cannot."""
        if now is None or now == self.identity:
            return now is not None
        path = os.fsdecode(self.entry["path"].encode("utf-8", "surrogateescape"))
        return self.identity == UNREADABLE and not os.access(path, os.R_OK)


@dataclass(frozen=True, slots=True)
class Former:
    """What an earlier run has left.

    Attributes:
        array: the `.npy` file of the rows.
        header: what they are made with, as in the record.
        entries: of the files, in the order of their rows.
        length: bytes of the journal that says so.
    """

    array: Path
    header: dict[str, Any]
    entries: list[Entry]
    length: int = 0

    @property
    def rows(self) -> int:
        """Of all files."""
        return sum(entry["rows"] for entry in self.entries)

    def done(self) -> Iterator[Done]:
        """Yield the files and where their rows are."""
        start = 0
        for entry in self.entries:
            yield Done(entry, self.array, start)
            start += entry["rows"]


def read_output(place: Place) -> Former:
    """Read the record of an output that is there.

    Raises:
        UsageError: it is not whole, or of another making.
        OutputError: it cannot be read.
    """
    for path in place.files:
        if not path.is_file():
            raise UsageError(f"{path}: is missing, so the output is not whole; --force makes it anew")
    with writing(place.record, "read"):
        text = place.record.read_bytes()
        sizes = [path.stat().st_size for path in (place.array, place.index)]
    try:
        record = json.loads(text)
        entries = record["files"]
        whole = sizes == [record["array"]["bytes"], record["index"]["bytes"]] and all(
            {"size", "mtime_ns"} <= set(e) for e in entries
        )
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{place.record}: is no record of this specfeat; --force makes all anew") from None
    if not whole:
        raise UsageError(
            f"{place.array}: or its index is not the one of {place.record}; --force makes it anew"
        )
    return Former(place.array, record, entries)


def check_array(former: Former) -> None:
    """Read an output's array, and compare it with what its record says of it.

    Raises:
        UsageError: it has been written to since.
    """
    with writing(former.array, "read"):
        found = sha256(former.array)
    if found != former.header["array"]["sha256"]:
        raise UsageError(f"{former.array}: has been changed since it was made; --force makes it anew")
