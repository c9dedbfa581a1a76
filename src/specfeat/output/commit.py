"""The commit: how array, index and record become visible together, by a single rename.

A work folder holds, as a run goes on:

    rows.npy, journal      the finished sounds, from which another run can go on
    array.npy              the array, if the rows are not in the order of the inputs already
    index.csv, new.json    index and record, complete and on the disk
    run.json               new.json, renamed: from here on the new output counts

Up to that rename the old output counts, and the run can be resumed. After it the new output counts:
`move_into_place` moves the three files to their places, and if it is interrupted, the next run does it
(`recover_commit`). No step is undone, and each can be repeated.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from specfeat.errors import UsageError
from specfeat.files import open_regular_file, sync_folder, wrap_os_errors
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import FinishedSound
from specfeat.output.record_json import RecordFaultError, format_record, parse_digests
from specfeat.output.records import OutputDigests, RunRecord, digest_file
from specfeat.output.rows_file import RowsFile, make_header

ROWS_NAME, ARRAY_NAME, INDEX_NAME, NEW_RECORD_NAME, RECORD_NAME = (
    "rows.npy",
    "array.npy",
    "index.csv",
    "new.json",
    "run.json",
)
_BLOCK_BYTES = 2**22


def remove_files(folder: Path, *names: str) -> None:
    """Remove files of a work folder, as far as they are there.

    Raises:
        OutputError: one cannot be removed.
    """
    for name in names:
        with wrap_os_errors(folder / name, "removed"):
            (folder / name).unlink(missing_ok=True)


def assemble_array(folder: Path, sounds: Sequence[FinishedSound], rows: RowsFile, width: int) -> Path:
    """Bring the rows of all sounds into their order, on the disk.

    Returns:
        The file: that of `rows` if it has exactly these rows in this order, else a new one.
    """
    spans = list(_join_spans(sounds))
    if spans in ([(rows.path, 0, rows.count)], []):
        rows.finish()
        return rows.path
    target = folder / ARRAY_NAME
    with wrap_os_errors(target), open_regular_file(target, "wb") as file:
        file.write(make_header(sum(count for _, _, count in spans), width))
        for path, start, count in spans:
            with open_regular_file(path) as source:
                source.seek(len(make_header(0, width)) + 4 * width * start)
                left = 4 * width * count
                while left:
                    block = source.read(min(left, _BLOCK_BYTES))
                    if not block:
                        raise RuntimeError(f"{path}: ends before row {start + count}")
                    file.write(block)
                    left -= len(block)
        file.flush()
        os.fsync(file.fileno())
    return target


def _join_spans(sounds: Sequence[FinishedSound]) -> Iterator[tuple[Path, int, int]]:
    """Yield file, first row and number of rows; sounds that follow each other in a file are one span."""
    path, start, count = Path(), 0, 0
    for sound in sounds:
        if not sound.entry.rows:
            continue
        if count and (sound.rows_path, sound.first_row) == (path, start + count):
            count += sound.entry.rows
            continue
        if count:
            yield path, start, count
        path, start, count = sound.rows_path, sound.first_row, sound.entry.rows
    if count:
        yield path, start, count


def decide_commit(paths: OutputPaths, record: RunRecord) -> None:
    """Write the record, and rename it: from here on the new output counts."""
    new = paths.work_folder / NEW_RECORD_NAME
    with wrap_os_errors(new):
        with open_regular_file(new, "wb") as file:
            file.writelines(format_record(record))
            file.flush()
            os.fsync(file.fileno())
        # The names of array and index must be on the disk before the rename that relies on them.
        sync_folder(paths.work_folder)
        new.rename(paths.work_folder / RECORD_NAME)
        sync_folder(paths.work_folder)


def recover_commit(paths: OutputPaths) -> bool:
    """Complete the commit of an earlier run that was interrupted.

    The array gets the name that the earlier run was given: `out` and `out.npy` share their work folder, as they do
    index and record.

    Returns:
        False if no commit was decided.

    Raises:
        UsageError: `run.json` was not written by specfeat, or is not about the files beside it.
        OutputError: a file cannot be read or moved.
    """
    record = paths.work_folder / RECORD_NAME
    if not os.path.lexists(record):
        return False
    with wrap_os_errors(record, "read"), open_regular_file(record) as file:
        text = file.read()
    target: OutputPaths | None = None
    with contextlib.suppress(RecordFaultError):
        digests = parse_digests(text)
        target = paths.find_output(digests.output)
    if target is None or not _has_decided_files(digests, target):
        raise UsageError(
            f"{record}: is not a decision of specfeat's, or not about the files beside it; "
            f"remove {paths.work_folder} to make the output anew"
        )
    return move_into_place(target)


def _has_decided_files(digests: OutputDigests, target: OutputPaths) -> bool:
    """Return whether array and index, wherever the interrupted commit has left them, are those of the record."""
    folder = target.work_folder
    places = (
        (digests.array, (folder / ARRAY_NAME, folder / ROWS_NAME, target.array)),
        (digests.index, (folder / INDEX_NAME, target.index)),
    )
    for digest, candidates in places:
        path = next((path for path in candidates if os.path.lexists(path)), None)
        if path is None:
            return False
        with wrap_os_errors(path, "read"), open_regular_file(path) as file:
            has_size = os.fstat(file.fileno()).st_size == digest.bytes
        if not has_size or digest_file(path) != digest:
            return False
    return True


def move_into_place(paths: OutputPaths) -> bool:
    """Move array, index and record of a decided commit to their places; it can be repeated from any point.

    Returns:
        False if no commit was decided.
    """
    folder = paths.work_folder
    if not (folder / RECORD_NAME).exists():
        return False
    with wrap_os_errors(paths.array):
        if (folder / ARRAY_NAME).exists():
            remove_files(folder, ROWS_NAME)
        else:
            _move(folder / ROWS_NAME, folder / ARRAY_NAME)
        _move(folder / ARRAY_NAME, paths.array)
    with wrap_os_errors(paths.index):
        _move(folder / INDEX_NAME, paths.index)
    # The record is moved last: as long as run.json is in the work folder, the next run repeats the other moves.
    sync_folder(paths.array.parent)
    with wrap_os_errors(paths.record):
        (folder / RECORD_NAME).replace(paths.record)
    sync_folder(paths.array.parent)
    return True


def _move(source: Path, target: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # it has been moved already
        source.replace(target)
