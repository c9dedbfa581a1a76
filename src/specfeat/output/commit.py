"""The commit: how array, index and record become visible together, by a single rename.

A work folder holds, in the order in which a run makes them:

    lock                   the lock of the run
    rows.npy, journal      the finished sounds, after which another run can continue
    array.npy              the array, if the rows file cannot be used as it is (see `assembly`);
                           it has the suffix of its format
    index.csv, new.json    index and record, complete and on the disk
    run.json               new.json, renamed: this rename is the commit

What a power failure, a kill or a signal leaves:

    before the commit      the old output, untouched; the next run can continue after the finished sounds
    after the commit       the new output; some of its files are still in the work folder. The next run
                           finds run.json and moves them (`recover_commit`)
    after the last move    the new output, and an empty work folder or none

No step is ever undone, and each can be repeated.
"""

import contextlib
import os
from pathlib import Path

from specfeat.errors import UsageError
from specfeat.file_access import open_regular_file, sync_folder, sync_open_file
from specfeat.files import read_size, wrap_os_errors
from specfeat.output.assembly import INDEX_NAME, get_array_path, list_prepared_names
from specfeat.output.digests import OutputDigests, digest_file
from specfeat.output.paths import OutputPaths
from specfeat.output.record_json import RecordFaultError, format_record, parse_digests
from specfeat.output.records import RunRecord
from specfeat.output.rows_file import ROWS_NAME

NEW_RECORD_NAME, PENDING_RECORD_NAME = "new.json", "run.json"


def write_commit_record(paths: OutputPaths, record: RunRecord) -> None:
    """Write the record, and rename it: from here on the new output counts.

    Array and index must be on the disk already.

    Raises:
        OutputError: the disk refuses.
    """
    folder = paths.work_folder
    new_record = folder / NEW_RECORD_NAME
    with wrap_os_errors(new_record):
        with open_regular_file(new_record, "wb") as file:
            file.writelines(format_record(record))
            sync_open_file(file)
        # First the names of array and index go to the disk, then the rename that relies on them: the disk
        # may write names in another order than they were made in, and run.json must not be there without
        # them.
        sync_folder(folder)
        new_record.rename(folder / PENDING_RECORD_NAME)
        sync_folder(folder)


def has_pending_commit(paths: OutputPaths) -> bool:
    """Return whether there is a commit whose files have not all been moved."""
    return os.path.lexists(paths.work_folder / PENDING_RECORD_NAME)


def recover_commit(paths: OutputPaths) -> bool:
    """Complete the commit of an earlier run that was interrupted.

    The array gets the name that the earlier run was given: `out` and `out.npy` share their work folder, as
    they do index and record.

    Returns:
        Whether a commit was completed; False if there was none.

    Raises:
        UsageError: `run.json` was not written by specfeat, or is not about the files beside it.
        OutputError: a file cannot be read or moved.
    """
    if not has_pending_commit(paths):
        return False
    record = paths.work_folder / PENDING_RECORD_NAME
    with wrap_os_errors(record, "read"), open_regular_file(record) as file:
        text = file.read()
    target: OutputPaths | None = None
    with contextlib.suppress(RecordFaultError):
        digests = parse_digests(text)
        target = paths.find_output(digests.output)
    if target is None or not _has_committed_files(digests, target):
        raise UsageError(
            f"{record}: was not written by specfeat, or does not belong to the files beside it; "
            f"remove {paths.work_folder} to compute the output again"
        )
    return move_into_place(target)


def _has_committed_files(digests: OutputDigests, target: OutputPaths) -> bool:
    """Return whether array and index are those of the record, at any point of the moves."""
    folder = target.work_folder
    # In the order of the moves: a file that is still in the work folder is the one to be moved, and a
    # file in its final place may still be that of the old output.
    places = (
        (digests.array, (get_array_path(target), folder / ROWS_NAME, target.array)),
        (digests.index, (folder / INDEX_NAME, target.index)),
    )
    for digest, candidates in places:
        path = next((path for path in candidates if os.path.lexists(path)), None)
        if path is None:
            return False
        with wrap_os_errors(path, "read"):
            open_regular_file(path).close()  # refuses a link or a FIFO
            # The size is compared first: to hash a large array takes minutes.
            if read_size(path) != digest.bytes or digest_file(path) != digest:
                return False
    return True


def move_into_place(paths: OutputPaths) -> bool:
    """Move array, index and record of a decided commit to their places; it can be repeated from any point.

    Returns:
        Whether a commit was completed; False if there was none.

    Raises:
        OutputError: a file cannot be moved.
    """
    folder = paths.work_folder
    if not (folder / PENDING_RECORD_NAME).exists():
        return False
    with wrap_os_errors(paths.array):
        # An assembled array is moved only after the rows file is gone: if this is interrupted and repeated,
        # a rows file without an array beside it is the array.
        array = get_array_path(paths)
        if array.exists():
            remove_files(folder, ROWS_NAME)
        else:
            _move(folder / ROWS_NAME, array)
        _move(array, paths.array)
    with wrap_os_errors(paths.index):
        _move(folder / INDEX_NAME, paths.index)
    # The record goes last, and after the other names are on the disk: as long as run.json is in the work
    # folder, the next run repeats the moves.
    sync_folder(paths.array.parent)
    with wrap_os_errors(paths.record):
        (folder / PENDING_RECORD_NAME).replace(paths.record)
    sync_folder(paths.array.parent)
    return True


def _move(source: Path, target: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # it has been moved already
        source.replace(target)


def remove_prepared_files(folder: Path) -> None:
    """Remove from a work folder what was written for a commit that was not decided.

    Raises:
        OutputError: a file cannot be removed.
    """
    remove_files(folder, *list_prepared_names(), NEW_RECORD_NAME)


def remove_files(folder: Path, *names: str) -> None:
    """Remove files of a work folder, as far as they exist.

    Raises:
        OutputError: one cannot be removed.
    """
    for name in names:
        with wrap_os_errors(folder / name, "removed"):
            (folder / name).unlink(missing_ok=True)
