"""One extraction, from what is to be done to the array, its index and its record."""

import datetime
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from specfeat.audio.clip_stream import ClipStream
from specfeat.config import Config
from specfeat.config.settings import Settings
from specfeat.errors import NoUsableAudioError, UsageError
from specfeat.files import to_record_name
from specfeat.output.index import write_index
from specfeat.output.previous_run import FinishedSound, PreviousRun
from specfeat.output.records import Provenance, RunRecord, SoundEntry
from specfeat.output.summary import RunSummary, summarize_record
from specfeat.output.work_folder import WorkFolder
from specfeat.pipeline import RowsEvent, SoundEndEvent, extract_rows
from specfeat.run.failure_limit import FailureCounter
from specfeat.run.plan import RunPlan
from specfeat.run.provenance import describe_differences

if TYPE_CHECKING:
    from specfeat.network.build import Network


class ChangedSettingsError(UsageError):
    """What is done was made otherwise, as shows when the network is there; nothing has been written."""


class RunListener(Protocol):
    """Whoever wants to know how a run is getting on."""

    def heard(self, seconds: float) -> None:
        """So many seconds of audio more have been read."""

    def ended(self, end: SoundEndEvent) -> None:
        """A file is done or has failed."""


def execute_plan(
    config: Config,
    plan: RunPlan,
    network: "Network | None",
    tracks: Iterable[ClipStream],
    work: WorkFolder,
    reporter: RunListener,
    failures: FailureCounter | None = None,
) -> RunSummary:
    """Extract from the tracks, add what is done already, and make all of it the output.

    Whatever ends it before its end, the files that are done stay in the work folder.

    Args:
        config: the checked config.
        plan: what is to be done.
        network: built from the config; None if every file is done.
        tracks: of the files to do, in order.
        work: the output's folder.
        reporter: hears how it goes.
        failures: ends the run when there are too many.

    Raises:
        FailuresError: there are too many.
        NothingError: no file gave a row; nothing is written.
        OtherwiseError: what is done was made otherwise.
        OutputError: the disk refuses.
    """
    started = datetime.datetime.now(datetime.UTC)
    begun = time.perf_counter()
    settings = config.settings
    made_with = _made_with(plan, network)
    work.start(made_with, updates=plan.updates)
    made: dict[str, FinishedSound] = {}
    for event, done in _extracted(settings, network, tracks, plan, work, reporter) if network else ():
        made[done.entry.path] = done
        if failures:
            failures.ended(event)
    all_done = [made.get(name) or plan.known[name] for name in plan.identities]
    entries = tuple(done.entry for done in all_done)
    if not any(entry.rows for entry in entries):
        work.discard()
        raise NoUsableAudioError(_nothing(entries))
    digests = work.prepare_output(all_done, partial(write_index, settings, entries))
    record = RunRecord(
        command=tuple(word for word in sys.argv if word != "--resume"),
        folder=_folder(),
        output=digests.output,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - begun, 3),
        build_seconds=round(network.seconds, 3) if network else 0.0,
        provenance=made_with,
        audio_seconds=_seconds(entries, settings),
        array=digests.array,
        index=digests.index,
        files=entries,
        passed_over=plan.passed_over,
    )
    work.commit(record)
    return summarize_record(record, _seconds([done.entry for done in made.values()], settings))


def _made_with(plan: RunPlan, network: "Network | None") -> Provenance:
    """Return what all rows are made with, for the record."""
    if network is None:
        then = plan.formers[-1].provenance
        made_with = replace(plan.provenance, weights=then.weights, device=then.device, features=then.features)
    else:
        made_with = replace(
            plan.provenance,
            weights=network.weights,
            device=network.device.description,
            features=network.width,
        )
    for former in plan.formers:
        if different := describe_differences(former.provenance, made_with) or _wider(former, made_with):
            raise ChangedSettingsError(
                f"{former.rows_path}: was made otherwise ({different}); --force makes all anew"
            )
    return made_with


def _wider(former: PreviousRun, made_with: Provenance) -> str:
    then, now = former.provenance.features, made_with.features
    return "" if then == now else f"features: {then} then, {now} now"


def _extracted(
    settings: Settings,
    network: "Network",
    tracks: Iterable[ClipStream],
    plan: RunPlan,
    work: WorkFolder,
    reporter: RunListener,
) -> Iterator[tuple[SoundEndEvent, FinishedSound]]:
    """Follow the journey and write the rows that come out of it; yield each file when it is done."""
    rate, hop = settings.audio.sample_rate, settings.clip_grid.hop_samples
    heard = 0  # samples of the present file that have been told of
    for event in extract_rows(tracks, network):
        if isinstance(event, RowsEvent):
            work.rows.append(event.rows)
            work.sync_if_due()  # files that are done do not wait for a long one
            heard += len(event.rows) * hop
            reporter.heard(len(event.rows) * hop / rate)
            continue
        if event.take_back:
            work.rows.remove_last(event.take_back)
        if event.rows and settings.clip_grid.count(event.samples) != event.rows:
            raise RuntimeError(f"{event.path}: {event.rows} rows do not fit its length")
        done = work.finish_sound(event.to_entry(plan.identities[to_record_name(event.path)]))
        reporter.heard((event.samples - heard) / rate)
        reporter.ended(event)
        heard = 0
        yield event, done


def _nothing(entries: Sequence[SoundEntry]) -> str:
    failed = sum(entry.status == "failed" for entry in entries)
    if failed == len(entries):
        return (
            f"all {failed} files failed, so nothing is written"
            if failed > 1
            else "the file failed, so nothing is written"
        )
    return (
        f"no file gives a row ({failed} failed, the others are empty or shorter than a clip), "
        "so nothing is written"
    )


def _seconds(entries: Sequence[SoundEntry], settings: Settings) -> float:
    return float(sum(entry.samples for entry in entries) / settings.audio.sample_rate)


def _folder() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # it has been removed
        return None
