"""The record of a run: what it was made from, with what, and how each file fared."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

FORMAT = 1  # of the record; a reader may rely on what a number has


def format_record(record: dict[str, Any]) -> Iterator[bytes]:
    """Yield the record as JSON, keys in the order given; odd bytes of names are escaped.

    Each item of a list has its line, a file its own; and no more of a long list than that is held in memory.
    """
    between = b"{\n"
    for key, value in {"format": FORMAT, **record}.items():
        yield between + f" {json.dumps(key)}: ".encode("ascii")
        if isinstance(value, list) and value:
            for k, item in enumerate(value):
                yield (b",\n  " if k else b"[\n  ") + json.dumps(item).encode("ascii")
            yield b"\n ]"
        else:
            yield json.dumps(value, indent=1).replace("\n", "\n ").encode("ascii")
        between = b",\n"
    yield b"\n}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """What an output came to, from its record.

    Attributes:
        files: how many there were.
        failed: how many of them failed.
        partial: how many broke half-way, their first rows kept.
        silent: how many hold nothing but zeros; they have their rows.
        without_rows: how many were empty, or shorter than a clip and skipped.
        rows: in the array.
        width: features in a row.
        heard_seconds: of sound that this run has read.
        seconds: that it took, from the first file to the last byte, without the start-up.
        passed_over: files of the folders that are not named as audio, the hidden ones left aside.
    """

    files: int
    failed: int
    partial: int
    silent: int
    without_rows: int
    rows: int
    width: int
    heard_seconds: float
    seconds: float
    passed_over: int


def summarize_record(record: dict[str, Any], heard_seconds: float = 0.0) -> RunSummary:
    """Count what a record says."""
    states = [entry["status"] for entry in record["files"]]
    return RunSummary(
        files=len(states),
        failed=states.count("failed"),
        partial=states.count("partial"),
        silent=sum("silent" in entry for entry in record["files"]),
        without_rows=states.count("empty") + states.count("short"),
        rows=record["rows"],
        width=record["features"],
        heard_seconds=heard_seconds,
        seconds=record["seconds"],
        passed_over=count_visible_files(record["passed_over"]),
    )


def count_visible_files(passed_over: Iterable[str]) -> int:
    """Count the files that are passed over, the hidden ones, which nobody expects to be read, left aside."""
    return sum(not path.rpartition("/")[2].startswith(".") for path in passed_over)
