"""Puts the outputs of all shards of a run together, so that they are the output of one run."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from specfeat.config import Config, Settings
from specfeat.config.config_tree import ConfigTree
from specfeat.errors import SpecfeatError, UsageError, append_suggestion
from specfeat.files import format_path, from_record_name
from specfeat.output.finished_output import explain_refusal
from specfeat.output.paths import OutputPaths, make_output_paths
from specfeat.output.previous_run import (
    FinishedSound,
    PreviousOutput,
    find_output_paths,
    read_previous_output,
    verify_output,
)
from specfeat.output.shard_identity import ShardIdentity
from specfeat.output.summary import RunSummary
from specfeat.output.work_folder import WorkFolder
from specfeat.run.extract_to import SUGGESTIONS
from specfeat.run.listener import RunListener, SilentListener
from specfeat.run.plan import RunPlan
from specfeat.run.provenance import describe_differences
from specfeat.run.runner import RunOrigin, execute_plan
from specfeat.run.source_outputs import prepare_target
from specfeat.sound import Sound

PathLike = str | os.PathLike[str]
MAX_NAMED_SHARDS = 10  # how many missing shards a message names
_REQUIREMENT = "only complete outputs of shards can be merged"


@dataclass(frozen=True, slots=True)
class _ShardOutput:
    """The output of one shard.

    Attributes:
        paths: its paths.
        output: the output, as its record describes it.
        shard: which shard it is.
    """

    paths: OutputPaths
    output: PreviousOutput
    shard: ShardIdentity

    @property
    def name(self) -> str:
        """The path of the array, for messages."""
        return format_path(str(self.paths.array))


def merge_outputs(
    shards: Iterable[PathLike],
    output: PathLike,
    *,
    array_format: str = "",
    force: bool = False,
    lock_wait_s: float = 0.0,
    listener: RunListener | None = None,
) -> RunSummary:
    """Put the outputs of all shards of a run together.

    Array and index have the same bytes as those of a run that is not divided. The record has the same
    entries. The shards stay as they are.

    Args:
        shards: the arrays of the shards, in any order. They can have any formats.
        output: the array to write.
        array_format: the format of the array to write; by default, the extension of `output` decides.
        force: replace an existing output, and discard unfinished work in its work folder.
        lock_wait_s: how many seconds to wait while another run is writing the output.
        listener: the object that is told of the result; only its methods `on_note` and `on_output` are
            called.

    Returns:
        The counts of the merged output.

    Raises:
        UsageError: an output is no shard, is damaged, or is a shard of another run; a shard is missing or
            given twice; or the output exists.
        NoUsableAudioError: no sound of any shard has a row.
        OutputError: a file cannot be read or written.
        LockedError: another run is writing the output.
    """
    command = ("specfeat.merge_outputs",)
    try:
        work_folder = WorkFolder(make_output_paths(output, array_format), lock_wait_s)
        return merge(shards, work_folder, command, listener or SilentListener(), force=force)
    except SpecfeatError as e:
        append_suggestion(e, SUGGESTIONS)
        raise


def merge(
    shards: Iterable[PathLike],
    work_folder: WorkFolder,
    command: Sequence[str],
    listener: RunListener,
    *,
    force: bool,
) -> RunSummary:
    """See `merge_outputs`, which also adds suggestions to errors.

    Args:
        shards: the arrays of the shards, in any order.
        work_folder: the work folder of the output to write; this function locks and releases it.
        command: how the merging was started, for the record.
        listener: the object that is told of the result.
        force: replace an existing output, and discard unfinished work in its work folder.
    """
    parts = [_read_shard(Path(path)) for path in shards]
    if not parts:
        raise UsageError("no shards are given; give the arrays of all shards of a run")
    _check_same_run(parts)
    _check_complete(parts)
    work_folder.paths.check_writable()
    work_folder.paths.check_dtype(parts[0].output.provenance.dtype)
    for part in parts:
        with explain_refusal(_REQUIREMENT):
            verify_output(part.output, part.paths)
    with work_folder:
        prepare_target(work_folder, [part.paths for part in parts], force=force)
        record = parts[0].output.record
        origin = RunOrigin(command=tuple(command), empty_places=record.empty_places)
        summary = execute_plan(_make_plan(parts), (), record.provenance, origin, work_folder, listener)
    listener.on_output(summary, work_folder.paths.array, is_new=True)
    return summary


def _read_shard(path: Path) -> _ShardOutput:
    """Read the record of one shard.

    Raises:
        UsageError: there is no such output, or it is no shard.
    """
    paths = find_output_paths(path)
    with explain_refusal(_REQUIREMENT):
        output = read_previous_output(paths)
    if output.record.shard is None:
        raise UsageError(
            f"{format_path(str(path))}: is a whole output and no shard; only outputs that were extracted as "
            "shards of one run can be merged"
        )
    return _ShardOutput(paths, output, output.record.shard)


def _check_same_run(parts: Sequence[_ShardOutput]) -> None:
    """Check that all shards belong to one run.

    Raises:
        UsageError: a shard has other inputs, settings or columns than the first one.
    """
    first = parts[0]
    for part in parts[1:]:
        differences = describe_differences(first.output.provenance, part.output.provenance)
        if not differences and part.shard.count != first.shard.count:
            differences = f"number of shards: {first.shard.count}, here {part.shard.count}"
        if not differences and _get_inputs(part) != _get_inputs(first):
            differences = "other inputs"
        if differences:
            raise UsageError(f"{part.name}: is not a shard of the same run as {first.name} ({differences})")


def _get_inputs(part: _ShardOutput) -> tuple[object, ...]:
    """Return what the record of a shard says about the inputs of the whole run."""
    shard, record = part.shard, part.output.record
    return shard.inputs_sha256, shard.sounds, record.columns, record.skipped_files


def _check_complete(parts: Sequence[_ShardOutput]) -> None:
    """Check that each shard is given once.

    Raises:
        UsageError: a shard is missing, or given twice.
    """
    given: dict[int, _ShardOutput] = {}
    for part in parts:
        other = given.setdefault(part.shard.number, part)
        if other is not part:
            raise UsageError(
                f"{part.name}: is shard {part.shard.name}, as {other.name} is; give each shard once"
            )
    if sum(len(part.shard.positions) for part in parts) == parts[0].shard.sounds:
        return  # the missing shards, if there are any, have no files
    count = parts[0].shard.count
    missing = [number for number in range(1, count + 1) if number not in given]
    names = ", ".join(f"{number}/{count}" for number in missing[:MAX_NAMED_SHARDS])
    more = f" and {len(missing) - MAX_NAMED_SHARDS} more" if len(missing) > MAX_NAMED_SHARDS else ""
    raise UsageError(f"shard {names}{more} is missing; give the outputs of all shards")


def _make_plan(parts: Sequence[_ShardOutput]) -> RunPlan:
    """Return the plan of a run whose sounds are all finished, in the order of the run that was divided."""
    placed: list[tuple[int, FinishedSound]] = []
    for part in parts:
        placed += zip(part.shard.positions, part.output.list_finished_sounds(), strict=True)
    placed.sort(key=lambda pair: pair[0])
    finished = {sound.entry.key: sound for _, sound in placed}
    record = parts[0].output.record
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
        previous_runs=tuple(part.output for part in parts),
        is_update=False,
        can_discard_finished=False,
        complete_record=None,
        notes=(),
        columns=record.columns,
    )
