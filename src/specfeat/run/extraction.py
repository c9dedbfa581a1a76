"""One run of extraction: from the paths that a user names to the output on the disk.

`run_extraction` does all steps of a run:

    find the sounds -> plan -> start the workers -> build the network -> execute the plan -> commit -> summary

The command line and the Python interface use it. It prints nothing, knows no option of the command line, and
changes nothing in the state of the process, except what loading TensorFlow changes.
"""

from collections.abc import Iterable
from contextlib import ExitStack

import numpy as np

from specfeat.audio.inputs.registry import find_input_kind
from specfeat.audio.inputs.remote_files import RemoteObject
from specfeat.errors import UsageError
from specfeat.files import format_path
from specfeat.output.summary import RunSummary, summarize_record
from specfeat.output.work_folder import WorkFolder
from specfeat.run.listener import RunListener
from specfeat.run.plan import make_plan
from specfeat.run.request import ExtractionRequest
from specfeat.run.shard_selection import select_shard
from specfeat.run.sound_selection import select_sounds
from specfeat.sound import Sound
from specfeat.system_limits import report_system_limits


def run_extraction(request: ExtractionRequest, work_folder: WorkFolder, listener: RunListener) -> RunSummary:
    """Extract from the inputs, and write the output; or find that the output is complete already.

    If this function ends early, for any reason (KeyboardInterrupt included), the finished sounds stay in the
    work folder and no worker process is left; see `describe_kept_files`.

    Args:
        request: what the caller asks for.
        work_folder: the work folder of the output; this function locks and releases it.
        listener: the object that is told how the run proceeds.

    Raises:
        SpecfeatError: see `make_plan` and `execute_plan`; also if the network or the workers cannot be
            started.
    """
    paths = work_folder.paths
    _check_can_be_continued(request)
    paths.check_dtype(np.dtype(request.config.settings.rows.dtype))
    # The work folder is closed before the stack. So finished sounds are saved to the disk at once, and only
    # then the run waits for the batches that the network's threads are computing.
    with report_system_limits(), ExitStack() as network_threads, work_folder:
        found = select_sounds(request.selection, request.inputs, request.listed_inputs, request.path_filter)
        if request.options.update:
            _check_identities(found.sounds)
        inputs = (*request.selection.tables, *request.inputs, *request.listed_inputs)
        paths.check_inputs(dict.fromkeys((*inputs, *(sound.path for sound in found.sounds))))
        if request.config.settings.audio.channels == "each":
            # Imported here, because most runs that have nothing to do need no workers.
            from specfeat.run.channel_sounds import split_channels

            found = split_channels(found, request.config.settings, request.execution)
        shard = None
        if request.options.shard is not None:
            found, shard = select_shard(found, request.options.shard)
        plan = make_plan(request.config, found, work_folder, request.options, request.execution, shard)
        listener.on_plan(request.config, plan)
        for note in plan.notes:
            listener.on_note(note)
        if plan.complete_record is not None:
            summary = summarize_record(plan.complete_record)
        else:
            # Imported here, because it takes time and a run that has nothing to do does not need it.
            from specfeat.run.execution import Execution

            summary = Execution(request, work_folder, listener, network_threads).run(plan)
    listener.on_output(summary, paths.array, is_new=plan.complete_record is None)
    return summary


def can_be_continued(request: ExtractionRequest) -> bool:
    """Return whether a later run can read all inputs again, so that it can continue or update this one."""
    kinds = map(find_input_kind, request.inputs)
    return all(kind.can_be_read_again for kind in kinds if kind)


def _check_can_be_continued(request: ExtractionRequest) -> None:
    """Check that no run over standard input continues or updates an earlier one.

    Raises:
        UsageError: it does.
    """
    if request.options.uses_unfinished_work and not can_be_continued(request):
        raise UsageError(
            "standard input can be read only once, so a run over it can neither continue nor update an "
            "earlier run; save the sound in a file, and give the file"
        )


def _check_identities(sounds: Iterable[Sound]) -> None:
    """Check that an update can see of each object at an address whether it has changed.

    Raises:
        UsageError: a server says nothing that changes with the content of the object.
    """
    for sound in sounds:
        if isinstance(sound.source, RemoteObject) and sound.file.version is None:
            raise UsageError(
                f"{format_path(sound.path)}: its server gives neither an ETag nor a time of change, so an "
                "update cannot see whether the file has changed; write a new output"
            )


def describe_kept_files(work_folder: WorkFolder) -> str:
    """Return how many finished files a run that ended early has kept, as a sentence; "" if none."""
    count = work_folder.finished_count
    if not count:
        return ""
    return f"{count} finished file{'s are' if count > 1 else ' is'} kept in {work_folder.paths.work_folder}"
