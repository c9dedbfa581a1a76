"""One extraction, from paths to the array, its index and its record."""

import datetime
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import soundfile
import soxr

import specfeat
from specfeat.audio.track import Track
from specfeat.config import Config
from specfeat.errors import NothingError
from specfeat.network.build import Network
from specfeat.output.array import ArrayWriter
from specfeat.output.index import IndexWriter
from specfeat.output.place import Partial, Place, settle_folder
from specfeat.output.record import write_record
from specfeat.pipeline import End, Rows, follow


class Reporter(Protocol):
    """Whoever wants to know how a run is getting on."""

    def heard(self, seconds: float) -> None:
        """So many seconds of audio more have been read."""

    def ended(self, end: End) -> None:
        """A file is done or has failed."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to.

    Attributes:
        files: how many there were.
        failed: how many of them failed.
        without_rows: how many were empty, or shorter than a clip and skipped.
        rows: in the array.
        width: features in a row.
        audio_seconds: of sound that was read.
        seconds: from the first file to the last byte, without the start-up.
        passed_over: files of the folders that are not named as audio, the hidden ones left aside.
    """

    files: int
    failed: int
    without_rows: int
    rows: int
    width: int
    audio_seconds: float
    seconds: float
    passed_over: int


def run(
    config: Config,
    network: Network,
    tracks: Iterable[Track],
    place: Place,
    reporter: Reporter,
    passed_over: tuple[str, ...] = (),
) -> Summary:
    """Extract from every track and write the three files, or leave everything as it was.

    Args:
        config: the checked config.
        network: built from it.
        tracks: of the files, in order.
        place: of the output.
        reporter: hears how it goes.
        passed_over: the files that were found and left out, for the record.

    Raises:
        NothingError: no file gave a row; nothing is written.
        OutputError: the disk refuses.
    """
    started = datetime.datetime.now(datetime.UTC)
    begun = time.perf_counter()
    with ExitStack() as stack:
        array, index, record = (
            stack.enter_context(Partial(path)) for path in (place.array, place.index, place.record)
        )
        rows, lines = ArrayWriter(array, network.width), IndexWriter(index)
        ends = list(_written(config, network, tracks, rows, lines, reporter))
        if not rows.rows:
            raise NothingError(_nothing(ends))
        rows.close()
        lines.flush()
        others = sum(not Path(path).name.startswith(".") for path in passed_over)
        seconds = time.perf_counter() - begun
        summary = replace(_summary(ends, rows.rows, network.width, config, seconds), passed_over=others)
        made = _record(config, network, ends, summary, started)
        write_record(record, made | {"passed_over": list(passed_over)})
        for part in (array, index, record):
            part.settle()
        for part in (array, index, record):
            part.finish()
        settle_folder(place.array.parent)
    return summary


def _written(
    config: Config,
    network: Network,
    tracks: Iterable[Track],
    array: ArrayWriter,
    index: IndexWriter,
    reporter: Reporter,
) -> Iterator[End]:
    """Follow the journey and write what comes out of it; yield each file's end."""
    settings = config.settings
    rate, hop = settings.audio.sample_rate, settings.cutter.hop_samples
    heard = 0  # samples of the present file that have been told of
    for event in follow(tracks, network):
        if isinstance(event, Rows):
            array.append(event.rows)
            heard += len(event.rows) * hop
            reporter.heard(len(event.rows) * hop / rate)
            continue
        if event.take_back:
            array.take_back(event.take_back)
        if event.status == "ok":
            spans = settings.cutter.spans(event.samples)
            index.add(event.path, settings.audio.channels, spans, event.samples, rate)
        if array.rows != index.rows:
            raise RuntimeError(f"{event.path}: {array.rows} rows but {index.rows} lines of index")
        reporter.heard((event.samples - heard) / rate)
        reporter.ended(event)
        heard = 0
        yield event


def _nothing(ends: list[End]) -> str:
    failed = [end for end in ends if end.status == "failed"]
    if len(failed) == len(ends):
        return (
            f"all {len(ends)} files failed, so nothing is written"
            if len(ends) > 1
            else "the file failed, so nothing is written"
        )
    return (
        f"no file gives a row ({len(failed)} failed, the others are empty or shorter than a clip), "
        "so nothing is written"
    )


def _summary(ends: list[End], rows: int, width: int, config: Config, seconds: float) -> Summary:
    return Summary(
        files=len(ends),
        failed=sum(end.status == "failed" for end in ends),
        without_rows=sum(end.status in ("empty", "short") for end in ends),
        rows=rows,
        width=width,
        audio_seconds=sum(end.samples for end in ends) / config.settings.audio.sample_rate,
        seconds=seconds,
        passed_over=0,
    )


def _record(
    config: Config, network: Network, ends: list[End], summary: Summary, started: datetime.datetime
) -> dict[str, Any]:
    settings = config.settings
    return {
        "command": [os.fspath(word) for word in sys.argv],
        "folder": _folder(),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(summary.seconds, 3),
        "build_seconds": round(network.seconds, 3),
        "config": {
            "name": config.name,
            "sha256": settings.digest,
            "resolved": settings.model_dump(mode="json"),
        },
        "weights": network.weights,
        "device": network.device.description,
        "rows": summary.rows,
        "features": summary.width,
        "audio_seconds": summary.audio_seconds,
        "versions": versions(),
        "files": list(map(_file, ends)),
    }


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  as text
    except OSError:  # it has been removed
        return None


def _file(end: End) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "path": end.path,
        "status": end.status,
        "rows": end.rows,
        "samples": end.samples,
        "seconds": round(end.seconds, 6),
    }
    if end.error:
        entry |= {"stage": end.error.stage, "error": str(end.error)}
    return entry


def _version(package: str) -> str:
    """Ask the module itself, for TensorFlow may be installed under another distribution's name."""
    known = getattr(sys.modules.get(package), "__version__", None)
    return str(known) if known else importlib.metadata.version(package)


def versions() -> dict[str, str]:
    """Return the versions of everything that has a hand in the numbers."""
    packages = ("tensorflow", "keras", "numpy", "librosa", "soundfile")
    return {
        "specfeat": specfeat.__version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
        "libsndfile": soundfile.__libsndfile_version__,
        "soxr": soxr.__version__,
        "libsoxr": soxr.__libsoxr_version__,
        "platform": platform.platform(),
    }
