"""Examines what earlier runs have left: unfinished work and an output. Can their rows be used again?"""

from dataclasses import dataclass

from specfeat.audio.discovery import FoundSounds
from specfeat.errors import Remedy, UsageError
from specfeat.files import from_record_name
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import (
    DamagedRun,
    FinishedSound,
    PreviousOutput,
    PreviousRun,
    UnfinishedRun,
    read_previous_output,
    verify_output,
)
from specfeat.output.records import SoundEntry
from specfeat.output.shard_identity import ShardIdentity
from specfeat.output.work_folder import WorkFolder
from specfeat.run.decisions import OutputState, OutputUse, UnfinishedState
from specfeat.run.options import RunOptions
from specfeat.run.provenance_comparer import ProvenanceComparer
from specfeat.sound import Sound, SoundKey


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundUnfinishedWork:
    """The state of the unfinished work.

    Attributes:
        state: the result of the examination.
        run: the unfinished run, if it can be continued (state `USABLE`); otherwise None.
        finished_count: how many sounds the unfinished run has finished.
        problem: why its work cannot be used, as the end of a sentence, e.g. "is damaged (...)"; "" if it can
            be used or was not examined.
        remedy: what the caller can do if the run refuses to discard the work.
    """

    state: UnfinishedState
    run: UnfinishedRun | None = None
    finished_count: int = 0
    problem: str = ""
    remedy: Remedy = Remedy.RESUME_OR_REPLACE


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOutput:
    """The state of the existing output.

    Attributes:
        state: the result of the examination.
        output: the output, if its rows can be used (states `UP_TO_DATE` and `OTHER_FILES`); otherwise None.
        problem: why its rows cannot be used; None if they can be used or were not examined.
    """

    state: OutputState
    output: PreviousOutput | None = None
    problem: UsageError | None = None


