"""Entries and records: what is written, byte for byte, and what is refused when it is read."""

import json
import os
from dataclasses import replace
from typing import Any

import pytest

from helpers.sample_records import make_entry, make_header, make_record
from specfeat.files import FileIdentity
from specfeat.output.record_json import (
    RecordFaultError,
    format_record,
    parse_digests,
    parse_entries,
    parse_journal_header,
    parse_record,
)
from specfeat.output.records import RunRecord, SoundEntry
from specfeat.sound import SoundKey, SoundPart

ODD_NAME = os.fsdecode(b"odd\xff\n.wav")


def _format(record: RunRecord) -> bytes:
    return b"".join(format_record(record))


def test_the_entry_of_a_whole_file() -> None:
    """It has the keys that every reader relies on, in this order, and none that does not apply."""
    entry = make_entry("a.wav", 2)

    assert json.dumps(entry.to_json()) == (
        '{"path": "a.wav", "size": 44, "mtime_ns": 7, "status": "ok", "rows": 2, "samples": 200, "seconds": 0.25}'
    )
    assert list(entry.outcome) == ["status", "rows", "samples", "seconds"]
    assert entry.key == SoundKey("a.wav")
    assert entry.file == FileIdentity(44, 7)


def test_the_entry_of_a_failure() -> None:
    """Size and time of a file that could not be read are null; why it failed comes last."""
    entry = make_entry(
        "a.wav", 0, size=None, mtime_ns=None, status="failed", silent=True,
        stage="decode", cause="broken", error="is broken", at_s=0.0,
    )  # fmt: skip

    assert list(entry.to_json().items()) == [
        *(("path", "a.wav"), ("size", None), ("mtime_ns", None), ("status", "failed"), ("rows", 0)),
        *(("samples", 0), ("seconds", 0.25), ("silent", True)),
        *(("stage", "decode"), ("cause", "broken"), ("error", "is broken"), ("at_s", 0.0)),
    ]
    assert (entry.is_failure, make_entry("a.wav", 1).is_failure) == (True, False)


def test_the_entry_of_a_part() -> None:
    """Channel, start, end and id follow the path, and belong to the identity; channel 0 is a channel."""
    part = SoundPart(channel=0, start_s=0.0, end_s=2.5, id="call 7")
    entry = make_entry("a.wav", 2, channel=0, start_s=0.0, end_s=2.5, id="call 7")

    assert list(entry.to_json())[:6] == ["path", "channel", "start_s", "end_s", "id", "size"]
    assert entry.key == SoundKey("a.wav", part)
    assert parse_entries([entry.to_json()]) == (entry,)


def test_a_record_comes_back_whole() -> None:
    """Any reader of JSON can read it, whatever bytes a name has, and specfeat reads what it wrote."""
    entries = (make_entry(ODD_NAME, 3), make_entry("b.wav", 0, status="empty", silent=True))
    record = make_record(*entries, skipped_files=(ODD_NAME,))
    text = _format(record)
    data = json.loads(text.decode("ascii"))

    assert data["files"][0]["path"] == data["passed_over"][0] == ODD_NAME
    assert parse_record(text) == record
    assert parse_digests(text).array == record.array
    assert parse_journal_header(json.loads(json.dumps(make_header().to_json()))) == make_header()


