"""`specfeat extract INPUTS... OUTPUT`: cheap checks first, TensorFlow last."""

import math
import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specfeat.cli.input_list import read_input_list
from specfeat.cli.json_log import JsonLog
from specfeat.cli.signals import (
    append_to_error,
    format_resume_command,
    raise_pending_signal,
    restore_signal_error,
    set_run_state_describer,
)
from specfeat.cpu_count import count_available_cores
from specfeat.errors import CHECK_PATH_HINT, UsageError
from specfeat.process_state import hide_optional_packages, resume_garbage_collection
from specfeat.run.failure_limit import FailureCounter, FailureLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from specfeat.cli.progress import ProgressReporter
    from specfeat.config import Config
    from specfeat.network.build import Network
    from specfeat.output.paths import OutputPaths
    from specfeat.output.summary import RunSummary
    from specfeat.output.work_folder import WorkFolder
    from specfeat.run.plan import RunPlan

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUTS...", show_default=False, help="Audio files, and folders to search for them."
    ),
]
Output = Annotated[
    str,
    typer.Argument(
        metavar="OUTPUT",
        show_default=False,
        help="The array to write; OUTPUT's index.csv and run.json go beside it.",
    ),
]
FilesFromOption = Annotated[
    str | None,
    typer.Option(
        "--files-from",
        metavar="FILE|-",
        show_default=False,
        help="Read more INPUTS from FILE, one a line.",
    ),
]
NullOption = Annotated[bool, typer.Option("--null", "-0", help="Those names end in a NUL: find -print0.")]
LogOption = Annotated[
    str | None,
    typer.Option(
        "--log-json", metavar="FILE|-", show_default=False, help="Write what happens as lines of JSON, too."
    ),
]
ConfigOption = Annotated[
    str, typer.Option("--config", "-c", metavar="NAME|FILE", help="A shipped config or a YAML file.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", show_default=False, help="Override a value: --set model.batch=32."
    ),
]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|gpu|gpu:N", help="Where the network runs.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", min=1, max=256, help="Processes that decode; one a core by default."
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", metavar="N", min=1, max=256, help="Threads of the network; one a core by default."
    ),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace an output that exists, and begin anew what was ended early.")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with a run that was ended early.")]
UpdateOption = Annotated[
    bool,
    typer.Option(
        "--update", help="Extract new and changed files only; rows of what is no input any more go."
    ),
]
RetryOption = Annotated[
    bool, typer.Option("--retry-failed", help="With --resume or --update: try files again that failed.")
]
LockWaitOption = Annotated[
    float,
    typer.Option("--lock-wait", metavar="S", min=0, help="Seconds to wait for another run on OUTPUT."),
]


class OnError(StrEnum):
    """What becomes of the run when a file fails."""

    skip = "skip"
    stop = "stop"


OnErrorOption = Annotated[
    OnError, typer.Option("--on-error", help="When a file fails: go on with the others, or end the run.")
]
MaxFailuresOption = Annotated[
    str | None,
    typer.Option(
        "--max-failures",
        metavar="N|P%",
        show_default=False,
        help="End the run when more files than that fail.",
    ),
]
KeepPartialOption = Annotated[
    bool, typer.Option("--keep-partial", help="Keep the rows before the place where a file breaks.")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout-per-file",
        metavar="S",
        min=0,
        show_default=False,
        help="Seconds that reading a file may take, 0: no limit; by default 600 and 1 more for each 100 kB.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but failures.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say what is done, and each file's rows.")
]


