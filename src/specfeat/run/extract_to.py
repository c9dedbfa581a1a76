"""The Python interface that writes an output: what `specfeat extract` does, without the command line."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from specfeat.config import Config, Settings
from specfeat.config.weights_file import check_weights_file
from specfeat.errors import Remedy, SpecfeatError, UsageError, append_suggestion
from specfeat.output.paths import make_output_paths
from specfeat.output.summary import RunSummary
from specfeat.output.work_folder import WorkFolder
from specfeat.python_config import load_any_config, warn_of_random_weights
from specfeat.run.extraction import describe_kept_files, run_extraction
from specfeat.run.listener import RunListener, SilentListener
from specfeat.run.options import ExecutionOptions, FailureLimit, RunOptions
from specfeat.run.request import ExtractionRequest

if TYPE_CHECKING:
    from specfeat.network.build import Network

PathLike = str | os.PathLike[str]

SUGGESTIONS = {
    Remedy.REPLACE_OUTPUT: "pass force=True to recompute everything",
    Remedy.UPDATE_OR_REPLACE_OUTPUT: (
        "give another name, pass update=True to bring it up to date, or force=True to replace it"
    ),
    Remedy.RESUME_OR_REPLACE: "pass resume=True to continue it, or force=True to start again",
    Remedy.SAME_SETTINGS_OR_REPLACE: "use the same settings to continue it, or force=True to start again",
    Remedy.WAIT_FOR_LOCK: "pass lock_wait_s=SECONDS to wait for it",
    Remedy.START_FEWER_WORKERS: "start fewer with workers=N",
    Remedy.USE_LESS_MEMORY: (
        "use a smaller batch (overrides=['model.batch=N']), or fewer workers and threads, or free some memory"
    ),
    Remedy.ALLOW_MORE_TIME: "allow more time with timeout_s=SECONDS",
    Remedy.CHOOSE_OTHER_DEVICE: "choose another one with device=...",
    Remedy.RESUME_OR_UPDATE: "pass resume=True or update=True",
    Remedy.CONTINUE_AFTER_FAILURES: "pass on_error='skip' to continue after failures",
    Remedy.ALLOW_MORE_FAILURES: "allow more with max_failures=...",
}


def extract_to(
    inputs: PathLike | Iterable[PathLike],
    output: PathLike,
    config: PathLike | Config | Settings = "default",
    *,
    overrides: Iterable[str] = (),
    resume: bool = False,
    update: bool = False,
    force: bool = False,
    retry_failed: bool = False,
    keep_partial: bool = False,
    on_error: Literal["skip", "stop"] = "skip",
    max_failures: int | str | None = None,
    workers: int | None = None,
    threads: int | None = None,
    device: str = "auto",
    timeout_s: float | None = None,
    lock_wait_s: float = 0.0,
    listener: RunListener | None = None,
) -> RunSummary:
    """Extract features from files of any length into one array on the disk, as `specfeat extract` does.

    The array has the same bytes as the command's, and so has the index. A run that ends early, by an error,
    by KeyboardInterrupt or by SIGKILL, leaves what is finished in a work folder beside the output; call again
    with `resume=True` to continue it, from Python or from the command line.

    This function prints nothing, installs no signal handler and does not exit. It starts worker processes,
    which end with it. Building the network loads TensorFlow; see `Extractor` for what that changes in the
    process. A script that calls this needs no `if __name__ == "__main__"`, because the workers do not import
    it.

    Args:
        inputs: an audio file, a folder to search for audio files, or several of them.
        output: the array to write, e.g. "out.npy"; "out.index.csv" and "out.run.json" are written beside it.
        config: a shipped name ("yamnet"), the path of a YAML file, a loaded `Config`, or `Settings`.
        overrides: values that replace those of the config, each as `KEY.PATH=VALUE`, e.g. "model.batch=8".
        resume: continue a run that ended early; if the output is complete already, nothing is done.
        update: extract only new and changed files, and drop the rows of files that are no longer given.
        force: replace an existing output. Without resume or update, discard unfinished work;
            with one of them, discard it only if it cannot be continued.
        retry_failed: with `resume` or `update`, try the files again that failed before.
        keep_partial: when a file breaks in the middle, keep its rows before the break.
        on_error: when a file fails: "skip" it and continue, or "stop" the run.
        max_failures: stop the run when more files than this have failed; a number, or a share such as "1%".
        workers: processes that decode; by default one per core.
        threads: how many batches the network computes at the same time on a CPU, each in one thread; by
            default one per core.
        device: "auto" (the first GPU, or the CPU), "cpu", "gpu" or "gpu:N".
        timeout_s: seconds that reading one file may take; by default 600, and 1 more per 100 kB of the file.
        lock_wait_s: seconds to wait while another run is writing the output.
        listener: its methods are called as the run proceeds; see `RunListener`. An error that it raises ends
            the run.

    Returns:
        What the output holds: files, failures, rows and more. Failed files do not raise: look at `failed`.

    Raises:
        UsageError: an argument, an input or what lies at the output's place is wrong.
        ConfigError: the config or its network is wrong; names the line.
        NoUsableAudioError: no audio was found, or no file has a row.
        LockedError: another run is writing the output.
        SpecfeatError: anything else that the caller can repair; the errors above are of this kind, too.

    Warns:
        UserWarning: the network's weights are random, so its features are those of an untrained network.
    """
    try:
        if on_error not in ("skip", "stop"):
            raise UsageError(f"on_error is {on_error!r}; wanted 'skip' or 'stop'")
        most = None if max_failures is None else str(max_failures)
        request = ExtractionRequest(
            config=load_any_config(config, overrides),
            inputs=_list_inputs(inputs),
            options=RunOptions(
                force=force,
                resume=resume,
                update=update,
                retry_failed=retry_failed,
                keep_partial=keep_partial,
            ),
            execution=ExecutionOptions(
                device=device,
                workers=workers,
                threads=threads,
                timeout_s=timeout_s,
                failure_limit=FailureLimit(stop_at_first=on_error == "stop", max_failures=most),
            ),
            command=("specfeat.extract_to",),
            build_network=_build_network,
        )
        check_weights_file(request.config)
        paths = make_output_paths(output)
        paths.check_writable()
        warn_of_random_weights(request.config)
        return _run(request, WorkFolder(paths, lock_wait_s), listener or SilentListener())
    except SpecfeatError as e:
        append_suggestion(e, SUGGESTIONS)
        raise


def _run(request: ExtractionRequest, work_folder: WorkFolder, listener: RunListener) -> RunSummary:
    try:
        return run_extraction(request, work_folder, listener)
    except BaseException as e:
        if work_folder.has_started and (kept_files := describe_kept_files(work_folder)):
            e.add_note(f"{kept_files}; continue with resume=True")
        raise


def _list_inputs(inputs: PathLike | Iterable[PathLike]) -> tuple[str, ...]:
    if isinstance(inputs, str | os.PathLike):
        inputs = [inputs]
    return tuple(os.fspath(path) for path in inputs)


def _build_network(config: Config, execution: ExecutionOptions) -> "Network":
    # The door to TensorFlow: a run with nothing to do does not pass it.
    from specfeat.network.build import build_network

    return build_network(config, execution.device, execution.threads)
