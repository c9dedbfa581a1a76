"""Executes a plan: writes the rows of the events, adds the finished rows, and commits the output."""

import datetime
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from specfeat.config.settings import Settings
from specfeat.errors import NoUsableAudioError, Remedy, UsageError
from specfeat.events import Event, RowsEvent, SoundEndEvent
from specfeat.output.index import write_index
from specfeat.output.previous_run import FinishedSound, PreviousRun
from specfeat.output.records import Provenance, RunRecord, SoundEntry
from specfeat.output.summary import RunSummary, summarize_record
from specfeat.output.work_folder import WorkFolder
from specfeat.run.listener import RunListener
from specfeat.run.plan import RunPlan
from specfeat.run.provenance import describe_differences
from specfeat.sound import Sound, SoundKey


class ChangedSettingsError(UsageError):
    """Finished rows were made with different settings; this is known only once the network is built.

    Nothing has been written when it is raised.
    """


def find_current_folder() -> str | None:
    """Return the current folder of the process; None if it has been removed."""
    try:
        return str(Path.cwd())
    except OSError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrigin:
    """How the run was started, for the record.

    Attributes:
        command: the words of the command line; for a run from Python, the name of the function.
        folder: the current folder of the process; None if it has been removed.
        build_seconds: how long it took to build the network; 0.0 if it was not needed.
        empty_places: how many places of each batch stay empty; see `Network.places`.
    """

    command: tuple[str, ...]
    folder: str | None = field(default_factory=find_current_folder)
    build_seconds: float = 0.0
    empty_places: int = 0


def execute_plan(
    plan: RunPlan,
    events: Iterable[Event],
    provenance: Provenance,
    origin: RunOrigin,
    work_folder: WorkFolder,
    listener: RunListener,
) -> RunSummary:
    """Write the rows of the events, add the finished rows of earlier runs, and commit all as the output.

    If this function ends early, for any reason, the finished sounds stay in the work folder.

    Args:
        plan: the plan of the run.
        events: the events of the remaining sounds of the plan, in order: the rows of each sound and its end.
            `pipeline.extract_rows` yields them, but other code can make them, too.
        provenance: everything that affects the numbers; complete.
        origin: how the run was started.
        work_folder: the output's work folder, locked.
        listener: the object that is told how the run proceeds.

    Raises:
        ChangedSettingsError: finished rows of the plan were made with different settings.
        NoUsableAudioError: no sound has a row; nothing is written.
        OutputError: the disk cannot be written.
    """
    timer = _Timer()
    for run in plan.previous_runs:
        _check_same_settings(run, provenance)
    work_folder.start(provenance, is_update=plan.is_update, shard=plan.shard.name if plan.shard else "")
    extracted = _write_rows(plan, events, work_folder, listener)
    sounds = [_find_rows(sound, extracted, plan) for sound in plan.sounds]
    record = _write_output(plan, sounds, provenance, origin, work_folder, timer)
    extracted_entries = [sound.entry for sound in extracted.values()]
    return summarize_record(record, _sum_seconds(extracted_entries, plan.config.settings))


class _Timer:
    """When the run started, as a date and on a clock that is never set back."""

    def __init__(self) -> None:
        self.started = datetime.datetime.now(datetime.UTC)
        self._started_at = time.perf_counter()

    def measure_seconds(self) -> float:
        return time.perf_counter() - self._started_at


def _write_output(
    plan: RunPlan,
    sounds: Sequence[FinishedSound],
    provenance: Provenance,
    origin: RunOrigin,
    work_folder: WorkFolder,
    timer: _Timer,
) -> RunRecord:
    """Write array, index and record of these sounds, and commit them."""
    settings = plan.config.settings
    entries = tuple(sound.entry for sound in sounds)
    # A shard without rows is written, because its failures belong to the record of the merged output.
    if not plan.shard and not any(entry.rows for entry in entries):
        work_folder.discard()
        raise NoUsableAudioError(_describe_no_rows(entries))
    digests = work_folder.prepare_output(sounds, partial(write_index, settings, entries, plan.columns))
    record = RunRecord(
        command=origin.command,
        folder=origin.folder,
        output=digests.output,
        array_format=digests.array_format,
        started=timer.started.isoformat(timespec="seconds"),
        seconds=round(timer.measure_seconds(), 3),
        build_seconds=round(origin.build_seconds, 3),
        provenance=provenance,
        audio_seconds=_sum_seconds(entries, settings),
        array=digests.array,
        index=digests.index,
        files=entries,
        skipped_files=plan.skipped_files,
        empty_places=origin.empty_places,
        columns=plan.columns,
        shard=plan.shard,
    )
    work_folder.commit(record)
    return record


