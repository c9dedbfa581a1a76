"""What converting and merging have in common: they write the rows of finished outputs as a new output."""

import os
from collections.abc import Iterable

from specfeat.errors import Remedy, UsageError
from specfeat.output.paths import OutputPaths
from specfeat.output.replacement_check import check_replaceable
from specfeat.output.work_folder import WorkFolder


def prepare_target(work_folder: WorkFolder, sources: Iterable[OutputPaths], *, force: bool) -> None:
    """Check that the new output may be written, and discard unfinished work in its work folder.

    Args:
        work_folder: the work folder of the new output, locked.
        sources: the paths of the finished outputs.
        force: replace an existing output, and discard finished files of an unfinished run.

    Raises:
        UsageError: a file of the sources or a file that must not be replaced is in the way.
        OutputError: a file cannot be read or removed.
    """
    paths = work_folder.paths
    paths.check_inputs([os.fspath(path) for source in sources for path in source.files])
    check_replaceable(paths)
    if not force:
        paths.check_absent(Remedy.RENAME_OR_REPLACE_OUTPUT)
        if work_folder.finished_count:
            raise UsageError(
                f"{paths.work_folder}: holds the finished files of an unfinished run; "
                "continue that run, or give another name"
            )
    work_folder.discard()
