"""Puts the outputs of all shards of a run together, so that they are the output of one run."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from specfeat.config import Config, Settings
from specfeat.config.config_tree import ConfigTree
from specfeat.errors import Remedy, UsageError
from specfeat.files import format_path, from_record_name
from specfeat.output.paths import make_output_paths
from specfeat.output.previous_run import (
    FinishedSound,
    PreviousOutput,
    read_previous_output,
    verify_output,
)
from specfeat.output.shard_identity import ShardIdentity
from specfeat.output.summary import RunSummary
from specfeat.output.work_folder import WorkFolder
from specfeat.run.listener import RunListener, SilentListener
from specfeat.run.plan import RunPlan
from specfeat.run.provenance import describe_differences
from specfeat.run.runner import RunOrigin, execute_plan
from specfeat.sound import Sound

PathLike = str | os.PathLike[str]
MAX_NAMED_SHARDS = 10  # how many missing shards a message names


def merge_outputs(
    shards: Iterable[PathLike],
    output: PathLike,
    *,
    force: bool = False,
    lock_wait_s: float = 0.0,
    command: Sequence[str] = ("specfeat.merge_outputs",),
    listener: RunListener | None = None,
) -> RunSummary:
    """Put the outputs of all shards of a run together.

    Array and index have the same bytes as those of a run that is not divided. The record has the same
    entries. The shards stay as they are.

    Args:
        shards: the arrays of the shards, in any order.
        output: the array to write.
        force: replace an existing output, and discard unfinished work in its work folder.
        lock_wait_s: how many seconds to wait while another run is writing the output.
        command: how the merging was started, for the record.
        listener: the object that is told of the result; only its methods `on_note` and `on_output` are
            called.

    Returns:
        The counts of the merged output.

    Raises:
        UsageError: an output is no shard, is damaged, or is a shard of another run; a shard is missing or
            given twice; or the output exists.
        NoUsableAudioError: no sound of any shard has a row.
        OutputError: a file cannot be read or written.
    """
    listener = listener or SilentListener()
    parts = [_read_shard(os.fspath(path)) for path in shards]
    if not parts:
        raise UsageError("no shards are given; give the arrays of all shards of a run")
    _check_same_run(parts)
    _check_complete([_get_shard(part) for part in parts], parts)
    for part in parts:
        verify_output(part, make_output_paths(part.rows_path))
    paths = make_output_paths(output)
    paths.check_writable()
    paths.check_inputs([str(part.rows_path) for part in parts])
    work_folder = WorkFolder(paths, lock_wait_s)
    with work_folder:
        paths.check_replaceable()
        if not force:
            paths.check_absent()
        if work_folder.unfinished_run is not None:
            if not force:
                raise UsageError(
                    f"{paths.work_folder}: holds finished files of an unfinished run",
                    remedy=Remedy.RESUME_OR_REPLACE,
                )
            work_folder.discard()
        plan = _make_plan(parts)
        record = parts[0].record
        origin = RunOrigin(
            command=tuple(command), folder=_find_current_folder(), empty_places=record.empty_places
        )
        summary = execute_plan(plan, (), record.provenance, origin, work_folder, listener)
    listener.on_output(summary, paths.array, is_new=True)
    return summary


def _find_current_folder() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # the folder has been removed
        return None


def _read_shard(path: str) -> PreviousOutput:
    """Read the record of one shard.

    Raises:
        UsageError: there is no such output, or it is no shard.
    """
    output = read_previous_output(make_output_paths(path))
    if output.record.shard is None:
        raise UsageError(
            f"{format_path(path)}: is a whole output and no shard; only outputs that were extracted as "
            "shards of one run can be merged"
        )
    return output


def _get_shard(output: PreviousOutput) -> ShardIdentity:
    if output.record.shard is None:
        raise RuntimeError("the output is no shard")
    return output.record.shard


def _check_same_run(parts: Sequence[PreviousOutput]) -> None:
    """Check that all shards belong to one run.

    Raises:
        UsageError: a shard has other inputs, settings or columns than the first one.
    """
    first = parts[0]
    for part in parts[1:]:
        shard, first_shard = _get_shard(part), _get_shard(first)
        differences = describe_differences(first.provenance, part.provenance)
        if not differences and shard.count != first_shard.count:
            differences = f"number of shards: {first_shard.count}, here {shard.count}"
        if not differences and (
            (shard.inputs_sha256, shard.sounds) != (first_shard.inputs_sha256, first_shard.sounds)
            or part.record.columns != first.record.columns
            or part.record.skipped_files != first.record.skipped_files
        ):
            differences = "other inputs"
        if differences:
            raise UsageError(
                f"{format_path(str(part.rows_path))}: is not a shard of the same run as "
                f"{format_path(str(first.rows_path))} ({differences})"
            )


def _check_complete(shards: Sequence[ShardIdentity], parts: Sequence[PreviousOutput]) -> None:
    """Check that each shard is given once.

    Raises:
        UsageError: a shard is missing, or given twice.
    """
    paths: dict[int, Path] = {}
    for shard, part in zip(shards, parts, strict=True):
        if shard.number in paths:
            raise UsageError(
                f"{format_path(str(part.rows_path))}: is shard {shard.name}, as "
                f"{format_path(str(paths[shard.number]))} is; give each shard once"
            )
        paths[shard.number] = part.rows_path
    if sum(len(shard.positions) for shard in shards) == shards[0].sounds:
        return  # the missing shards, if there are any, have no files
    missing = [number for number in range(1, shards[0].count + 1) if number not in paths]
    names = ", ".join(f"{number}/{shards[0].count}" for number in missing[:MAX_NAMED_SHARDS])
    more = f" and {len(missing) - MAX_NAMED_SHARDS} more" if len(missing) > MAX_NAMED_SHARDS else ""
    raise UsageError(f"shard {names}{more} is missing; give the outputs of all shards")


def _make_plan(parts: Sequence[PreviousOutput]) -> RunPlan:
    """Return the plan of a run whose sounds are all finished, in the order of the run that was divided."""
    placed: list[tuple[int, FinishedSound]] = []
    for part in parts:
        placed += zip(_get_shard(part).positions, part.list_finished_sounds(), strict=True)
    placed.sort(key=lambda pair: pair[0])
    finished = {sound.entry.key: sound for _, sound in placed}
    record = parts[0].record
    settings = Settings.model_validate(record.provenance.config.resolved, strict=False)
    name = record.provenance.config.name
    return RunPlan(
        config=Config(name, settings, ConfigTree(name)),
        sounds=tuple(
            Sound(
                from_record_name(sound.entry.path),
                sound.entry.key.part,
                sound.entry.file,
                sound.entry.columns,
            )
            for sound in finished.values()
        ),
        skipped_files=record.skipped_files,
        finished=finished,
        remaining=(),
        provenance=record.provenance,
        previous_runs=tuple(parts),
        is_update=False,
        can_discard_finished=False,
        complete_record=None,
        notes=(),
        columns=record.columns,
    )
