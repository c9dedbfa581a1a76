"""Checks that an output may be replaced, also if its array is a folder."""

import os

from specfeat.errors import UsageError
from specfeat.files import format_path, wrap_os_errors
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import make_layout
from specfeat.output.record_json import RecordFaultError, parse_record
from specfeat.output.tree_files import iterate_files


def check_replaceable(paths: OutputPaths) -> None:
    """Check that the files of an output may be replaced, if the user allows it.

    A folder is replaced only if it is empty, or if it is the array of the record beside it and has no other
    file: files that the user has put there must not be lost.

    Raises:
        UsageError: a file or folder is in the way that specfeat has not written.
        OutputError: the folder cannot be read.
    """
    paths.check_replaceable()
    if not paths.format.is_folder or not os.path.lexists(paths.array):
        return
    with wrap_os_errors(paths.array, "read"):
        if not any(paths.array.iterdir()):
            return
        other_file = _find_other_file(paths)
    if other_file:
        raise UsageError(
            f"{paths.array}: contains {format_path(other_file)}, which specfeat has not written, so it is "
            "not replaced; give the output another name, or move this file elsewhere"
        )


def _find_other_file(paths: OutputPaths) -> str:
    """Return a file in the folder that does not belong to the output; "" if there is none."""
    try:
        record = parse_record(paths.record.read_bytes()) if paths.record.is_file() else None
    except RecordFaultError:
        record = None
    if record is None or record.array_format != paths.format_name:
        return next(iterate_files(paths.array), "a folder")
    return paths.format.find_other_file(paths.array, make_layout(record))
