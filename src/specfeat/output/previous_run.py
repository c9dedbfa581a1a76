"""Reads what earlier runs have left: an output, or unfinished work. A run can use the rows of both again."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from specfeat.errors import Remedy, UsageError
from specfeat.file_access import open_regular_file
from specfeat.files import (
    UNREADABLE_FILE,
    FileIdentity,
    from_record_name,
    wrap_os_errors,
)
from specfeat.output.feature_columns import find_feature_names
from specfeat.output.feature_table import ArrayLayout
from specfeat.output.formats import OutputFormat, get_format
from specfeat.output.formats.npy import read_header
from specfeat.output.journal import JOURNAL_NAME, read_journal
from specfeat.output.paths import OutputPaths
from specfeat.output.record_json import RecordFaultError, parse_digests, parse_record
from specfeat.output.records import JournalHeader, Provenance, RunRecord, SoundEntry
from specfeat.output.rows_file import ROWS_NAME, count_rows
from specfeat.output.tree_files import compute_sha256_of_tree, measure_size


@dataclass(frozen=True, slots=True, eq=False)
class StoredArray:
    """The array of an output that is not a `.npy` file, and how it is read.

    Attributes:
        path: the array.
        format: its format.
        layout: its layout.
    """

    path: Path
    format: OutputFormat
    layout: ArrayLayout


@dataclass(frozen=True, slots=True)
class FinishedSound:
    """A sound that an earlier run has finished; a failed sound has no rows.

    Attributes:
        entry: the entry of the sound in journal or record.
        rows_path: the file that has its rows: the array of an output, or the rows file of a work folder.
        first_row: the number of its first row in this file, counted from 0.
        stored_array: how this file is read; None if it is a `.npy` file.
    """

    entry: SoundEntry
    rows_path: Path
    first_row: int
    stored_array: StoredArray | None = None

    def is_unchanged(self, file: FileIdentity | None) -> bool:
        """Return whether the file has not changed; one that is still unreadable counts as unchanged.

        Args:
            file: size and time of the file now; None if the sound is no longer among the inputs.
        """
        if file is None or file == self.entry.file:
            return file is not None
        # The entry of an unreadable file has neither size nor time. Now they may be known, even if this
        # process still has no permission to read the file. What is not a file has no permissions.
        was_unreadable = self.entry.file == UNREADABLE_FILE and file.version is None
        return was_unreadable and not os.access(from_record_name(self.entry.path), os.R_OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousRun:
    """The finished sounds of an earlier run.

    Attributes:
        rows_path: the file that has the rows.
        provenance: the provenance of the rows.
        entries: the finished sounds, in the order of their rows.
        stored_array: how the rows are read; None if they are in a `.npy` file.
    """

    rows_path: Path
    provenance: Provenance
    entries: tuple[SoundEntry, ...]
    stored_array: StoredArray | None = None

    @property
    def row_count(self) -> int:
        """The number of rows that all sounds have together."""
        return sum(entry.rows for entry in self.entries)

    def list_finished_sounds(self) -> Iterator[FinishedSound]:
        """Yield the sounds and where their rows are."""
        first_row = 0
        for entry in self.entries:
            yield FinishedSound(entry, self.rows_path, first_row, self.stored_array)
            first_row += entry.rows

    def find_wrong_row_count(self, count_rows_of: Callable[[int], int]) -> str:
        """Return which sound has a wrong number of rows for its length, as a phrase; "" if none has.

        Args:
            count_rows_of: a function that takes a number of samples, and returns how many rows a sound of
                this length has with the config of this run.
        """
        for entry in self.entries:
            has_rows = entry.status in ("ok", "partial")
            if entry.rows != (count_rows_of(entry.samples) if has_rows else 0) or has_rows > entry.rows:
                return f"{entry.path}: {entry.rows} rows do not match its length"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousOutput(PreviousRun):
    """A complete output.

    Attributes:
        record: the record of the output.
    """

    record: RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRun(PreviousRun):
    """The finished sounds in the work folder of a run that ended early.

    Attributes:
        header: the first line of its journal.
        journal_bytes: how many bytes of the journal are valid.
    """

    header: JournalHeader
    journal_bytes: int

    @property
    def finished_count(self) -> int:
        """The number of finished sounds."""
        return len(self.entries)


@dataclass(frozen=True, slots=True)
class DamagedRun:
    """The work of a run that ended early, if it is damaged and cannot be used.

    Attributes:
        finished_count: how many sounds the journal lists.
        fault: what is wrong.
    """

    finished_count: int
    fault: str


def find_output_paths(array: Path) -> OutputPaths:
    """Return the paths of an existing output, in the format that its record names.

    If there is no record, the format belongs to the extension of the array.

    Args:
        array: the path of the array.

    Raises:
        OutputError: the record cannot be read.
        UsageError: the record names a format that does not exist.
    """
    paths = OutputPaths(array)
    if not paths.record.is_file():
        return paths
    with wrap_os_errors(paths.record, "read"):
        text = paths.record.read_bytes()
    try:
        array_format = parse_digests(text).array_format
    except RecordFaultError:  # `read_previous_output` describes it
        return paths
    get_format(array_format)
    return OutputPaths(array, array_format)


def read_previous_output(paths: OutputPaths) -> PreviousOutput:
    """Read the record of an output, and check that array and index belong to it.

    Only their sizes and the shape of the array are compared; `verify_output` compares their hashes.

    Raises:
        UsageError: a file is missing or does not belong to the record, or the record is not valid.
        OutputError: a file cannot be read.
    """
    for path in paths.files:
        if not (path.is_dir() if path == paths.array and paths.format.is_folder else path.is_file()):
            raise UsageError(
                f"{path}: is missing, so the output is not complete", remedy=Remedy.REPLACE_OUTPUT
            )
    with wrap_os_errors(paths.record, "read"):
        text = paths.record.read_bytes()
        sizes = [measure_size(path) for path in (paths.array, paths.index)]
    try:
        record = parse_record(text)
    except RecordFaultError as e:
        raise UsageError(
            f"{paths.record}: is not a record of this version of specfeat ({e})",
            remedy=Remedy.REPLACE_OUTPUT,
        ) from None
    if record.array_format != paths.format_name:
        raise UsageError(
            f"{paths.array}: has the format {record.array_format}, now {paths.format_name}",
            remedy=Remedy.REPLACE_OUTPUT,
        )
    # These comparisons take no time. The hashes are compared only before rows are copied from the array.
    layout = make_layout(record)
    if sizes != [record.array.bytes, record.index.bytes] or not paths.format.has_layout(paths.array, layout):
        raise UsageError(
            f"{paths.array}: the array or its index does not match {paths.record.name}",
            remedy=Remedy.REPLACE_OUTPUT,
        )
    is_rows_format = paths.format.is_rows_format
    return PreviousOutput(
        rows_path=paths.array,
        provenance=record.provenance,
        entries=record.files,
        stored_array=None if is_rows_format else StoredArray(paths.array, paths.format, layout),
        record=record,
    )


def make_layout(record: RunRecord) -> ArrayLayout:
    """Return the layout of the array that a record describes."""
    return ArrayLayout(
        rows=record.rows,
        width=record.provenance.width,
        dtype=record.provenance.dtype,
        entries=tuple(entry for entry in record.files if entry.rows),
        feature_names=find_feature_names(record.provenance),
    )


def verify_output(output: PreviousOutput, paths: OutputPaths) -> None:
    """Read array and index, and compare them with the hashes in the record.

    Raises:
        UsageError: array or index has been changed since it was written.
        OutputError: array or index cannot be read.
    """
    for path, digest in ((paths.array, output.record.array), (paths.index, output.record.index)):
        with wrap_os_errors(path, "read"):
            sha256 = compute_sha256_of_tree(path)
        if sha256 != digest.sha256:
            raise UsageError(f"{path}: has been changed since it was written", remedy=Remedy.REPLACE_OUTPUT)


def read_unfinished_run(folder: Path) -> UnfinishedRun | DamagedRun | None:
    """Read the finished sounds in a work folder; return None if there are none.

    Raises:
        UsageError: the journal or the rows are a link or no regular file.
        OutputError: they cannot be read.
    """
    journal, rows_path = read_journal(folder / JOURNAL_NAME), folder / ROWS_NAME
    if not journal.entry_count or not os.path.lexists(rows_path):
        return None
    if journal.header is None:
        fault = f"the journal has a wrong value: {journal.fault}"
        return DamagedRun(journal.entry_count, fault)
    run = UnfinishedRun(
        rows_path=rows_path,
        provenance=journal.header.provenance,
        entries=journal.entries,
        header=journal.header,
        journal_bytes=journal.length,
    )
    # The rows file may have more rows than the journal lists: the last ones belong to a sound that was not
    # finished. Its header gives only the width, because the number of rows is written to it at the end of a
    # run. So the number of rows is computed from the size.
    with wrap_os_errors(rows_path, "read"), open_regular_file(rows_path) as file:
        header = read_header(file)
    width, dtype = run.provenance.width, run.provenance.dtype
    is_right = header is not None and header[1:] == (width, dtype)
    if not is_right or count_rows(rows_path, width, dtype) < run.row_count:
        return DamagedRun(journal.entry_count, f"{rows_path.name} does not match the journal")
    return run
