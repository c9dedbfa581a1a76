"""`specfeat extract INPUTS... OUTPUT`: makes the request of a run from the options, and runs it."""

import math
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from specfeat.audio.folder_search import check_inputs_exist
from specfeat.audio.inputs.base import STANDARD_INPUT
from specfeat.audio.path_filter import PathFilter
from specfeat.cli.command_line import CommandLine
from specfeat.cli.extract_target import ExtractTarget, open_extract_target
from specfeat.cli.input_list import read_input_list
from specfeat.cli.input_options import RawOption, RecordedAtOption, read_raw_format
from specfeat.cli.json_log import JsonLog
from specfeat.cli.json_log_target import check_log_target
from specfeat.cli.messages import add_run_state
from specfeat.cli.network_loading import load_network
from specfeat.cli.options import (
    ConfigOption,
    DeviceOption,
    Dtype,
    DtypeOption,
    EngineChoice,
    EngineOption,
    ExcludeOption,
    FilesFromOption,
    ForceOption,
    FormatOption,
    IncludeOption,
    Inputs,
    KeepPartialOption,
    LockWaitOption,
    LogOption,
    MaxFailuresOption,
    NullOption,
    OnError,
    OnErrorOption,
    Output,
    PerFileOption,
    PerOption,
    PoolOption,
    ProgressChoice,
    ProgressOption,
    ResumeOption,
    RetryOption,
    RowUnit,
    SetOption,
    ShardOption,
    ThreadsOption,
    TimeoutOption,
    UpdateOption,
    VerboseOption,
    WorkersOption,
)
from specfeat.cli.output_options import FailuresOnlyOption
from specfeat.cli.segment_options import (
    ColumnOption,
    DurationOption,
    EndOption,
    LabelFromOption,
    SegmentsFormatOption,
    SegmentsOption,
    StartOption,
    make_selection,
)
from specfeat.cli.signals import restore_signal_error, set_run_state_describer
from specfeat.cli.standard_streams import STDOUT_NAME, check_stdout_options
from specfeat.errors import EXTRACT_USAGE_HINT, Remedy, TooManyFailuresError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specfeat.config import Config
    from specfeat.network.ready_network import ReadyNetwork
    from specfeat.output.summary import RunSummary
    from specfeat.output.work_folder import WorkFolder
    from specfeat.run.listener import RunListener
    from specfeat.run.options import ExecutionOptions, FailureLimit
    from specfeat.run.request import ExtractionRequest
    from specfeat.run.shard import Shard


