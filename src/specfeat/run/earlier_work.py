"""What earlier runs have left for this one: unfinished work and an output, and what is wrong with them."""

from dataclasses import dataclass

from specfeat.errors import Remedy, UsageError
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import FinishedFile, PreviousRun, read_previous_output, verify_output
from specfeat.output.work_folder import WorkFolder
from specfeat.run.decisions import OutputState, OutputUse, UnfinishedState
from specfeat.run.options import RunOptions
from specfeat.run.provenance_probe import ProvenanceProbe
from specfeat.sound import Sound, SoundKey

_UNSUCCESSFUL = ("failed", "partial")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundUnfinishedWork:
    """The unfinished work that is there.

    Attributes:
        state: what it is.
        run: the run that was interrupted; None if it had finished no file.
        problem: what is wrong with it, as the end of a sentence; "" for nothing.
        remedy: what the caller can do if it is refused.
    """

    state: UnfinishedState
    run: PreviousRun | None = None
    problem: str = ""
    remedy: Remedy = Remedy.RESUME_OR_REPLACE


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOutput:
    """The output that is there.

    Attributes:
        state: what it is.
        run: the run that made it, if its rows may be used.
        problem: why its rows cannot be used.
    """

    state: OutputState
    run: PreviousRun | None = None
    problem: UsageError | None = None


class EarlierWork:
    """Examines what earlier runs have left, each thing only as far as a decision needs it.

    Args:
        work_folder: the output's work folder, locked.
        sounds: the sounds of this run, in order.
        options: what this run may do with earlier work.
        probe: the provenance of this run.
    """

    def __init__(
        self,
        work_folder: WorkFolder,
        sounds: tuple[Sound, ...],
        options: RunOptions,
        probe: ProvenanceProbe,
    ) -> None:
        self._work_folder = work_folder
        self._paths = work_folder.place
        self._sounds = sounds
        self._options = options
        self._probe = probe

    def examine_unfinished_work(self) -> FoundUnfinishedWork:
        """Examine what the work folder has of a run that was interrupted."""
        run = self._work_folder.left
        if run is None:
            return FoundUnfinishedWork(state=UnfinishedState.ABSENT)
        if not self._options.uses_unfinished_work:
            return FoundUnfinishedWork(state=UnfinishedState.UNEXAMINED, run=run)
        # In this order: a damaged header cannot be compared, and the rows of a sound depend on the settings.
        if run.fault:
            return _make_damaged(run, run.fault)
        differences = _describe_other_name(run, self._paths) or self._probe.describe_differences(run)
        if differences:
            return FoundUnfinishedWork(
                state=UnfinishedState.OTHER_SETTINGS,
                run=run,
                problem=f"was started with different settings ({differences})",
                remedy=Remedy.SAME_SETTINGS_OR_REPLACE,
            )
        if mismatch := self._probe.describe_row_mismatch(run):
            return _make_damaged(run, mismatch)
        return FoundUnfinishedWork(state=UnfinishedState.USABLE, run=run)

    def examine_output(self, use: OutputUse, unfinished: PreviousRun | None) -> FoundOutput:
        """Examine what is there under the output's name.

        Args:
            use: what this run wants from the output.
            unfinished: the unfinished work that is continued.

        Raises:
            OutputError: a file cannot be read.
        """
        if not any(path.exists() for path in self._paths.files):
            return FoundOutput(state=OutputState.ABSENT)
        if use is OutputUse.NONE:
            return FoundOutput(state=OutputState.UNEXAMINED)
        if use is OutputUse.REPLACE_AS_BEGUN:
            is_as_begun = unfinished and unfinished.header.get("replaces") == self._work_folder.replaces
            return FoundOutput(state=OutputState.AS_BEGUN if is_as_begun else OutputState.UNEXAMINED)
        try:
            return self._examine_rows()
        except UsageError as e:
            return FoundOutput(state=OutputState.DAMAGED, problem=e)

    def find_finished(self, run: PreviousRun) -> dict[SoundKey, FinishedFile]:
        """Return the sounds of an earlier run that need not be extracted again, in that run's order."""
        files = {sound.key: sound.file for sound in self._sounds}
        retried = _UNSUCCESSFUL if self._options.retry_failed else ()
        finished_sounds = {}
        for finished in run.done():
            key = SoundKey(finished.entry["path"])
            if finished.is_still(files.get(key)) and finished.entry["status"] not in retried:
                finished_sounds[key] = finished
        return finished_sounds

    def _examine_rows(self) -> FoundOutput:
        """Examine an output whose rows are wanted.

        Raises:
            UsageError: it is damaged.
        """
        run = read_previous_output(self._paths)
        # In this order: how many rows a sound has depends on the settings, so these are compared first.
        if differences := self._probe.describe_differences(run):
            problem = UsageError(
                f"{self._paths.array}: was made with different settings ({differences})",
                remedy=Remedy.REPLACE_OUTPUT,
            )
            return FoundOutput(state=OutputState.OTHER_SETTINGS, problem=problem)
        if mismatch := self._probe.describe_row_mismatch(run):
            raise UsageError(
                f"{self._paths.record}: is not the record of this output ({mismatch})",
                remedy=Remedy.REPLACE_OUTPUT,
            )
        if self._is_up_to_date(run):
            return FoundOutput(state=OutputState.UP_TO_DATE, run=run)
        # Only rows that are copied into a new output are compared with their hash, because that takes time.
        verify_output(run, self._paths)
        return FoundOutput(state=OutputState.OTHER_FILES, run=run)

    def _is_up_to_date(self, run: PreviousRun) -> bool:
        finished = self.find_finished(run)
        return [*finished] == [sound.key for sound in self._sounds] and len(finished) == len(run.entries)


def _make_damaged(run: PreviousRun, reason: str) -> FoundUnfinishedWork:
    return FoundUnfinishedWork(
        state=UnfinishedState.DAMAGED,
        run=run,
        problem=f"is damaged ({reason})",
        remedy=Remedy.REPLACE_OUTPUT,
    )


def _describe_other_name(run: PreviousRun, paths: OutputPaths) -> str:
    """Return the name of the output that the run was started for, if it is another one; "" if it is this one.

    `out` and `out.npy` share a work folder, index and record.
    """
    old_name = run.header.get("output")
    return "" if old_name == paths.array.name else f"output: {old_name}, now {paths.array.name}"
