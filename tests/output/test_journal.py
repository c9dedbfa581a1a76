"""The journal: what can be read of it is true, wherever it was cut off or damaged."""

import itertools
import json
import os
import zlib
from pathlib import Path
from random import Random
from typing import Any

import pytest

from helpers.sample_records import make_entry, make_header
from specfeat.errors import OutputError, UsageError
from specfeat.output.journal import JournalWriter, is_journal, read_journal

NAMES = ("a.wav", "new\nline.wav", "odd\udcff.wav", "ü.wav")
ENTRIES = tuple(make_entry(name, rows) for rows, name in enumerate(NAMES))
HEADER = make_header()


def _write_journal(folder: Path) -> Path:
    journal = JournalWriter(folder / "journal", HEADER)
    for entry in ENTRIES:
        journal.add(entry)
    journal.sync()
    journal.close()
    return folder / "journal"


@pytest.mark.slow
def test_a_journal_that_was_cut_off_is_true_up_to_the_cut(tmp_path: Path) -> None:
    """Cut at any byte, it has the lines that are whole, and a run can go on after them."""
    text = _write_journal(tmp_path).read_bytes()
    cut = tmp_path / "cut"
    more = make_entry("more", 1)
    line_ends = [k + 1 for k, byte in enumerate(text) if byte == ord("\n")]
    in_the_middle = [(end + next_end) // 2 for end, next_end in itertools.pairwise(line_ends)]
    continued = {*in_the_middle, *(end + distance for end in line_ends for distance in (-1, 0, 1))}
    for length in range(len(text) + 1):
        cut.write_bytes(text[:length])
        contents = read_journal(cut)
        line_count = sum(end <= length for end in line_ends)
        assert contents.entries == ENTRIES[: max(0, line_count - 1)]
        assert contents.header == (HEADER if line_count else None)
        assert contents.fault == ""
        if line_count and length in continued:  # the rest of a line, of whatever length, is read alike
            journal = JournalWriter(cut, None, contents.length)
            journal.add(more)
            journal.sync()
            journal.close()
            assert read_journal(cut).entries == (*contents.entries, more)


@pytest.mark.slow
def test_a_damaged_journal_is_believed_up_to_the_damage(tmp_path: Path) -> None:
    """Whichever byte has changed: no line is believed that was not written, and none after it."""
    path = _write_journal(tmp_path)
    text = path.read_bytes()
    random = Random(0)
    for position in range(len(text)):
        damaged = bytearray(text)
        damaged[position] ^= random.randint(1, 255)
        path.write_bytes(damaged)
        lines_before = text[:position].count(b"\n")

        assert read_journal(path).entries == ENTRIES[: max(0, lines_before - 1)]


def test_a_write_that_failed_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a full disk took only half of a write, the next attempt writes over it, once."""
    journal = JournalWriter(tmp_path / "journal", HEADER)
    journal.add(ENTRIES[0])
    pwrite = os.pwrite

    def write_half(descriptor: int, block: Any, offset: int) -> int:
        pwrite(descriptor, block[:10], offset)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", write_half)
    with pytest.raises(OutputError, match="No space left on device; free some space"):
        journal.sync()
    monkeypatch.undo()
    assert journal.synced_count == 0
    journal.add(ENTRIES[1])
    journal.sync()
    journal.sync()
    journal.close()

    assert journal.synced_count == 2
    assert read_journal(tmp_path / "journal").entries == ENTRIES[:2]


def test_the_bytes_of_a_journal(tmp_path: Path) -> None:
    """Each line is the CRC-32 of compact ASCII JSON and that JSON; keys of the header stand side by side."""
    header, first, *_ = _write_journal(tmp_path).read_bytes().splitlines()
    text = b'{"path":"a.wav","size":44,"mtime_ns":7,"status":"ok","rows":0,"samples":0,"seconds":0.25}'

    assert first == b"%08x %s" % (zlib.crc32(text), text)
    assert list(json.loads(header[9:])) == [
        *("config", "versions", "processor", "environment", "keep_partial", "weights", "device", "features"),
        *("output", "replaces", "updates"),
    ]
    assert json.loads(header[9:])["replaces"] == [[8, 9], None, None]


@pytest.mark.parametrize(
    ("key", "value"), [("versions", 3), ("features", None), ("replaces", "x"), ("updates", 1), ("device", 0)]
)
def test_a_header_that_no_run_writes_is_a_fault(tmp_path: Path, key: str, value: object) -> None:
    """Its checksum may be right: what is wrong is named, and none of the entries is believed."""
    path = _write_journal(tmp_path)
    header, *lines = path.read_bytes().splitlines()
    text = json.dumps({**json.loads(header[9:]), key: value}).encode()
    path.write_bytes(b"".join(line + b"\n" for line in (b"%08x %s" % (zlib.crc32(text), text), *lines)))
    contents = read_journal(path)

    assert contents.fault.split(".")[0] == key
    assert (contents.header, contents.entries, contents.entry_count) == (None, (), len(ENTRIES))


def test_what_is_a_journal(tmp_path: Path) -> None:
    """A file whose first line has its checksum; a file that does not exist is none, and a link is refused."""
    path = _write_journal(tmp_path)
    (tmp_path / "text").write_text("text\n")
    (tmp_path / "link").symlink_to("journal")

    assert [is_journal(path), is_journal(tmp_path / "text"), is_journal(tmp_path / "none")] == [
        True,
        False,
        False,
    ]
    with pytest.raises(UsageError, match="is a link, which specfeat never makes"):
        is_journal(tmp_path / "link")
