"""Entries, provenance and records as a run writes them, for tests that need some and do not run anything."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from specfeat.config import load_config
from specfeat.output.digests import FileDigest, OutputDigests
from specfeat.output.records import JournalHeader, Provenance, RunRecord, SoundEntry
from specfeat.run.provenance import collect_provenance

WIDTH = 2  # features in a row


def make_entry(path: str, rows: int, **fields: Any) -> SoundEntry:
    """Return the entry of a file that went well, with other fields as given."""
    entry = SoundEntry(
        path=path, size=44, mtime_ns=7, status="ok", rows=rows, samples=100 * rows, seconds=0.25
    )
    return replace(entry, **fields)


def make_provenance() -> Provenance:
    """Return what rows of the config `minimal` are made with."""
    known = collect_provenance(load_config("minimal"))
    return replace(known, weights={"random": 0}, device="cpu", features=WIDTH)


def make_header() -> JournalHeader:
    """Return the header of a run that replaces an array alone."""
    return JournalHeader(
        provenance=make_provenance(), output="out.npy", replaced_files=((8, 9), None, None), is_update=False
    )


def make_digests(array: str = "out.npy") -> OutputDigests:
    """Return size and hash of two files that do not exist."""
    digest = FileDigest(bytes=3, sha256="0" * 64)
    return OutputDigests(output=Path(array).name, array=digest, index=digest)


def make_record(*entries: SoundEntry, digests: OutputDigests | None = None, **fields: Any) -> RunRecord:
    """Return the record of an output of these sounds, with other fields as given."""
    digests = digests or make_digests()
    record = RunRecord(
        command=("specfeat", "extract", "in", "out.npy"),
        folder="/data",
        output=digests.output,
        started="2026-01-02T03:04:05+00:00",
        seconds=1.5,
        build_seconds=0.5,
        provenance=make_provenance(),
        audio_seconds=2.0,
        array=digests.array,
        index=digests.index,
        files=entries,
        skipped_files=("in/notes.txt",),
    )
    return replace(record, **fields)
