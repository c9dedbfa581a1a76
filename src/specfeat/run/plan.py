"""What a run has to do: which files are done already, and which are not; no TensorFlow."""

from dataclasses import dataclass, replace

from specfeat.audio.discovery import FoundFiles
from specfeat.config import Config
from specfeat.config.device import parse_device
from specfeat.errors import UsageError
from specfeat.files import FileIdentity, identify_file, identify_weights_file, to_record_name
from specfeat.output.field_types import JsonObject
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
from specfeat.output.records import Provenance, RunRecord
from specfeat.output.work_folder import WorkFolder
from specfeat.run.provenance import collect_provenance, describe_differences

_OTHERWISE = "was begun otherwise"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the user allows and wants.

    Attributes:
        force: what stands in the way may go: an output, and work that cannot be gone on with.
        resume: go on with what a run that was ended has left.
        update: take the files that have not changed from the output that is there; also go on.
        retry_failed: files that failed are not done.
        keep_partial: a file that breaks half-way has the rows before the break.

    Raises:
        UsageError: files are to be tried again where none have been tried.
    """

    force: bool = False
    resume: bool = False
    update: bool = False
    retry_failed: bool = False
    keep_partial: bool = False

    def __post_init__(self) -> None:
        if self.retry_failed and not (self.resume or self.update):
            raise UsageError("--retry-failed goes with --resume or --update")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """The files of a run, and what is known of them.

    Attributes:
        paths: all of them, in order.
        passed_over: what was found and left out.
        identities: of each file by its name in the record, in order, taken before it is read.
        known: the files that are done, by their names.
        todo: those that are not, in order.
        provenance: what the rows are to be made with, as far as it is known before the network.
        formers: the runs that have done what is done.
        updates: whether an output is brought up to date.
        force: whether what is there may go.
        complete: the record of the output that is there, if it is what the run would make.
        notes: what the user should hear.
    """

    paths: tuple[str, ...]
    passed_over: tuple[str, ...]
    identities: dict[str, FileIdentity]
    known: dict[str, FinishedSound]
    todo: tuple[str, ...]
    provenance: Provenance
    formers: tuple[PreviousRun, ...]
    updates: bool
    force: bool
    complete: RunRecord | None
    notes: tuple[str, ...]


def make_plan(
    config: Config, device: str, collection: FoundFiles, work: WorkFolder, wishes: RunOptions
) -> RunPlan:
    """Look at what is there, and decide what is to be done.

    Args:
        config: the checked config.
        device: that the user wants: "auto", "cpu", "gpu" or "gpu:N".
        collection: the inputs.
        work: the output's work folder; what in it cannot be used, and need not be kept, is dropped.
        wishes: of the user.

    Raises:
        UsageError: an output, or work that is worth something, stands in the way; or it was made otherwise.
        OutputError: what is there cannot be read.
    """
    notes: list[str] = []
    now = _Now(config, device, wishes)
    work.paths.check_replaceable()
    left = _left(now, work, wishes, notes)
    updates = wishes.update or (wishes.resume and (work.is_committed or bool(left and left.header.updates)))
    identities = {to_record_name(path): identify_file(path) for path in collection.paths}
    output = _output(now, work, wishes, left, identities, updates=updates)
    formers = tuple(former for former in (output, left) if former)
    complete = bool(output and _is_complete(output, identities, wishes))
    if complete:
        work.discard()
    elif output and not (updates or wishes.force):
        work.paths.check_absent()
    known: dict[str, FinishedSound] = {}
    for former in formers:
        known |= _known(former, identities, wishes)
    return RunPlan(
        paths=collection.paths,
        passed_over=tuple(map(to_record_name, work.paths.exclude_own_files(collection.passed_over))),
        identities=identities,
        known=known,
        todo=tuple(path for path in collection.paths if to_record_name(path) not in known),
        provenance=now.provenance,
        formers=formers,
        updates=updates,
        force=wishes.force,
        complete=output.record if output and complete else None,
        notes=tuple(notes),
    )


def plan_full_recompute(plan: RunPlan, work: WorkFolder) -> RunPlan:
    """Return a plan that takes nothing from earlier runs; what is left in the work folder is dropped."""
    work.discard()
    note = "made otherwise, as shows now that the device is known: all is made anew"
    return replace(plan, known={}, todo=plan.paths, formers=(), notes=(f"{work.paths.array}: {note}",))


def _left(now: "_Now", work: WorkFolder, wishes: RunOptions, notes: list[str]) -> UnfinishedRun | None:
    """Return the work that is to be gone on with, and drop what is not."""
    left = work.unfinished_run
    if left is None:
        return None
    count = left.finished_count
    folder, files = work.paths.work_folder, f"{count} finished file{'s' * (count > 1)}"
    if not wishes.resume and not wishes.update:
        if not wishes.force:
            raise UsageError(
                f"{folder}: holds {files} of a run that was ended; add --resume to go on with it, "
                "or --force to begin anew"
            )
        reason = "a run that was ended"
    elif hindrance := now.hindrance(left, work.paths):
        if not wishes.force:
            go_on = "go on as it was, or " if hindrance.startswith(_OTHERWISE) else ""
            raise UsageError(f"{folder}: {hindrance}; {go_on}begin anew with --force")
        reason = f"a run that {hindrance}"
    elif isinstance(left, UnfinishedRun):
        return left
    notes.append(f"{folder}: dropped {files} of {reason}")
    work.discard()
    return None


def _renamed(left: UnfinishedRun, place: OutputPaths) -> str:
    """Say under which name the output was begun, if not this one; `out` and `out.npy` share a folder."""
    then = left.header.output
    return "" if then == place.array.name else f"output: {then} then, {place.array.name} now"


def _output(
    now: "_Now",
    work: WorkFolder,
    wishes: RunOptions,
    left: UnfinishedRun | None,
    identities: dict[str, FileIdentity],
    *,
    updates: bool,
) -> PreviousOutput | None:
    """Return the output from which rows can be taken; what may not be replaced is refused."""
    place = work.paths
    if not any(path.exists() for path in place.files):
        return None
    if not updates and (left or not wishes.resume):
        allowed = left is not None and left.header.replaces == work.replaced_files
        if not wishes.force and not allowed:
            place.check_absent()
        return None
    try:
        return _believed(now, place, wishes, identities)
    except UsageError:
        if not wishes.force:
            raise
        return None


def _believed(
    now: "_Now", place: OutputPaths, wishes: RunOptions, identities: dict[str, FileIdentity]
) -> PreviousOutput:
    """Return the output that is there, if it is what it says and was made as this run would make it."""
    output = read_previous_output(place)
    if different := now.differs(output):
        raise UsageError(f"{place.array}: was made otherwise ({different}); --force makes it anew")
    if misfit := output.find_wrong_row_count(now.count):
        raise UsageError(f"{place.record}: is no record of this output ({misfit}); --force makes it anew")
    if not _is_complete(output, identities, wishes):
        verify_output(output, place)
    return output


def _is_complete(output: PreviousRun, identities: dict[str, FileIdentity], wishes: RunOptions) -> bool:
    """Tell whether an output is what the run would make."""
    known = _known(output, identities, wishes)
    return [*known] == [*identities] and len(known) == len(output.entries)


def _known(
    former: PreviousRun, identities: dict[str, FileIdentity], wishes: RunOptions
) -> dict[str, FinishedSound]:
    """Return the files that a former run has done and that need not be done again, in its order."""
    return {
        done.entry.path: done
        for done in former.list_finished_sounds()
        if done.is_unchanged(identities.get(done.entry.path))
        and not (wishes.retry_failed and done.entry.is_failure)
    }


class _Now:
    """What the rows of this run will be made with, as far as it is known before TensorFlow is loaded."""

    def __init__(self, config: Config, device: str, wishes: RunOptions) -> None:
        self.provenance = collect_provenance(config, keep_partial=wishes.keep_partial)
        self.count = config.settings.clip_grid.count
        self._weights = config.settings.model.weights
        self._device = device

    def differs(self, former: PreviousRun) -> str:
        """Say in what a former run differs from this one; nothing if its rows can be used."""
        then = former.provenance
        now = replace(
            self.provenance,
            weights=self._weigh(then.weights or {}),
            device=self._place(then.device or ""),
        )
        return describe_differences(then, now)

    def hindrance(self, left: UnfinishedRun | DamagedRun, place: OutputPaths) -> str:
        """Say why the work that is left cannot be gone on with; nothing if it can."""
        if isinstance(left, DamagedRun):
            return f"has been damaged ({left.fault})"
        if different := _renamed(left, place) or self.differs(left):
            return f"{_OTHERWISE} ({different})"
        misfit = left.find_wrong_row_count(self.count)
        return misfit and f"has been damaged ({misfit})"

    def _place(self, then: str) -> str:
        """Return the device; which one "auto" will be shows later."""
        kind, index = parse_device(self._device)
        known = {"auto": then, "cpu": "cpu", "gpu": f"gpu:{index}"}[kind]
        return then if then.startswith(known) else known

    def _weigh(self, then: JsonObject) -> JsonObject:
        """Return the seed or the hash of the weights, which is as noted if the file has not been touched."""
        name = self._weights.file
        if name is None:
            return {"random": self._weights.random}
        seen = identify_weights_file(name)
        if seen and "sha256" in then and seen.items() <= then.items():
            return {"sha256": then["sha256"]}
        from specfeat.weights.files.source import (
            compute_weights_hash,  # only now: nothing to do should cost nothing
        )

        return {"sha256": compute_weights_hash(name)}
