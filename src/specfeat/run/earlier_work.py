"""What earlier runs have left for this one: unfinished work and an output, and why they cannot be used."""

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
from specfeat.output.work_folder import WorkFolder
from specfeat.run.decisions import OutputState, OutputUse, UnfinishedState
from specfeat.run.options import RunOptions
from specfeat.run.provenance_comparer import ProvenanceComparer
from specfeat.sound import Sound, SoundKey


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundUnfinishedWork:
    """The unfinished work that is there.

    Attributes:
        state: the result of the examination.
        run: the unfinished run, if it can be continued (state `USABLE`); otherwise None.
        finished_count: how many sounds it had finished.
        problem: why it cannot be used, as the end of a sentence, e.g. "is damaged (...)"; "" if it can.
        remedy: what the caller can do if it is refused.
    """

    state: UnfinishedState
    run: UnfinishedRun | None = None
    finished_count: int = 0
    problem: str = ""
    remedy: Remedy = Remedy.RESUME_OR_REPLACE


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOutput:
    """The output that is there.

    Attributes:
        state: the result of the examination.
        run: the run that made it, if its rows may be used.
        problem: why its rows cannot be used.
    """

    state: OutputState
    run: PreviousOutput | None = None
    problem: UsageError | None = None


class EarlierWorkExaminer:
    """Examines what earlier runs have left, each thing only as far as a decision needs it.

    Args:
        work_folder: the output's work folder, locked.
        found: the sounds of this run, in order.
        options: what this run may do with earlier work.
        comparer: compares the provenance of earlier runs with that of this run.

    Attributes:
        found: the sounds of this run, and those of the examined runs in folders that cannot be read now.
            That such a folder cannot be read does not mean that its files are gone.
    """

    def __init__(
        self,
        work_folder: WorkFolder,
        found: FoundSounds,
        options: RunOptions,
        comparer: ProvenanceComparer,
    ) -> None:
        self._work_folder = work_folder
        self._paths = work_folder.paths
        self.found = found
        self._options = options
        self._comparer = comparer

    def examine_unfinished_work(self) -> FoundUnfinishedWork:
        """Examine what the work folder has of a run that was interrupted."""
        run = self._work_folder.unfinished_run
        if run is None:
            return FoundUnfinishedWork(state=UnfinishedState.ABSENT)
        count = run.finished_count
        if not self._options.uses_unfinished_work:
            return FoundUnfinishedWork(state=UnfinishedState.UNEXAMINED, finished_count=count)
        # In this order: damaged work cannot be compared, and the rows of a sound depend on the settings.
        if isinstance(run, DamagedRun):
            return _describe_damaged_work(count, run.fault)
        differences = _describe_other_name(run, self._paths) or self._comparer.describe_differences(run)
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
        """Examine what is there under the output's name.

        Args:
            use: what this run wants from the output.
            unfinished: the unfinished work that is continued.

        Raises:
            OutputError: a file cannot be read.
        """
        if not any(path.exists() for path in self._paths.files):
            return FoundOutput(state=OutputState.ABSENT)
        if use is OutputUse.START_NEW:
            return FoundOutput(state=OutputState.UNEXAMINED)
        if use is OutputUse.CONTINUE_REPLACEMENT:
            is_as_begun = (
                unfinished and unfinished.header.replaced_files == self._work_folder.replaced_sizes_and_times
            )
            return FoundOutput(
                state=OutputState.UNCHANGED_SINCE_START if is_as_begun else OutputState.UNEXAMINED
            )
        try:
            return self._examine_reusable_output()
        except UsageError as e:
            return FoundOutput(state=OutputState.DAMAGED, problem=e)

    def find_finished(self, run: PreviousRun) -> dict[SoundKey, FinishedSound]:
        """Return the sounds of an earlier run that need not be extracted again, in that run's order."""
        files = {sound.key: sound.file for sound in self.found.sounds}
        finished_sounds = {}
        for finished in run.list_finished_sounds():
            entry = finished.entry
            is_retried = self._options.retry_failed and entry.is_failure
            if finished.is_unchanged(files.get(entry.key)) and not is_retried:
                finished_sounds[entry.key] = finished
        return finished_sounds

    def _examine_reusable_output(self) -> FoundOutput:
        """Examine an output whose rows are wanted.

        Raises:
            UsageError: it is damaged.
        """
        run = read_previous_output(self._paths)
        # In this order: how many rows a sound has depends on the settings, so these are compared first.
        if differences := self._comparer.describe_differences(run):
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
            return FoundOutput(state=OutputState.UP_TO_DATE, run=run)
        # Only rows that are copied into a new output are compared with their hash, because that takes time.
        verify_output(run, self._paths)
        return FoundOutput(state=OutputState.OTHER_FILES, run=run)

    def _add_unseen_sounds(self, run: PreviousRun) -> None:
        """Add the sounds of an earlier run that lie in folders that cannot be read now."""
        known = (
            Sound(from_record_name(entry.path), entry.key.part, entry.file)
            for entry in run.entries
            if self.found.unread_folders
        )
        self.found = self.found.add_unseen_sounds(known)

    def _is_up_to_date(self, run: PreviousRun) -> bool:
        finished = self.find_finished(run)
        return [*finished] == [sound.key for sound in self.found.sounds] and len(finished) == len(run.entries)


def _describe_damaged_work(finished_count: int, reason: str) -> FoundUnfinishedWork:
    return FoundUnfinishedWork(
        state=UnfinishedState.DAMAGED,
        finished_count=finished_count,
        problem=f"is damaged ({reason})",
        remedy=Remedy.REPLACE_OUTPUT,
    )


def _describe_other_name(run: UnfinishedRun, paths: OutputPaths) -> str:
    """Return the name of the output that the run was started for, if it is another one; "" if it is this one.

    `out` and `out.npy` share a work folder, index and record.
    """
    old_name = run.header.output
    return "" if old_name == paths.array.name else f"output: {old_name}, now {paths.array.name}"
