"""Checks the file of `--log-json`, so that no log is appended to a file that is not a log."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from specfeat.errors import UsageError
from specfeat.file_access import is_folder, read_first_bytes
from specfeat.files import format_path, identify_inode, inspect_file
from specfeat.output.paths import AUDIO_SUFFIXES, OutputPaths

_EVENT_START = b'{"event": '
_FRONT_BYTES = 65_536  # the first line of a log is much shorter
_HINT = "name a file of its own, e.g. log.jsonl"


def check_log_target(target: str | None, output: str, other_files: Iterable[str | None]) -> None:
    """Check that the log is not another file of the run, and not an existing file that is not a log.

    Args:
        target: the value of `--log-json`.
        output: the output, as the user gives it; "" if none is given.
        other_files: inputs, the list of inputs and the config, as the user gives them; None for none.

    Raises:
        UsageError: the log would be written to such a file.
    """
    if target is None or target == "-":
        return
    problem = _find_role(target, output, other_files) or _find_content_problem(target)
    if problem:
        raise UsageError(f"--log-json {format_path(target)}: {problem}; {_HINT}")


def _find_role(target: str, output: str, other_files: Iterable[str | None]) -> str:
    """Return what else the run uses the file for, as the end of a sentence; "" for nothing."""
    real_path = os.path.realpath(target)
    inode = identify_inode(target)
    if Path(output).name:
        paths = OutputPaths(Path(output))
        for path, role in zip(paths.files, ("the output", "its index", "its record"), strict=True):
            if os.path.realpath(path) == real_path or (inode and identify_inode(os.fspath(path)) == inode):
                return f"is {role}, to which no log is written"
        work_folder = os.path.realpath(paths.work_folder)
        if f"{real_path}/".startswith(f"{work_folder}/"):
            return f"lies in the work folder {paths.work_folder}"
    for name in other_files:
        if name and inode and not is_folder(Path(name)) and identify_inode(name) == inode:
            return f"is also given as {format_path(name)}, which the run reads"
    return ""


def _find_content_problem(target: str) -> str:
    """Return why a file cannot be a log, by its name and its first line; "" if it can be one or is new."""
    if Path(target).suffix.lower() in AUDIO_SUFFIXES:
        return "is named like audio"
    if target.startswith(("/dev/", "/proc/")):  # e.g. /dev/stderr, which leads to a file of the caller
        return ""
    try:
        kind, size = inspect_file(target)
    except (OSError, ValueError):
        return ""
    front = read_first_bytes(Path(target), _FRONT_BYTES) if kind == "file" and size else None
    if front is None or front.startswith(_EVENT_START):
        return ""
    try:
        first_line: object = json.loads(front.partition(b"\n")[0])
    except (ValueError, RecursionError):
        first_line = None
    # Other programs may write to the same log, also with one object on each line.
    return "" if isinstance(first_line, dict) else "contains something else than a log, so it is not changed"
