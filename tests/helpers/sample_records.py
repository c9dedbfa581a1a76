"""Makes entries, provenance and records like those of a run, for tests that do not run anything."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from specfeat.config import load_config
from specfeat.output.digests import FileDigest, OutputDigests
from specfeat.output.records import JournalHeader, Provenance, RunRecord, SoundEntry
from specfeat.run.provenance import collect_provenance

WIDTH = 2  # features in a row


def make_entry(path: str, rows: int, **fields: Any) -> SoundEntry:
    """Make the entry of a file without an error. `fields` replaces fields of the entry."""
    entry = SoundEntry(
        path=path, size=44, mtime_ns=7, status="ok", rows=rows, samples=100 * rows, seconds=0.25
    )
    return replace(entry, **fields)


def make_provenance() -> Provenance:
    """Make the complete provenance of rows of the config `minimal`."""
    provenance = collect_provenance(load_config("minimal"))
    return replace(provenance, weights={"random": 0}, device="cpu", features=WIDTH)


def make_header() -> JournalHeader:
    """Make the header of the journal of a run that replaces an array without index and record."""
    return JournalHeader(
        provenance=make_provenance(), output="out.npy", replaced_files=((8, 9), None, None), is_update=False
    )


def make_digests(array: str = "out.npy") -> OutputDigests:
    """Make sizes and hashes of an array and an index that do not exist."""
    digest = FileDigest(bytes=3, sha256="0" * 64)
    return OutputDigests(output=Path(array).name, array=digest, index=digest)


def make_record(*entries: SoundEntry, digests: OutputDigests | None = None, **fields: Any) -> RunRecord:
    """Make the record of an output of these sounds. `fields` replaces fields of the record."""
    digests = digests or make_digests()
    record = RunRecord(
        command=("specfeat", "extract", "in", "out.npy"),
        folder="/data",
        output=digests.output,
        array_format=digests.array_format,
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
