"""The commit: a single rename decides that the new output replaces the old one; then the files are moved.

A work folder contains these files. A run makes them in this order:

    lock                   the lock of the run
    rows.npy, journal      the finished sounds; another run can continue after them
    index.csv              the index, complete and on the disk, as are the files below
    previousN.npy          copies of old rows, only while some arrays are written (see `assembly`)
    array.FORMAT           the array; FORMAT is the name of its format. It is missing if `rows.npy` can become
                           the array as it is, which is the common case (see `assembly`)
    new.json               the record
    run.json               new.json after its rename. The commit begins with this rename

The commit then moves the files to their final places, in this order:

    array                  if array.FORMAT exists, rows.npy is removed; otherwise rows.npy is renamed to
                           array.FORMAT. Then array.FORMAT is moved. If it is a folder, the old one is moved
                           to the work folder before (`replaced`), and removed after the commit
    index                  index.csv is moved
    record                 run.json is moved, after the names of the other two are on the disk

If a power failure, a kill or a signal ends the run:

    before the rename      the old output is unchanged; the next run can continue after the finished sounds
    after the rename       the new output is valid, but some of its files are still in the work folder. The
                           next run finds run.json and moves them (`recover_commit`)
    after the last move    the new output is complete; an empty work folder may be left

No step is undone, and each step can be repeated.
"""

import contextlib
import os
from pathlib import Path

from specfeat.errors import UsageError
from specfeat.file_access import open_regular_file, sync_folder, sync_open_file
from specfeat.files import wrap_os_errors
from specfeat.output.assembly import INDEX_NAME, get_array_path, list_prepared_names
from specfeat.output.digests import OutputDigests, digest_file
from specfeat.output.paths import OutputPaths
from specfeat.output.record_json import RecordFaultError, format_record, parse_digests
from specfeat.output.records import RunRecord
from specfeat.output.rows_file import ROWS_NAME
from specfeat.output.tree_files import measure_size, remove_tree

NEW_RECORD_NAME, PENDING_RECORD_NAME = "new.json", "run.json"
REPLACED_NAME = "replaced"  # the old array, if it is a folder, between its move and its removal


def write_commit_record(paths: OutputPaths, record: RunRecord) -> None:
    """Write the record to the work folder, and rename it to `run.json`. The commit begins with the rename.

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
        # The names of array and index must be on the disk before run.json is. Without this sync, a power
        # failure could leave run.json alone, because the disk may write names in another order.
        sync_folder(folder)
        new_record.rename(folder / PENDING_RECORD_NAME)
        sync_folder(folder)


def has_pending_commit(paths: OutputPaths) -> bool:
    """Return whether a commit has begun and some files have not been moved yet."""
    # `lexists` is also true for a link to a file that does not exist. specfeat never makes a link here, so
    # `recover_commit` refuses it.
    return os.path.lexists(paths.work_folder / PENDING_RECORD_NAME)


def recover_commit(paths: OutputPaths) -> bool:
    """Complete the commit of an earlier run, if that run was interrupted between the moves.

    The array gets the name that the earlier run used. This may be another name than that of this run: `out`
    and `out.npy` have the same work folder, index and record.

    Returns:
        True if a commit was completed; False if there was none to complete.

    Raises:
        UsageError: `run.json` was not written by specfeat, or does not belong to the files beside it.
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
        target = paths.find_output(digests.output, digests.array_format)
    if target is None or not _has_committed_files(digests, target):
        raise UsageError(
            f"{record}: was not written by specfeat, or does not belong to the files beside it; "
            f"remove {paths.work_folder} to compute the output again"
        )
    return move_into_place(target)


def _has_committed_files(digests: OutputDigests, target: OutputPaths) -> bool:
    """Return whether array and index are those of the record, whether they have been moved already or not."""
    folder = target.work_folder
    # The order of the candidates matters. A file that is still in the work folder is the new one; then the
    # file in its final place is that of the old output.
    places = (
        (digests.array, (get_array_path(target), folder / ROWS_NAME, target.array)),
        (digests.index, (folder / INDEX_NAME, target.index)),
    )
    for digest, candidates in places:
        path = next((path for path in candidates if os.path.lexists(path)), None)
        if path is None:
            return False
        with wrap_os_errors(path, "read"):
            if path.is_symlink() or not path.is_dir():
                open_regular_file(path).close()  # refuses a link or a FIFO
            # The size is compared first, because it takes minutes to compute the hash of a large array.
            if measure_size(path) != digest.bytes or digest_file(path) != digest:
                return False
    return True


def move_into_place(paths: OutputPaths) -> bool:
    """Move array, index and record to their final places, if a commit has begun.

    If this function is interrupted at any point, it can be called again.

    Returns:
        True if the files are in their final places; False if no commit has begun.

    Raises:
        OutputError: a file cannot be moved.
    """
    folder = paths.work_folder
    if not has_pending_commit(paths):
        return False
    with wrap_os_errors(paths.array):
        # If there is an assembled array, the rows file is removed before the array is moved. So after an
        # interruption, a rows file without an assembled array beside it can only be the array itself.
        array = get_array_path(paths)
        if array.exists():
            remove_files(folder, ROWS_NAME)
        else:
            _move_file(folder / ROWS_NAME, array)
        if array.is_dir():
            _move_old_folder(paths.array, folder / REPLACED_NAME)
        _move_file(array, paths.array)
    with wrap_os_errors(paths.index):
        _move_file(folder / INDEX_NAME, paths.index)
    # The record is moved last, after the other names are on the disk: as long as run.json is in the work
    # folder, the next run repeats the moves.
    sync_folder(paths.array.parent)
    with wrap_os_errors(paths.record):
        (folder / PENDING_RECORD_NAME).replace(paths.record)
    sync_folder(paths.array.parent)
    return True


def _move_old_folder(folder: Path, place: Path) -> None:
    """Move the old array away if it is a folder, because a folder cannot be renamed over another one.

    If this function is interrupted, it can be called again: the old folder is moved only once, because then
    nothing is at its place before the new one is.
    """
    if folder.is_dir() and not folder.is_symlink():
        folder.rename(place)


def _move_file(source: Path, target: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # it has been moved already
        source.replace(target)


def remove_prepared_files(folder: Path) -> None:
    """Remove from a work folder the files that were prepared for a commit that did not begin.

    Raises:
        OutputError: a file cannot be removed.
    """
    remove_files(folder, *list_prepared_names(folder), NEW_RECORD_NAME, REPLACED_NAME)


def remove_files(folder: Path, *names: str) -> None:
    """Remove files and folders from a work folder; those that do not exist are ignored.

    Raises:
        OutputError: a file cannot be removed.
    """
    for name in names:
        with wrap_os_errors(folder / name, "removed"):
            remove_tree(folder / name)