def _check_same_settings(run: PreviousRun, provenance: Provenance) -> None:
    differences = describe_differences(run.provenance, provenance)
    if not differences and run.provenance.features != provenance.features:
        differences = f"features: {run.provenance.features}, now {provenance.features}"
    if differences:
        raise ChangedSettingsError(
            f"{run.rows_path}: was made with different settings ({differences})", remedy=Remedy.REPLACE_OUTPUT
        )


def _write_rows(
    plan: RunPlan, events: Iterable[Event], work_folder: WorkFolder, listener: RunListener
) -> dict[SoundKey, FinishedSound]:
    """Write the rows of the events, and an entry to the journal for each sound that ends.

    Returns:
        The entry of each sound, and where its rows are.
    """
    settings = plan.config.settings
    hop_samples, sample_rate = settings.clip_grid.hop_samples, settings.audio.sample_rate
    sounds = {sound.key: sound for sound in plan.remaining}
    extracted: dict[SoundKey, FinishedSound] = {}
    reported_samples = 0  # how many samples of the current sound have been reported to the listener
    for event in events:
        if isinstance(event, RowsEvent):
            if len(event.rows):
                work_folder.rows.append(event.rows)
            work_folder.sync_if_due()  # also during a long sound, so that the sounds before it are saved
            new_samples = event.clips * hop_samples
            reported_samples += new_samples
            listener.on_audio_read(new_samples / sample_rate)
            continue
        if event.invalid_rows:
            work_folder.rows.remove_last(event.invalid_rows)
        _check_end(event, sounds, settings.count_rows(event.samples))
        # The plan's sound and not the event's: its size and time were taken before anything was read.
        event = replace(event, sound=sounds.pop(event.sound.key))
        extracted[event.sound.key] = work_folder.finish_sound(event.to_entry())
        listener.on_audio_read((event.samples - reported_samples) / sample_rate)
        listener.on_sound_end(event)
        reported_samples = 0
    return extracted


def _check_end(event: SoundEndEvent, sounds: Mapping[SoundKey, Sound], expected_rows: int) -> None:
    """Check an event, so that a bug in the code that makes the events does not damage an output.

    Raises:
        RuntimeError: the sound is not a remaining one of the plan, or the number of its rows is wrong.
    """
    if event.sound.key not in sounds:
        raise RuntimeError(f"{event.sound.path}: an event names a sound that is not to be extracted")
    if event.rows and event.rows != expected_rows:
        raise RuntimeError(f"{event.sound.path}: {event.rows} rows do not match its length")


def _find_rows(sound: Sound, extracted: Mapping[SoundKey, FinishedSound], plan: RunPlan) -> FinishedSound:
    finished = extracted.get(sound.key) or plan.finished.get(sound.key)
    if finished is None:
        raise RuntimeError(f"{sound.path}: the events have no end of this sound")
    if finished.entry.columns != sound.columns:  # e.g. the label of a finished segment has been corrected
        finished = replace(finished, entry=replace(finished.entry, columns=sound.columns))
    return finished


def _describe_no_rows(entries: Sequence[SoundEntry]) -> str:
    failed = sum(entry.status == "failed" for entry in entries)
    if failed < len(entries):
        reason = f"no file gives a row ({failed} failed, the others are empty or shorter than a clip)"
    else:
        reason = f"all {failed} files failed" if failed > 1 else "the file failed"
    return f"{reason}, so nothing is written"


def _sum_seconds(entries: Sequence[SoundEntry], settings: Settings) -> float:
    """Return the length of all sounds together, in seconds."""
    return float(sum(entry.samples for entry in entries) / settings.audio.sample_rate)
