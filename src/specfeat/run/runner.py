"""One extraction, from what is to be done to the array, its index and its record."""

import datetime
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, get_args

from specfeat.audio.clip_stream import ClipStream
from specfeat.config import Config
from specfeat.config.settings import Settings
from specfeat.errors import NoUsableAudioError, UsageError
from specfeat.files import UNREADABLE_FILE, FileIdentity, to_record_name
from specfeat.output.index import IndexWriter
from specfeat.output.journal import Entry
from specfeat.output.previous_run import FinishedFile, PreviousRun
from specfeat.output.record import RunSummary, summarize_record
from specfeat.output.work_folder import WorkFolder
from specfeat.pipeline import RowsEvent, SoundEndEvent, Status, extract_rows
from specfeat.run.failure_limit import FailureCounter
from specfeat.run.plan import RunPlan
from specfeat.run.provenance import PROVENANCE_SECTIONS, describe_differences

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
    _begin(plan, made_with, work)
    made: dict[str, FinishedFile] = {}
    for event, done in _extracted(settings, network, tracks, plan, work, reporter) if network else ():
        made[done.entry["path"]] = done
        if failures:
            failures.ended(event)
    all_done = [made.get(name) or plan.known[name] for name in plan.identities]
    entries = [done.entry for done in all_done]
    if not any(entry["rows"] for entry in entries):
        work.drop()
        raise NoUsableAudioError(_nothing(entries))
    sums = work.assemble(all_done, made_with["features"], partial(_write_index, settings, entries))
    record = {
        "command": [word for word in sys.argv if word != "--resume"],
        "folder": _folder(),
        "output": work.place.array.name,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - begun, 3),
        "build_seconds": round(network.seconds, 3) if network else 0.0,
        **made_with,
        "rows": sum(entry["rows"] for entry in entries),
        "audio_seconds": _seconds(entries, settings),
        **sums,
        "counts": _counts(entries),
        "files": entries,
        "passed_over": list(plan.passed_over),
    }
    work.commit(record)
    return summarize_record(record, _seconds([done.entry for done in made.values()], settings))


def _made_with(plan: RunPlan, network: "Network | None") -> dict[str, Any]:
    """Return what all rows are made with, for the record."""
    if network is None:
        header = plan.formers[-1].header
        made_with = {**{name: header[name] for name in (*PROVENANCE_SECTIONS, "features")}, **plan.provenance}
    else:
        made_with = {
            **plan.provenance,
            "weights": network.weights,
            "device": network.device.description,
            "features": network.width,
        }
    for former in plan.formers:
        if different := describe_differences(former.header, made_with) or _wider(former, made_with):
            raise ChangedSettingsError(
                f"{former.array}: was made otherwise ({different}); --force makes all anew"
            )
    return made_with


def _wider(former: PreviousRun, made_with: dict[str, Any]) -> str:
    then, now = former.header["features"], made_with["features"]
    return "" if then == now else f"features: {then} then, {now} now"


def _begin(plan: RunPlan, made_with: dict[str, Any], work: WorkFolder) -> None:
    header = {"output": work.place.array.name, "replaces": work.replaces, "updates": plan.updates}
    work.begin({**made_with, **header})


def _extracted(
    settings: Settings,
    network: "Network",
    tracks: Iterable[ClipStream],
    plan: RunPlan,
    work: WorkFolder,
    reporter: RunListener,
) -> Iterator[tuple[SoundEndEvent, FinishedFile]]:
    """Follow the journey and write the rows that come out of it; yield each file when it is done."""
    rate, hop = settings.audio.sample_rate, settings.clip_grid.hop_samples
    heard = 0  # samples of the present file that have been told of
    for event in extract_rows(tracks, network):
        if isinstance(event, RowsEvent):
            work.rows.append(event.rows)
            work.settle_in_time()  # files that are done do not wait for a long one
            heard += len(event.rows) * hop
            reporter.heard(len(event.rows) * hop / rate)
            continue
        if event.take_back:
            work.rows.take_back(event.take_back)
        if event.rows and settings.clip_grid.count(event.samples) != event.rows:
            raise RuntimeError(f"{event.path}: {event.rows} rows do not fit its length")
        done = work.finish(_entry(event, plan.identities))
        reporter.heard((event.samples - heard) / rate)
        reporter.ended(event)
        heard = 0
        yield event, done


def _write_index(settings: Settings, entries: Sequence[Entry], file: BinaryIO) -> None:
    index = IndexWriter(file)
    for entry in entries:
        if entry["rows"]:
            samples = entry["samples"]
            spans = settings.clip_grid.spans(samples)
            channel, rate = settings.audio.channels, settings.audio.sample_rate
            index.add(entry["path"], channel, spans, samples, rate, entry["status"])


def _nothing(entries: Sequence[Entry]) -> str:
    failed = sum(entry["status"] == "failed" for entry in entries)
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


def _counts(entries: Sequence[Entry]) -> dict[str, int]:
    """Count the files by status, and the silent ones, which have another status besides."""
    tally = Counter(entry["status"] for entry in entries)
    silent = sum("silent" in entry for entry in entries)
    return {status: tally[status] for status in get_args(Status)} | {"silent": silent}


def _seconds(entries: Sequence[Entry], settings: Settings) -> float:
    return float(sum(entry["samples"] for entry in entries) / settings.audio.sample_rate)


def _folder() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # it has been removed
        return None


def _entry(end: SoundEndEvent, identities: Mapping[str, FileIdentity]) -> Entry:
    """Return what journal and record say of a file."""
    name = to_record_name(end.path)
    unreadable = end.error is not None and end.error.cause == "unreadable"
    identity = UNREADABLE_FILE if unreadable else identities[name]
    return {"path": name, "size": identity.size, "mtime_ns": identity.mtime_ns, **end.told()}
