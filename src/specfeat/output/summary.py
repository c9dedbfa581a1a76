"""What the user is told of an output when a run ends: counts from its record."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specfeat.output.records import RunRecord


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


def summarize_record(record: "RunRecord", heard_seconds: float = 0.0) -> RunSummary:
    """Count what a record says.

    Args:
        record: the record of the output.
        heard_seconds: seconds of audio that this run has read.
    """
    counts = record.counts
    return RunSummary(
        files=len(record.files),
        failed=counts["failed"],
        partial=counts["partial"],
        silent=counts["silent"],
        without_rows=counts["empty"] + counts["short"],
        rows=record.rows,
        width=record.provenance.width,
        heard_seconds=heard_seconds,
        seconds=record.seconds,
        passed_over=count_visible_files(record.passed_over),
    )


def count_visible_files(passed_over: Iterable[str]) -> int:
    """Count the files that are passed over, the hidden ones, which nobody expects to be read, left aside."""
    return sum(not path.rpartition("/")[2].startswith(".") for path in passed_over)