def test_the_keys_of_a_record_and_its_lines() -> None:
    """The keys have one order, and each sound has a line of its own."""
    text = _format(make_record(make_entry("a.wav", 3), make_entry("b.wav", 1, silent=True)))

    assert list(json.loads(text)) == [
        *("format", "command", "folder", "output", "started", "seconds", "build_seconds"),
        *("config", "versions", "processor", "environment", "keep_partial", "weights", "device", "features"),
        *("rows", "audio_seconds", "array", "index", "counts", "files", "passed_over"),
    ]
    assert text.startswith(b'{\n "format": 1,\n "command": [\n  "specfeat",\n  "extract",\n')
    assert (
        b'"environment": {\n  "TF_ENABLE_ONEDNN_OPTS": "1"\n },\n "keep_partial": false,\n "weights": {\n  "random": 0\n }'
        in text
    )
    assert b',\n "rows": 4,\n "audio_seconds": 2.0,\n "array": {\n  "bytes": 3,\n  "sha256": "000' in text
    assert text.endswith(
        b' "counts": {\n  "ok": 2,\n  "partial": 0,\n  "empty": 0,\n  "short": 0,\n  "failed": 0,\n  "silent": 1\n },\n'
        b' "files": [\n'
        b'  {"path": "a.wav", "size": 44, "mtime_ns": 7, "status": "ok", "rows": 3, "samples": 300, "seconds": 0.25},\n'
        b'  {"path": "b.wav", "size": 44, "mtime_ns": 7, "status": "ok", "rows": 1, "samples": 100, "seconds": 0.25, "silent": true}\n'
        b' ],\n "passed_over": [\n  "in/notes.txt"\n ]\n}\n'
    )
    assert _format(make_record(skipped_files=())).endswith(b' "files": [],\n "passed_over": []\n}\n')


def test_what_is_not_needed_is_not_kept() -> None:
    """Keys that another version of specfeat may have written do not stand in the way."""
    entry = {**make_entry("a.wav", 1).to_json(), "more": 1}

    assert parse_entries([entry]) == (make_entry("a.wav", 1),)


FAULTS: list[tuple[str, object]] = [
    ("rows", -1),
    ("rows", 2**62),
    ("rows", True),
    ("rows", 1.0),
    ("samples", "8000"),
    ("samples", 2**62),
    ("status", "well"),
    ("path", 5),
    ("path", None),
    ("size", "44"),
    ("mtime_ns", 0.5),
    ("seconds", "x"),
    ("seconds", float("nan")),
    ("seconds", float("inf")),
    ("silent", 1),
    ("error", 5),
    ("at_s", "3"),
    ("channel", -1),
    ("channel", "mix"),
    ("start_s", float("nan")),
    ("id", 3),
]


@pytest.mark.parametrize(("key", "value"), FAULTS)
def test_an_entry_with_a_wrong_value_is_refused(key: str, value: object) -> None:
    """The number of the entry and the key are named; nothing is converted."""
    entries: list[dict[str, Any]] = [make_entry(name, 1).to_json() for name in ("a.wav", "b.wav")]
    entries[1][key] = value

    with pytest.raises(RecordFaultError, match=f"^1.{key}$"):
        parse_entries(entries)


@pytest.mark.parametrize("key", ["path", "size", "mtime_ns", "status", "rows", "samples", "seconds"])
def test_an_entry_that_lacks_a_key_is_refused(key: str) -> None:
    """Only the keys that have a default may be missing."""
    entry: dict[str, Any] = make_entry("a.wav", 1).to_json()
    del entry[key]

    with pytest.raises(RecordFaultError, match=f"^0.{key}$"):
        parse_entries([entry])


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"3", b"{}", b"[" * 100_000, b"\xff"])
def test_what_is_no_record_is_refused(text: bytes) -> None:
    """Text that is no JSON, no object, or another object."""
    with pytest.raises(RecordFaultError):
        parse_record(text)
    with pytest.raises(RecordFaultError):
        parse_digests(text)


def test_rows_are_those_of_the_sounds() -> None:
    """A record whose number of rows is not the sum over its sounds is refused."""
    record = make_record(make_entry("a.wav", 1))
    for rows in (0, 2, True, "1"):
        data = json.loads(_format(record)) | {"rows": rows}
        with pytest.raises(RecordFaultError, match=r"^rows$"):
            parse_record(json.dumps(data).encode())


def test_a_part_is_another_sound() -> None:
    """The same file may stand several times in a record, with different parts."""
    entries = [make_entry("a.wav", 1), make_entry("a.wav", 1, channel=1), make_entry("a.wav", 1, id="x")]
    entries += [replace(entries[0], start_s=1.0), replace(entries[0], end_s=1.0)]

    assert len({entry.key for entry in entries}) == len(entries)
    assert all(isinstance(entry, SoundEntry) for entry in parse_record(_format(make_record(*entries))).files)
