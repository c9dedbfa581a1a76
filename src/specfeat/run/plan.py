"""Decides, without TensorFlow, which sounds are finished and which must be extracted.

A plan is made in this order, and the order matters:

1. An array path whose file does not begin like an array is refused, even with `force`, and so is any of the
   three files of an output that is not a regular file.
2. Unfinished work is continued, discarded or refused. Its journal says whether its run updates the output
   or replaces it. Step 3 needs to know this, so step 2 comes first.
3. The output is kept, reused, replaced or refused. With `force` this step never refuses. If it refused,
   step 2 could already have discarded work, because step 2 discards work with `force`.
4. A sound is finished if one of the earlier runs has an entry for it, and its file has not changed since.
   With `retry_failed`, a sound that has failed or is partial is not finished.

`earlier_work` finds the states of unfinished work and output. The tables in `decisions` give the action for
each state.
"""

from dataclasses import dataclass, replace

from specfeat.audio.discovery import FoundSounds
from specfeat.config import Config
from specfeat.errors import UsageError
from specfeat.files import format_path, to_record_name
from specfeat.output.previous_run import FinishedSound, PreviousOutput, PreviousRun, UnfinishedRun
from specfeat.output.records import Provenance, RunRecord
from specfeat.output.replacement_check import check_replaceable
from specfeat.output.shard_identity import ShardIdentity
from specfeat.output.work_folder import WorkFolder
from specfeat.run.decisions import (
    OutputAction,
    OutputUse,
    UnfinishedAction,
    decide_on_output,
    decide_on_unfinished_work,
)
from specfeat.run.earlier_work import EarlierWorkExaminer, FoundOutput, FoundUnfinishedWork
from specfeat.run.options import DEFAULT_EXECUTION, ExecutionOptions, RunOptions
from specfeat.run.provenance_comparer import ProvenanceComparer
from specfeat.sound import Sound, SoundKey, sort_for_reading


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """The sounds of a run, and what is known about them before the run starts.

    Attributes:
        config: the checked config.
        sounds: all sounds, in the order of the rows.
        skipped_files: the skipped files in the given folders, by their names in the record.
        finished: the sounds that need not be extracted, failed ones included, and where their rows are.
        remaining: the sounds that must be extracted, in the order of `sort_for_reading`. So each file can be
            decoded once. The rows are put in the order of `sounds` when the output is written.
        provenance: everything that affects the numbers, as far as it is known before the network is built.
        previous_runs: the earlier runs that have the finished sounds: the output first, then the unfinished
            run. If both have an entry of a sound, that of the unfinished run is used.
        is_update: whether the run brings an output up to date (`OutputUse.UPDATE`). Also true if there is no
            output yet. If the run is interrupted, the run that continues it does the same.
        can_discard_finished: whether finished rows may be discarded if the built network shows that they were
            made with different settings (the option `force`).
        complete_record: the record of the existing output, if the run has nothing to do; otherwise None.
        notes: messages for the user, each a whole sentence.
        columns: the names of the additional columns of the index.
        shard: which shard of a divided run it is; None if the run is not divided.
    """

    config: Config
    sounds: tuple[Sound, ...]
    skipped_files: tuple[str, ...]
    finished: dict[SoundKey, FinishedSound]
    remaining: tuple[Sound, ...]
    provenance: Provenance
    previous_runs: tuple[PreviousRun, ...]
    is_update: bool
    can_discard_finished: bool
    complete_record: RunRecord | None
    notes: tuple[str, ...]
    columns: tuple[str, ...] = ()
    shard: ShardIdentity | None = None


def make_plan(
    config: Config,
    found: FoundSounds,
    work_folder: WorkFolder,
    options: RunOptions,
    execution: ExecutionOptions = DEFAULT_EXECUTION,
    shard: ShardIdentity | None = None,
) -> RunPlan:
    """Decide what the run has to do, and delete unfinished work that it will not use.

    Args:
        config: the checked config.
        found: the sounds in the inputs, each with the size and time that its file has now.
        work_folder: the output's work folder, locked. Unfinished work that is not used is removed from it.
        options: what the run may do with earlier work.
        execution: how the run is executed; device and engine affect the numbers.
        shard: which shard of a divided run the found sounds are; None if the run is not divided.

    Raises:
        UsageError: an output or unfinished work must be kept, or was made with different settings.
        OutputError: an existing file cannot be read.
    """
    paths = work_folder.paths
    check_replaceable(paths)
    comparer = ProvenanceComparer(
        config, execution.device, keep_partial=options.keep_partial, engine=execution.engine
    )
    examiner = EarlierWorkExaminer(work_folder, found, options, comparer, shard)

    unfinished_work = examiner.examine_unfinished_work()
    unfinished, notes = _apply_unfinished_action(unfinished_work, work_folder, options)
    use = _choose_output_use(unfinished, work_folder, options)
    found_output = examiner.examine_output(use, unfinished)
    output, is_complete = _apply_output_action(found_output, use, work_folder, options)
    # The unfinished run comes last: it is newer, so its entry of a sound replaces that of the output.
    previous_runs: tuple[PreviousRun, ...] = tuple(run for run in (output, unfinished) if run)
    finished: dict[SoundKey, FinishedSound] = {}
    for run in previous_runs:
        finished |= examiner.find_finished(run)
    found = examiner.found  # now with the sounds of earlier runs in folders that cannot be read
    return RunPlan(
        config=config,
        sounds=found.sounds,
        skipped_files=tuple(map(to_record_name, paths.exclude_own_files(found.skipped_files))),
        finished=finished,
        remaining=sort_for_reading(sound for sound in found.sounds if sound.key not in finished),
        provenance=comparer.provenance,
        previous_runs=previous_runs,
        is_update=use is OutputUse.UPDATE,
        can_discard_finished=options.force,
        complete_record=output.record if output and is_complete else None,
        notes=found.notes + notes + _describe_unreadable_folders(found, finished),
        columns=found.columns,
        shard=shard,
    )


