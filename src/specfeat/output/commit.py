"""How three files become one output: prepared in the work folder, decided by one rename, then moved.

The work folder holds, as a run goes on:

    rows.npy, journal      what is done so far
    array.npy              where the rows are not in the order of the inputs already
    index.csv, new.json    prepared, on the disk to the last byte
    run.json               new.json, renamed: from here on the output is the new one

Before that rename the old output stands and the run can go on; after it, `put_in_place` moves the three into
their places, now or whenever the next run finds them.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from specfeat.errors import UsageError
from specfeat.files import open_regular_file, sync_folder, wrap_os_errors
from specfeat.output.array import ArrayWriter, make_header
from specfeat.output.digest import describe_file
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import FinishedFile
from specfeat.output.record import format_record
from specfeat.output.record_checks import find_decision_fault

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


def assemble_array(folder: Path, done: Sequence[FinishedFile], rows: ArrayWriter, width: int) -> Path:
    """Bring the rows of `done` into that order, on the disk.

    Returns:
        The file: `rows` itself if they stand in it so, and nothing else does.
    """
    spans = list(_spans(done))
    if spans in ([(rows.path, 0, rows.rows)], []):
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


def _spans(done: Sequence[FinishedFile]) -> Iterator[tuple[Path, int, int]]:
    """Yield array, start and count of rows that follow each other, files that stand in a row as one."""
    path, start, count = Path(), 0, 0
    for one in done:
        if not one.entry["rows"]:
            continue
        if count and (one.array, one.start) == (path, start + count):
            count += one.entry["rows"]
            continue
        if count:
            yield path, start, count
        path, start, count = one.array, one.start, one.entry["rows"]
    if count:
        yield path, start, count


def decide_commit(place: OutputPaths, record: dict[str, Any]) -> None:
    """Write the record, and rename it: from here on the output is the new one."""
    new = place.work / NEW_RECORD_NAME
    with wrap_os_errors(new):
        with open_regular_file(new, "wb") as file:
            file.writelines(format_record(record))
            file.flush()
            os.fsync(file.fileno())
        sync_folder(place.work)
        new.rename(place.work / RECORD_NAME)
        sync_folder(place.work)


def recover_commit(place: OutputPaths) -> bool:
    """Put in place what an earlier run had decided when it was killed.

    The array gets the name that it was to have then: `out` and `out.npy` share their work folder, as they do
    index and record.

    Returns:
        False if nothing has been decided.

    Raises:
        UsageError: what looks like a decision is none, or not about what lies there.
    """
    record = place.work / RECORD_NAME
    if not os.path.lexists(record):
        return False
    with wrap_os_errors(record, "read"), open_regular_file(record) as file:
        try:
            decision = json.loads(file.read())
        except (ValueError, RecursionError):
            decision = None
    target = None if find_decision_fault(decision) else place.sibling(decision["output"])
    if target is None or not _fits(decision, target):
        raise UsageError(
            f"{record}: is not a decision of specfeat's, or not about the files beside it; "
            f"remove {place.work} to make the output anew"
        )
    return move_into_place(target)


def _fits(decision: dict[str, Any], target: OutputPaths) -> bool:
    """Tell whether array and index, wherever they are on their way, are those that were decided on."""
    work = target.work
    ways = {
        "array": (work / ARRAY_NAME, work / ROWS_NAME, target.array),
        "index": (work / INDEX_NAME, target.index),
    }
    for part, way in ways.items():
        path = next((path for path in way if os.path.lexists(path)), None)
        if path is None:
            return False
        with wrap_os_errors(path, "read"), open_regular_file(path) as file:
            same = os.fstat(file.fileno()).st_size == decision[part]["bytes"]
        if not same or describe_file(path) != decision[part]:
            return False
    return True


def move_into_place(place: OutputPaths) -> bool:
    """Move what has been decided into its place; it may be done again from any point.

    Returns:
        False if nothing has been decided.
    """
    work = place.work
    if not (work / RECORD_NAME).exists():
        return False
    with wrap_os_errors(place.array):
        if (work / ARRAY_NAME).exists():
            remove_files(work, ROWS_NAME)
        else:
            _move(work / ROWS_NAME, work / ARRAY_NAME)
        _move(work / ARRAY_NAME, place.array)
    with wrap_os_errors(place.index):
        _move(work / INDEX_NAME, place.index)
    sync_folder(place.array.parent)
    with wrap_os_errors(place.record):
        (work / RECORD_NAME).replace(place.record)
    sync_folder(place.array.parent)
    return True


def _move(source: Path, target: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # it has been moved already
        source.replace(target)
