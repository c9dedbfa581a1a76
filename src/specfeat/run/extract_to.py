"""The Python interface that writes an output: what `specfeat extract` does, without the command line."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from specfeat.audio.path_filter import PathFilter
from specfeat.audio.raw_format import parse_raw_format
from specfeat.config import Config, Settings
from specfeat.config.weights_file import check_weights_file
from specfeat.errors import Remedy, SpecfeatError, UsageError, append_suggestion
from specfeat.output.paths import make_output_paths
from specfeat.output.summary import RunSummary
from specfeat.output.work_folder import WorkFolder
from specfeat.python_config import load_any_config, warn_of_random_weights
from specfeat.run.extraction import can_be_continued, describe_kept_files, run_extraction
from specfeat.run.listener import RunListener, SilentListener
from specfeat.run.options import ExecutionOptions, FailureLimit, RunOptions
from specfeat.run.request import ExtractionRequest
from specfeat.run.selection_options import SoundSelection, make_time_range
from specfeat.run.shard import parse_shard
from specfeat.segments import SegmentOptions
from specfeat.segments.base import FIELDS
from specfeat.sound import SoundPart

if TYPE_CHECKING:
    from specfeat.network.ready_network import ReadyNetwork

PathLike = str | os.PathLike[str]

SUGGESTIONS = {
    Remedy.REPLACE_OUTPUT: "pass force=True to recompute everything",
    Remedy.UPDATE_OR_REPLACE_OUTPUT: (
        "give the output another name, pass update=True to extract only new and changed files, "
        "or pass force=True to replace the output"
    ),
    Remedy.RENAME_OR_REPLACE_OUTPUT: "give the output another name, or pass force=True to replace it",
    Remedy.RESUME_OR_REPLACE: "pass resume=True to continue the unfinished run, or force=True to start again",
    Remedy.SAME_SETTINGS_OR_REPLACE: (
        "use the same settings to continue the unfinished run, or pass force=True to start again"
    ),
    Remedy.WAIT_FOR_LOCK: "pass lock_wait_s=SECONDS to wait for the other run",
    Remedy.START_FEWER_WORKERS: "pass workers=N to start fewer processes",
    Remedy.USE_LESS_MEMORY: (
        "use a smaller batch (overrides=['model.batch=N']), or fewer workers and threads, or free some memory"
    ),
    Remedy.ALLOW_MORE_TIME: "pass timeout_s=SECONDS to allow more time",
    Remedy.CHOOSE_OTHER_DEVICE: "pass device='cpu' or device='auto'",
    Remedy.CHOOSE_FITTING_CONFIG: (
        "pass it as config, and the file as overrides=['model.weights.file=FILE']"
    ),
    Remedy.RESUME_OR_UPDATE: "pass resume=True or update=True together with retry_failed=True",
    Remedy.CONTINUE_AFTER_FAILURES: "pass on_error='skip' to continue after failures",
    Remedy.NAME_COLUMN: "name the right column, e.g. columns={'path': 'filename'}",
    Remedy.NAME_ID_COLUMN: (
        "or pass columns={'id': COLUMN} with a column in which they differ, e.g. the label"
    ),
    Remedy.NAME_SEGMENT_FORMAT: "pass segments_format=NAME if you know its format",
    Remedy.ALLOW_MORE_FAILURES: "pass max_failures=N to allow more failures",
}


def extract_to(
    inputs: PathLike | Iterable[PathLike],
    output: PathLike,
    config: PathLike | Config | Settings = "default",
    *,
    overrides: Iterable[str] = (),
    array_format: str = "",
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    segments: PathLike | Iterable[PathLike] | None = None,
    segments_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    start: float | str | None = None,
    end: float | str | None = None,
    duration: float | str | None = None,
    label_from: Literal["parent"] | None = None,
    raw: str | None = None,
    recorded_at: Literal["auto"] | None = None,
    resume: bool = False,
    update: bool = False,
    force: bool = False,
    retry_failed: bool = False,
    keep_partial: bool = False,
    shard: str | None = None,
    on_error: Literal["skip", "stop"] = "skip",
    max_failures: int | str | None = None,
    workers: int | None = None,
    threads: int | None = None,
    engine: str = "tensorflow",
    device: str = "auto",
    timeout_s: float | None = None,
    lock_wait_s: float = 0.0,
    listener: RunListener | None = None,
) -> RunSummary:
    """Extract features from files of any length into one array on the disk, as `specfeat extract` does.

    Array and index have the same bytes as those of the command line. If a run ends early (by an error, by
    KeyboardInterrupt or by SIGKILL), the finished files are kept in a work folder beside the output. To
    continue the run, call this function again with `resume=True`, or use `specfeat extract --resume`.

    This function prints nothing, installs no signal handler and does not exit. It starts worker processes,
    which end with it. Building the network loads TensorFlow; see `Extractor` for what that changes in the
    process. A script that calls this needs no `if __name__ == "__main__"`, because the workers do not import
    it.

    Args:
        inputs: an audio file, a folder or an archive to search for audio files, "-" for the sound on standard
            input, or several of them.
        output: the array to write, e.g. "out.npy"; "out.index.csv" and "out.run.json" are written beside it.
        config: a shipped name ("yamnet"), the path of a YAML file, a loaded `Config`, or `Settings`.
        overrides: values that replace those of the config, each as `KEY.PATH=VALUE`, e.g. "model.batch=8".
        array_format: the format of the array: "npy", "npz", "csv", "jsonl", "parquet", "h5", "arrow", "zarr",
            "ark", "ark-text", "kaldi" or "tfrecord"; by default, the extension of `output` decides, and "npy"
            is used for any other extension.
        include: patterns such as "night_*.wav"; of the files in folders, only those that match one are taken.
        exclude: patterns of files and folders in folders that are left out; see `PathFilter`.
        segments: a table of segments, or several: only these segments are extracted, and `inputs` are where
            their files are. See docs/segments.md for the formats.
        segments_format: the format of the tables, if it is not recognised, e.g. "csv".
        columns: the column of the tables that has a field ("path", "start", "end", "duration", "channel" or
            "id"), e.g. {"path": "filename"}.
        start: where to begin in each file: seconds, or "h:m:s".
        end: where to end in each file. A shorter file is read to its end.
        duration: how much of each file to extract; it replaces `end`.
        label_from: "parent" to add a column `label` to the index, with the name of each file's folder.
        raw: the format of the sound on standard input (the input "-") if it has no header: rate, channels and
            coding, e.g. "16000:1:s16le".
        recorded_at: "auto" to add a column `recorded_at` to the index: the time at which each file was
            recorded, in ISO 8601, from its metadata or its name.
        resume: continue a run that ended early; if the output is complete already, nothing is done.
        update: extract only new and changed files, and drop the rows of files that are no longer given.
        force: replace an existing output. Without resume or update, discard unfinished work;
            with one of them, discard it only if it cannot be continued.
        retry_failed: whether `resume` and `update` also extract again the files that failed before.
        keep_partial: whether the rows before the damage are kept if a file is damaged in the middle.
        shard: extract only one part of the files, e.g. "1/8" for the first of eight parts; `merge_outputs`
            puts the parts together.
        on_error: what to do when a file fails: "skip" it and continue, or "stop" the run.
        max_failures: stop the run when more files than this have failed: a number of files, or a share of all
            files such as "1%".
        workers: how many processes decode; by default one per core.
        threads: how many batches the network computes at the same time on a CPU, each in one thread; by
            default one per core.
        engine: the library that runs the network, "tensorflow" or "onnxruntime".
        device: "auto" (the first GPU, or the CPU), "cpu", "gpu" or "gpu:N".
        timeout_s: how many seconds it may take to read one file; by default 600, plus 1 per 100 kB of the
            file.
        lock_wait_s: how many seconds to wait while another run is writing the output.
        listener: the object that is told how the run proceeds; see `RunListener`. An error in one of its
            methods ends the run.

    Returns:
        The counts of the output: files, failures, rows and more. Files that fail raise no exception: see
        `RunSummary.failed`.

    Raises:
        UsageError: an argument or an input is wrong, or a file that must not be replaced is in the way.
        ConfigError: the config or its network is wrong; names the line.
        NoUsableAudioError: no audio was found, or no file has a row.
        LockedError: another run is writing the output.
        SpecfeatError: any other error that the caller can correct. All errors above are subclasses of it.

    Warns:
        UserWarning: the network's weights are random, so its features are those of an untrained network.
    """
    try:
        if recorded_at not in (None, "auto"):
            raise UsageError(f"recorded_at is {recorded_at!r}; wanted 'auto' or None")
        if on_error not in ("skip", "stop"):
            raise UsageError(f"on_error is {on_error!r}; wanted 'skip' or 'stop'")
        max_failures_text = None if max_failures is None else str(max_failures)
        request = ExtractionRequest(
            config=load_any_config(config, overrides),
            inputs=_list_inputs(inputs),
            path_filter=PathFilter(_list_patterns(include), _list_patterns(exclude)),
            selection=replace(
                _make_selection(
                    segments, segments_format, columns, make_time_range(start, end, duration), label_from
                ),
                recorded_at=recorded_at,
                raw_format=None if raw is None else parse_raw_format(raw),
            ),
            options=RunOptions(
                force=force,
                resume=resume,
                update=update,
                retry_failed=retry_failed,
                keep_partial=keep_partial,
                shard=None if shard is None else parse_shard(shard),
            ),
            execution=ExecutionOptions(
                device=device,
                workers=workers,
                threads=threads,
                engine=engine,
                timeout_s=timeout_s,
                failure_limit=FailureLimit(stop_at_first=on_error == "stop", max_failures=max_failures_text),
            ),
            command=("specfeat.extract_to",),
            build_network=_build_network,
        )
        check_weights_file(request.config)
        paths = make_output_paths(output, array_format)
        paths.check_writable()
        warn_of_random_weights(request.config)
        return _run_and_note_kept_files(request, WorkFolder(paths, lock_wait_s), listener or SilentListener())
    except SpecfeatError as e:
        append_suggestion(e, SUGGESTIONS)
        raise


def _make_selection(
    segments: PathLike | Iterable[PathLike] | None,
    segments_format: str | None,
    columns: Mapping[str, str] | None,
    time_range: SoundPart,
    label_from: Literal["parent"] | None,
) -> SoundSelection:
    if label_from not in (None, "parent"):
        raise UsageError(f"label_from is {label_from!r}; wanted 'parent' or None")
    if segments is None:
        if columns or segments_format:
            raise UsageError("columns and segments_format are about a table of segments; give it as segments")
        return SoundSelection(time_range=time_range, label_from=label_from)
    wrong = [field for field in columns or {} if field not in FIELDS]
    if wrong:
        raise UsageError(f"columns has the field {wrong[0]!r}; the fields are {', '.join(FIELDS)}")
    options = SegmentOptions(
        tables=_list_inputs(segments), format=segments_format, columns=dict(columns or {})
    )
    return SoundSelection(segments=options, time_range=time_range, label_from=label_from)


def _run_and_note_kept_files(
    request: ExtractionRequest, work_folder: WorkFolder, listener: RunListener
) -> RunSummary:
    try:
        return run_extraction(request, work_folder, listener)
    except BaseException as e:  # Raised again; a signal gets the note, too.
        is_continuable = work_folder.has_started and can_be_continued(request)
        if is_continuable and (kept_files := describe_kept_files(work_folder)):
            e.add_note(f"{kept_files}; continue with resume=True")
        raise


def _list_inputs(inputs: PathLike | Iterable[PathLike]) -> tuple[str, ...]:
    if isinstance(inputs, str | os.PathLike):
        inputs = [inputs]
    return tuple(os.fspath(path) for path in inputs)


def _list_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    if isinstance(patterns, str):
        raise UsageError(f"the patterns are the text {patterns!r}; wanted a list of texts")
    return tuple(patterns)


def _build_network(config: Config, execution: ExecutionOptions) -> "ReadyNetwork":
    # Imported here, because a run that has nothing to do must not load TensorFlow.
    from specfeat.weights.files.formats import check_weights_format

    check_weights_format(config.settings.model.weights)
    from specfeat.network.prepare import prepare_network

    return prepare_network(config, execution.device, execution.threads, execution.engine)