def extract(
    inputs: Inputs = None,
    output: Output = "",  # Python wants a default after a default; none is taken
    files_from: FilesFromOption = None,
    null: NullOption = False,
    config: ConfigOption = "default",
    overrides: SetOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    threads: ThreadsOption = None,
    on_error: OnErrorOption = OnError.skip,
    max_failures: MaxFailuresOption = None,
    keep_partial: KeepPartialOption = False,
    timeout_per_file: TimeoutOption = None,
    force: ForceOption = False,
    resume: ResumeOption = False,
    update: UpdateOption = False,
    retry_failed: RetryOption = False,
    lock_wait: LockWaitOption = 0.0,
    log_json: LogOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Extract features from audio files of any length into one array.

    Row k of OUTPUT (float32, NumPy's .npy) is line k of the index: which file, which seconds.

    Exit code: 0 all done, 1 failed, 2 usage or config, 3 done but files failed or broke, 4 nothing usable,
    75 another run is at work on OUTPUT, 130 and 143 stopped by a signal.
    """
    from specfeat.cli.progress import ProgressReporter  # here and below: nothing that --help has to wait for
    from specfeat.config import load_config
    from specfeat.config.device import parse_device
    from specfeat.config.weights_file import check_weights_file
    from specfeat.output.paths import OutputPaths

    wishes = {
        "force": force,
        "resume": resume,
        "update": update,
        "retry_failed": retry_failed,
        "keep_partial": keep_partial,
    }
    running = Running(
        device=device,
        workers=workers,
        threads=threads,
        limit=FailureLimit(stop=on_error == OnError.stop, most=max_failures),
        timeout_s=timeout_per_file or (None if timeout_per_file is None else math.inf),
    )
    with JsonLog(log_json) as log:
        voice = ProgressReporter(quiet=quiet, verbose=verbose, log=log)
        parse_device(device)
        checked = load_config(config, overrides or [])
        check_weights_file(checked)
        if not output or not (inputs or files_from):
            raise UsageError("wanted INPUTS... and then OUTPUT, e.g. specfeat extract recordings/ out.npy")
        place = OutputPaths(Path(output))
        place.check_writable()
        listed = [] if files_from is None else read_input_list(files_from, null=null)
        _check_inputs(inputs or [])
        summary = _obtain(checked, place, (inputs or [], listed), wishes, lock_wait, voice, running)
        log.exit_code = 3 if summary.failed or summary.partial else 0
    return log.exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """How the work is done, which moves no bit: what the user says, None for what is left to us."""

    device: str
    workers: int | None
    threads: int | None
    limit: FailureLimit
    timeout_s: float | None


def _obtain(
    config: "Config",
    place: "OutputPaths",
    inputs: tuple[list[str], list[str]],
    wishes: dict[str, bool],
    lock_wait: float,
    voice: "ProgressReporter",
    running: Running,
) -> "RunSummary":
    """Make the output, or find that it is there."""
    from specfeat.audio.discovery import find_audio_files
    from specfeat.output.summary import summarize_record
    from specfeat.output.work_folder import WorkFolder
    from specfeat.run.plan import RunOptions, make_plan

    work = WorkFolder(place, lock_wait)
    set_run_state_describer(partial(_standing, work))
    try:
        with work, restore_signal_error():
            collection = find_audio_files(*inputs)
            place.check_inputs(collection.paths)
            plan = make_plan(config, running.device, collection, work, RunOptions(**wishes))
            voice.begin(config, plan)
            if plan.complete is not None:
                summary = summarize_record(plan.complete)
            else:
                summary = _carry_out(config, plan, work, voice, running)
        voice.done(summary, os.fspath(place.array), new=plan.complete is None)
    except Exception as e:
        if work.has_started:
            append_to_error(e, _standing(work))
        raise
    return summary


def _carry_out(
    config: "Config", plan: "RunPlan", work: "WorkFolder", voice: "ProgressReporter", running: Running
) -> "RunSummary":
    """Extract what is to be done, and what turns out to be made otherwise if it may go."""
    from specfeat.run.plan import plan_full_recompute
    from specfeat.run.runner import ChangedSettingsError

    network = cache(partial(_network, config, voice, running))  # built when it is wanted, and once
    try:
        return _extract(config, plan, work, voice, running, network)
    except ChangedSettingsError:
        if not plan.force:
            raise
    plan = plan_full_recompute(plan, work)
    voice.notes(plan)
    return _extract(config, plan, work, voice, running, network)


def _extract(
    config: "Config",
    plan: "RunPlan",
    work: "WorkFolder",
    voice: "ProgressReporter",
    running: Running,
    network: "Callable[[], Network]",
) -> "RunSummary":
    """Extract what is to be done; if that is nothing, TensorFlow is not loaded."""
    from specfeat.run.runner import execute_plan

    if not plan.todo:
        with voice.bar(()) as reporter:
            return execute_plan(config, plan, None, (), work, reporter)

    from specfeat.audio.worker_pool import WorkerPool

    failures = _failures(plan, running)
    # The workers decode while TensorFlow loads.
    count = min(running.workers or count_available_cores(), len(plan.todo))
    keep_partial = plan.provenance.keep_partial
    with WorkerPool(config.settings, count, timeout_s=running.timeout_s, keep_partial=keep_partial) as pool:
        tracks = pool.tracks(plan.todo)
        built = network()
        with voice.bar(plan.todo) as reporter:
            return execute_plan(config, plan, built, tracks, work, reporter, failures)


def _network(config: "Config", voice: "ProgressReporter", running: Running) -> "Network":
    """Load TensorFlow and build the network."""
    with hide_optional_packages():
        from specfeat.network.build import build_network

    network = build_network(config, running.device, running.threads or count_available_cores())
    resume_garbage_collection()
    raise_pending_signal()
    voice.built(network)
    return network


def _failures(plan: "RunPlan", running: Running) -> FailureCounter:
    """Count what failed before the run was ended, if this one goes on with it, but not for an old output."""
    if plan.updates:
        return FailureCounter(running.limit, len(plan.todo))
    failed = sum(done.entry.is_failure for done in plan.known.values())
    return FailureCounter(running.limit, len(plan.paths), failed)


def _standing(work: "WorkFolder") -> str:
    """Return what there is of a run that has ended early, and how to go on; nothing for nothing."""
    if work.is_committed:
        return f"{work.paths.array} is complete"
    if work.finished_count:
        files = f"{work.finished_count} finished file{'s are' if work.finished_count > 1 else ' is'}"
        return f"{files} kept in {work.paths.work_folder}: go on with {format_resume_command(sys.argv[1:])}"
    return ""


def _check_inputs(inputs: list[str]) -> None:
    """Find a path that does not exist before anything is loaded to read it with."""
    for name in inputs:
        if not os.path.lexists(name):
            raise UsageError(f"{name}: no such file or folder; {CHECK_PATH_HINT}")