def extract_command(
    context: typer.Context,
    inputs: Inputs = None,
    output: Output = "",  # Python requires a default here; "" means that it is missing
    files_from: FilesFromOption = None,
    null: NullOption = False,
    output_format: FormatOption = "",
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    segments: SegmentsOption = None,
    segments_format: SegmentsFormatOption = None,
    columns: ColumnOption = None,
    start: StartOption = None,
    end: EndOption = None,
    duration: DurationOption = None,
    label_from: LabelFromOption = None,
    raw: RawOption = None,
    recorded_at: RecordedAtOption = None,
    per_file: PerFileOption = None,
    shard: ShardOption = None,
    config: ConfigOption = "default",
    overrides: SetOption = None,
    per: PerOption = None,
    pool: PoolOption = None,
    dtype: DtypeOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    threads: ThreadsOption = None,
    engine: EngineOption = EngineChoice.tensorflow,
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
    progress: ProgressOption = ProgressChoice.auto,
    quiet: FailuresOnlyOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Extract features from audio files of any length into one array.

    OUTPUT is an array with a row of features for each clip; by default a NumPy file of float32. Line k of the
    index names the file and the seconds of row k. If OUTPUT is -, only the features are written, to stdout.

    Exit code: 0 all done, 1 failed, 2 usage or config is wrong, 3 done but some files failed or broke, 4 no
    file is usable, 75 another run is writing OUTPUT, 130 and 143 stopped by a signal.
    """
    # Imported here and in the functions below, because --help and --version need none of these, and they take
    # time to load.
    from specfeat.cli.progress import ProgressReporter
    from specfeat.run.options import ExecutionOptions, RunOptions
    from specfeat.run.request import ExtractionRequest

    inputs = inputs or []
    if per_file is not None:  # There is no OUTPUT, so the last word of the command is an input, too.
        inputs = [*inputs, output] if output else inputs
        output, output_format = per_file, f"{output_format or 'npy'}-files"
    if output == STDOUT_NAME:
        check_stdout_options(resume=resume, update=update, retry_failed=retry_failed, force=force)
        if log_json == STDOUT_NAME:
            raise UsageError("--log-json -: stdout has the features already; write the log to a file")
    check_log_target(log_json, output, [*inputs, *(segments or []), files_from, config])
    command_line: CommandLine = context.obj
    failure_limit = _read_failure_limit(on_error, max_failures)
    with JsonLog(log_json) as log, ExitStack() as stack:
        reporter = ProgressReporter(quiet=quiet, verbose=verbose, form=progress.value)
        execution = ExecutionOptions(
            device=device,
            workers=workers,
            threads=threads,
            engine=engine.value,
            timeout_s=math.inf if timeout_per_file == 0 else timeout_per_file,  # 0 means no limit
            failure_limit=failure_limit,
        )
        loaded_config = _load_config(config, overrides or [], (per, pool, dtype))
        if not output or not (inputs or files_from or segments):
            raise UsageError(f"{'INPUTS are' if output else 'OUTPUT is'} missing; {EXTRACT_USAGE_HINT}")
        target = stack.enter_context(open_extract_target(output, output_format, lock_wait))
        if files_from == STANDARD_INPUT and STANDARD_INPUT in inputs:
            raise UsageError("--files-from -: stdin is a sound already; write the list to a file")
        listed_inputs = [] if files_from is None else read_input_list(files_from, null=null)
        path_filter = PathFilter(tuple(include or ()), tuple(exclude or ()))
        check_inputs_exist(inputs)  # before the audio libraries are imported, which takes time
        selection = make_selection(segments, segments_format, columns, (start, end, duration), label_from)
        request = ExtractionRequest(
            config=loaded_config,
            inputs=tuple(inputs),
            listed_inputs=tuple(listed_inputs),
            path_filter=path_filter,
            selection=replace(
                selection,
                raw_format=read_raw_format(raw),
                recorded_at=recorded_at.value if recorded_at else None,
            ),
            options=RunOptions(
                force=force,
                resume=resume,
                update=update,
                retry_failed=retry_failed,
                keep_partial=keep_partial,
                shard=_read_shard(shard),
            ),
            execution=execution,
            command=command_line.list_recorded_words(),
            build_network=_build_network,
        )
        summary = _run_request(request, target, target.make_listener(log, reporter), command_line)
        log.exit_code = 3 if summary.failed or summary.partial else 0
    return log.exit_code


def _load_config(
    name: str, overrides: "Sequence[str]", row_options: tuple[RowUnit | None, str | None, Dtype | None]
) -> "Config":
    from specfeat.config import load_config
    from specfeat.config.overrides import list_row_overrides
    from specfeat.config.weights_file import check_weights_file

    per, pool, dtype = row_options
    if per is RowUnit.clip and pool is not None:
        raise UsageError("--pool applies only to --per file, because a row per clip pools nothing")
    row_overrides = list_row_overrides(per.value if per else None, pool, dtype.value if dtype else None)
    config = load_config(name, [*overrides, *row_overrides], override_prefix="--set ")
    check_weights_file(config)
    return config


def _read_failure_limit(on_error: OnError, max_failures: str | None) -> "FailureLimit":
    from specfeat.run.options import FailureLimit

    try:
        return FailureLimit(stop_at_first=on_error is OnError.stop, max_failures=max_failures)
    except UsageError as e:
        raise UsageError(f"--max-failures: {e}") from e


def _read_shard(shard: str | None) -> "Shard | None":
    from specfeat.run.shard import parse_shard

    try:
        return None if shard is None else parse_shard(shard)
    except UsageError as e:
        raise UsageError(f"--shard: {e}") from e


def _run_request(
    request: "ExtractionRequest", target: ExtractTarget, listener: "RunListener", command_line: CommandLine
) -> "RunSummary":
    """Run the extraction. To an error, add what the run has written, and how to continue."""
    from specfeat.run.extraction import can_be_continued, describe_kept_files, run_extraction

    work_folder = target.make_work_folder()
    describe_state = partial(_describe_state, target, work_folder, command_line, request)
    set_run_state_describer(describe_state)
    try:
        with restore_signal_error():
            return run_extraction(request, work_folder, listener)
    except TooManyFailuresError as e:
        if target.stdout_output:
            add_run_state(e, describe_state())
            raise
        # The same option would end the resumed run, too.
        option = "--on-error" if e.remedy is Remedy.CONTINUE_AFTER_FAILURES else "--max-failures"
        resume_command = command_line.format_resume_command(left_out_option=option)
        kept_files = f"{describe_kept_files(work_folder)}; " if work_folder.finished_count else ""
        if can_be_continued(request):
            add_run_state(e, f"{kept_files}continue with {resume_command}")
        raise
    except Exception as e:  # Every error is raised again, with what the run has written.
        if work_folder.has_started:
            add_run_state(e, describe_state())
        raise


def _build_network(config: "Config", execution: "ExecutionOptions") -> "ReadyNetwork":
    return load_network(config, execution.device, execution.threads, execution.engine)


def _describe_state(
    target: ExtractTarget,
    work_folder: "WorkFolder",
    command_line: CommandLine,
    request: "ExtractionRequest",
) -> str:
    """Return what a run that ended early has written, and how to continue it; "" if nothing."""
    from specfeat.run.extraction import can_be_continued, describe_kept_files

    if target.stdout_output:
        return "" if work_folder.is_committed else "a run that writes to stdout cannot be continued"
    if work_folder.is_committed:
        return f"{work_folder.paths.array} is complete"
    kept_files = describe_kept_files(work_folder)
    if not can_be_continued(request):
        return kept_files and f"{kept_files}; stdin can be read only once, so the run cannot be continued"
    return kept_files and f"{kept_files}; continue with {command_line.format_resume_command()}"
