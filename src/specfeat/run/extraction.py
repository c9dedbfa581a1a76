"""One run of extraction: from the paths that a user names to the output on the disk.

`run_extraction` shows the whole way:

    find the sounds -> plan -> start the workers -> build the network -> execute the plan -> commit -> summary

It is the same for the command line and for Python. It prints nothing, knows no option's name, and changes
nothing in the process that it runs in, other than what loading TensorFlow changes.
"""

from contextlib import ExitStack

from specfeat.audio.discovery import find_sounds
from specfeat.output.summary import RunSummary, summarize_record
from specfeat.output.work_folder import WorkFolder
from specfeat.run.listener import RunListener
from specfeat.run.plan import make_plan
from specfeat.run.request import ExtractionRequest
from specfeat.system_limits import report_system_limits


def run_extraction(request: ExtractionRequest, work_folder: WorkFolder, listener: RunListener) -> RunSummary:
    """Extract from the inputs, and write the output; or find that the output is complete already.

    If this function ends early, for any reason (KeyboardInterrupt included), the finished sounds stay in the
    work folder and no worker process is left; see `describe_kept_files`.

    Args:
        request: what is to be extracted, and how.
        work_folder: the work folder of the output; this function locks and releases it.
        listener: its methods are called as the run proceeds.

    Raises:
        SpecfeatError: see `make_plan` and `execute_plan`, and the network and the workers may refuse to
            start.
    """
    paths = work_folder.paths
    # The stack is closed after the work folder: to end the network's threads means to wait for the batch that
    # runs, and what is finished is brought to the disk before that.
    with report_system_limits(), ExitStack() as network_threads, work_folder:
        found = find_sounds(request.inputs, request.listed_inputs)
        paths.check_inputs([sound.path for sound in found.sounds])
        plan = make_plan(request.config, found, work_folder, request.options, request.execution.device)
        listener.on_plan(request.config, plan)
        for note in plan.notes:
            listener.on_note(note)
        if plan.complete_record is not None:
            summary = summarize_record(plan.complete_record)
        else:
            # Here, because the pipeline takes time to load and a run with nothing to do does not need it.
            from specfeat.run.execution import Execution

            summary = Execution(request, work_folder, listener, network_threads).run(plan)
    listener.on_output(summary, paths.array, is_new=plan.complete_record is None)
    return summary


def describe_kept_files(work_folder: WorkFolder) -> str:
    """Return what a run that ended early has kept, as a sentence; "" for nothing."""
    count = work_folder.finished_count
    if not count:
        return ""
    return f"{count} finished file{'s are' if count > 1 else ' is'} kept in {work_folder.paths.work_folder}"
