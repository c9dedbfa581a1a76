"""Writes the rows of a finished output as another output, in another format."""

import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from specfeat.errors import SpecfeatError, append_suggestion
from specfeat.files import wrap_os_errors
from specfeat.output.finished_output import explain_refusal
from specfeat.output.paths import OutputPaths, make_output_paths
from specfeat.output.previous_run import (
    PreviousOutput,
    find_output_paths,
    read_previous_output,
    verify_output,
)
from specfeat.output.summary import RunSummary, summarize_record
from specfeat.output.work_folder import WorkFolder
from specfeat.run.extract_to import SUGGESTIONS
from specfeat.run.source_outputs import prepare_target


def convert_output(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    array_format: str = "",
    force: bool = False,
    lock_wait_s: float = 0.0,
) -> RunSummary:
    """Write the rows of a finished output as another output, in another format.

    No audio is read, and TensorFlow is not loaded. The new output has the same rows, index and record, and
    the record says from which file it was converted. It can be updated like any output.

    Args:
        source: the array of the finished output, e.g. "out.npy". Its index and its record are beside it.
        target: the array to write, e.g. "out.parquet".
        array_format: the format of the array to write; by default, the extension of `target` decides.
        force: replace an existing output.
        lock_wait_s: how many seconds to wait while another run is writing the output.

    Returns:
        The counts of the output.

    Raises:
        UsageError: the source is not a complete output, or a file that must not be replaced is in the way.
        LockedError: another run is writing the output.
        SpecfeatError: any other error that the caller can correct. All errors above are subclasses of it.
    """
    try:
        target_paths = make_output_paths(target, array_format)
        target_paths.check_writable()
        return convert(Path(source), target_paths, force=force, lock_wait_s=lock_wait_s)
    except SpecfeatError as e:
        append_suggestion(e, SUGGESTIONS)
        raise


def convert(
    source: Path, target_paths: OutputPaths, *, force: bool = False, lock_wait_s: float = 0.0
) -> RunSummary:
    """See `convert_output`, which also adds suggestions to errors.

    Args:
        source: the array of the finished output.
        target_paths: the paths of the output to write, which have been checked.
        force: replace an existing output.
        lock_wait_s: how many seconds to wait while another run is writing the output.
    """
    source_paths, output = _read_source(source)
    target_paths.check_dtype(output.provenance.dtype)
    with WorkFolder(target_paths, lock_wait_s) as work_folder:
        prepare_target(work_folder, [source_paths], force=force)
        work_folder.start(output.provenance, is_update=False)
        digests = work_folder.prepare_output(
            [*output.list_finished_sounds()], partial(_copy_file, source_paths.index)
        )
        record = replace(
            output.record,
            output=digests.output,
            array_format=digests.array_format,
            array=digests.array,
            index=digests.index,
            converted_from={"output": os.fspath(source), "sha256": output.record.array.sha256},
        )
        work_folder.commit(record)
    return summarize_record(record)


def _read_source(source: Path) -> tuple[OutputPaths, PreviousOutput]:
    """Read the record of the finished output, and compare array and index with their hashes."""
    paths = find_output_paths(source)
    with explain_refusal("only a complete output can be converted"):
        output = read_previous_output(paths)
        verify_output(output, paths)
    return paths, output


def _copy_file(source: Path, target: BinaryIO) -> None:
    with wrap_os_errors(source, "read"), source.open("rb") as file:
        shutil.copyfileobj(file, target)