def plan_full_recompute(plan: RunPlan, work_folder: WorkFolder) -> RunPlan:
    """Discard the unfinished work, and return a plan that uses no rows of earlier runs.

    This is needed if only the built network shows that finished rows were made with different settings.
    """
    work_folder.discard()
    note = (
        f"{work_folder.paths.array}: finished rows were made with different settings; "
        "this is known only now that the network is built, and everything is recomputed"
    )
    remaining = sort_for_reading(plan.sounds)
    return replace(plan, finished={}, remaining=remaining, previous_runs=(), notes=(note,))


def _describe_unreadable_folders(
    found: FoundSounds, finished: dict[SoundKey, FinishedSound]
) -> tuple[str, ...]:
    """Return a note for each unreadable folder with finished sounds, whose rows are kept.

    They are kept because nobody can know whether the files in the folder still exist.
    """
    notes = []
    for folder in found.unreadable_folders:
        count = sum(sound.key in finished and folder.contains_path(sound.path) for sound in found.sounds)
        if count:
            kept = f"the rows of {count} file{'s' * (count > 1)} in it are kept"
            notes.append(f"{format_path(folder.path)}: cannot be read; {kept}")
    return tuple(notes)


def _apply_unfinished_action(
    work: FoundUnfinishedWork, work_folder: WorkFolder, options: RunOptions
) -> tuple[UnfinishedRun | None, tuple[str, ...]]:
    """Continue, discard or refuse the unfinished work; nothing happens if there is none.

    Returns:
        The run that is continued (None if there is none), and notes for the user.

    Raises:
        UsageError: the unfinished work must be kept, and this run cannot continue it.
    """
    action = decide_on_unfinished_work(
        is_continuing=options.uses_unfinished_work, state=work.state, force=options.force
    )
    if action in (UnfinishedAction.NOTHING, UnfinishedAction.CONTINUE):
        return work.run, ()
    folder, count = work_folder.paths.work_folder, work.finished_count
    files = f"{count} finished file{'s' * (count > 1)} of an unfinished run"
    if action is UnfinishedAction.REFUSE:
        raise UsageError(f"{folder}: {work.problem or f'holds {files}'}", remedy=work.remedy)
    work_folder.discard()
    reason = f" that {work.problem}" if work.problem else ""
    return None, (f"{folder}: discarded {files}{reason}",)


def _choose_output_use(
    unfinished: UnfinishedRun | None, work_folder: WorkFolder, options: RunOptions
) -> OutputUse:
    """Return what the run wants to do with an existing output."""
    # `is_committed`: the run before was killed during the moves of its commit, and entering the work folder
    # has completed these moves. So its output is complete, and resuming it means to update the output.
    if options.update or (options.resume and work_folder.is_committed):
        return OutputUse.UPDATE
    if unfinished:
        return OutputUse.UPDATE if unfinished.header.is_update else OutputUse.CONTINUE_REPLACEMENT
    return OutputUse.CHECK_RESULT if options.resume else OutputUse.START_NEW


def _apply_output_action(
    found_output: FoundOutput, use: OutputUse, work_folder: WorkFolder, options: RunOptions
) -> tuple[PreviousOutput | None, bool]:
    """Keep, reuse, replace or refuse the output; if it is kept, remove the unfinished work.

    Returns:
        The output if its rows are reused (otherwise None), and whether the run has nothing to do, because the
        output is already what it would make.

    Raises:
        UsageError: the output must be kept, and this run would replace it.
    """
    action = decide_on_output(use=use, state=found_output.state, force=options.force)
    if action is OutputAction.REFUSE:
        if found_output.problem:
            raise found_output.problem
        # Without a problem, the reason is that the output exists. This check raises an error that says so.
        work_folder.paths.check_absent()
    is_complete = action is OutputAction.KEEP
    if is_complete:
        # The output is already the result of this run. So it does not need the unfinished work, which an
        # interrupted update has left, or an interrupted run that replaces the output.
        work_folder.discard()
    return (found_output.output if is_complete or action is OutputAction.REUSE else None), is_complete