class EarlierWorkExaminer:
    """Examines unfinished work and output, but only as far as the decision of the plan needs it.

    Args:
        work_folder: the output's work folder, locked.
        found: the sounds in the inputs of this run, in order.
        options: what this run may do with earlier work.
        comparer: compares the provenance of earlier runs with that of this run.
        shard: which shard of a divided run this run is; None if it is not divided.

    Attributes:
        found: the sounds of this run, in order. After an examination, it also has the sounds of the examined
            run that are in folders which cannot be read now: their files may still exist.
    """

    def __init__(
        self,
        work_folder: WorkFolder,
        found: FoundSounds,
        options: RunOptions,
        comparer: ProvenanceComparer,
        shard: ShardIdentity | None = None,
    ) -> None:
        self._work_folder = work_folder
        self._paths = work_folder.paths
        self.found = found
        self._options = options
        self._comparer = comparer
        self._shard = shard

    def examine_unfinished_work(self) -> FoundUnfinishedWork:
        """Examine the work of an interrupted run in the work folder."""
        run = self._work_folder.unfinished_run
        if run is None:
            return FoundUnfinishedWork(state=UnfinishedState.ABSENT)
        count = run.finished_count
        if not self._options.uses_unfinished_work:
            return FoundUnfinishedWork(state=UnfinishedState.UNEXAMINED, finished_count=count)
        # The order matters: the settings of damaged work cannot be compared, and how many rows a sound must
        # have depends on the settings.
        if isinstance(run, DamagedRun):
            return _describe_damaged_work(count, run.fault)
        differences = (
            _describe_other_name(run, self._paths)
            or _describe_other_shard(run.header.shard, self._shard.name if self._shard else "")
            or self._comparer.describe_differences(run)
        )
        if differences:
            return FoundUnfinishedWork(
                state=UnfinishedState.OTHER_SETTINGS,
                finished_count=count,
                problem=f"was started with different settings ({differences})",
                remedy=Remedy.SAME_SETTINGS_OR_REPLACE,
            )
        if mismatch := self._comparer.describe_row_mismatch(run):
            return _describe_damaged_work(count, mismatch)
        self._add_unseen_sounds(run)
        return FoundUnfinishedWork(state=UnfinishedState.USABLE, run=run, finished_count=count)

    def examine_output(self, use: OutputUse, unfinished: UnfinishedRun | None) -> FoundOutput:
        """Examine the existing output.

        Args:
            use: what this run wants to do with the output.
            unfinished: the unfinished run that is continued; None if there is none.

        Raises:
            OutputError: a file cannot be read.
        """
        if not any(path.exists() for path in self._paths.files):
            return FoundOutput(state=OutputState.ABSENT)
        if use is OutputUse.START_NEW:
            return FoundOutput(state=OutputState.UNEXAMINED)
        if use is OutputUse.CONTINUE_REPLACEMENT:
            files_now = self._work_folder.replaced_sizes_and_times
            is_unchanged = unfinished and unfinished.header.replaced_files == files_now
            return FoundOutput(
                state=OutputState.UNCHANGED_SINCE_START if is_unchanged else OutputState.UNEXAMINED
            )
        try:
            return self._examine_reusable_output()
        except UsageError as e:
            return FoundOutput(state=OutputState.DAMAGED, problem=e)

    def find_finished(self, run: PreviousRun) -> dict[SoundKey, FinishedSound]:
        """Return the sounds of an earlier run that need not be extracted again, in the order of that run."""
        files = {sound.key: sound.file for sound in self.found.sounds}
        finished_sounds = {}
        for finished in run.list_finished_sounds():
            entry = finished.entry
            is_retried = self._options.retry_failed and entry.is_failure
            if finished.is_unchanged(files.get(entry.key)) and not is_retried:
                finished_sounds[entry.key] = finished
        return finished_sounds

    def _examine_reusable_output(self) -> FoundOutput:
        """Examine an output whose rows this run wants to use again.

        The cheap checks come first: settings, numbers of rows, files. The hashes of array and index, which
        take minutes for a large output, are compared only if rows are copied.

        Raises:
            UsageError: the output is damaged.
        """
        run = read_previous_output(self._paths)
        # Before the numbers of rows, because these depend on the settings.
        old_shard, new_shard = (shard.name if shard else "" for shard in (run.record.shard, self._shard))
        differences = _describe_other_shard(old_shard, new_shard) or self._comparer.describe_differences(run)
        if differences:
            problem = UsageError(
                f"{self._paths.array}: was made with different settings ({differences})",
                remedy=Remedy.REPLACE_OUTPUT,
            )
            return FoundOutput(state=OutputState.OTHER_SETTINGS, problem=problem)
        if mismatch := self._comparer.describe_row_mismatch(run):
            raise UsageError(
                f"{self._paths.record}: is not the record of this output ({mismatch})",
                remedy=Remedy.REPLACE_OUTPUT,
            )
        self._add_unseen_sounds(run)
        if self._is_up_to_date(run):
            return FoundOutput(state=OutputState.UP_TO_DATE, output=run)
        # An output that stays as it is needs no hashes; rows that are copied into a new output do.
        verify_output(run, self._paths)
        return FoundOutput(state=OutputState.OTHER_FILES, output=run)

    def _add_unseen_sounds(self, run: PreviousRun) -> None:
        """Add to `found` the sounds of an earlier run that are in folders which cannot be read now."""
        known = (
            Sound(from_record_name(entry.path), entry.key.part, entry.file, entry.columns)
            for entry in run.entries
            if self.found.unreadable_folders and _is_same_selection(entry, self.found)
        )
        self.found = self.found.add_unseen_sounds(known)

    def _is_up_to_date(self, run: PreviousOutput) -> bool:
        finished = self.find_finished(run)
        keys_and_columns = [(key, sound.entry.columns) for key, sound in finished.items()]
        return (
            run.record.columns == self.found.columns
            and run.record.shard == self._shard
            and keys_and_columns == [(sound.key, sound.columns) for sound in self.found.sounds]
            and len(finished) == len(run.entries)
        )


def _is_same_selection(entry: SoundEntry, found: FoundSounds) -> bool:
    """Return whether a sound of an earlier run has the times and as many columns as those of this run."""
    times = (found.time_range.start_s, found.time_range.end_s)
    return len(entry.columns) == len(found.columns) and (entry.start_s, entry.end_s) == times


def _describe_damaged_work(finished_count: int, reason: str) -> FoundUnfinishedWork:
    return FoundUnfinishedWork(
        state=UnfinishedState.DAMAGED,
        finished_count=finished_count,
        problem=f"is damaged ({reason})",
        remedy=Remedy.REPLACE_OUTPUT,
    )


def _describe_other_name(run: UnfinishedRun, paths: OutputPaths) -> str:
    """Return how the output of an unfinished run differs from this one; "" if it is the same output.

    `out` and `out.npy` have the same work folder, so a work folder may belong to the other output.
    """
    old_name = run.header.output
    return "" if old_name == paths.array.name else f"output: {old_name}, now {paths.array.name}"


def _describe_other_shard(old: str, new: str) -> str:
    """Return how the shard of an earlier run differs from that of this run; "" if it is the same."""
    return "" if old == new else f"shard: {old or 'none'}, now {new or 'none'}"
