"""The counts of an output that the user is told when a run ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specfeat.convertible_files import list_convertible_files
from specfeat.files import from_record_name
from specfeat.sound import WHOLE_FILE
from specfeat.text import describe_files

if TYPE_CHECKING:
    from specfeat.output.records import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """The counts of an output.

    Attributes:
        files: how many sounds the output has.
        failed: how many of them failed.
        partial: how many of them broke in the middle, and have only the rows before the break.
        silent: how many of them contain only zeros; they have rows like other sounds.
        too_loud: how many of them have samples far beyond -1..1; they have rows like other sounds.
        without_rows: how many of them are empty, or are shorter than a clip and skipped by the config.
        rows: how many rows the array has.
        width: features in a row.
        read_seconds: how many seconds of audio this run has read. After an update or a resumed run, this may
            be only a part of the output.
        seconds: how many seconds the run took from the first sound to the last byte, without the start of
            TensorFlow.
        skipped_files: how many files in the given folders were skipped; hidden files are not counted.
        skipped_names: the names of these files, without `convertible_files`, if they are few; otherwise how
            many there are of each extension; "" if there are none.
        convertible_files: the paths of those skipped files whose extensions belong to formats of sound that
            libsndfile cannot read, such as M4A.
        has_segments: whether sounds are parts of files that a table lists.
    """

    files: int
    failed: int
    partial: int
    silent: int
    without_rows: int
    rows: int
    width: int
    read_seconds: float
    seconds: float
    skipped_files: int
    skipped_names: str = ""
    too_loud: int = 0
    convertible_files: tuple[str, ...] = ()
    has_segments: bool = False


def summarize_record(record: "RunRecord", read_seconds: float = 0.0) -> RunSummary:
    """Return the counts of a record.

    Args:
        record: the record of the output.
        read_seconds: how many seconds of audio this run has read.
    """
    counts = record.counts
    skipped = list_visible_files(record.skipped_files)
    convertible = list_convertible_files(skipped)
    convertible_paths = set(convertible)
    other = [path for path in skipped if path not in convertible_paths]
    return RunSummary(
        files=len(record.files),
        failed=counts["failed"],
        partial=counts["partial"],
        silent=counts["silent"],
        too_loud=sum(entry.too_loud for entry in record.files),
        without_rows=counts["empty"] + counts["short"],
        rows=record.rows,
        width=record.provenance.width,
        read_seconds=read_seconds,
        seconds=record.seconds,
        skipped_files=len(skipped),
        skipped_names=describe_files(other) if other else "",
        convertible_files=convertible,
        has_segments=any(not entry.may_end_early and entry.key.part != WHOLE_FILE for entry in record.files),
    )


def list_visible_files(paths: Iterable[str]) -> list[str]:
    """Return the skipped files without the hidden ones, because nobody expects these to be read.

    Args:
        paths: the names of the skipped files, as the record has them.

    Returns:
        The paths of the visible ones.
    """
    return [from_record_name(path) for path in paths if not path.rpartition("/")[2].startswith(".")]
