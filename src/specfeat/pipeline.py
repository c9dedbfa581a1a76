"""The whole journey: paths to clips to batches to rows, in the order of the inputs.

    paths -> decode, mono, resample -> spectrogram -> clips -> batches filled across files -> network -> rows

The stages know nothing of each other; they are joined here and nowhere else.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.clip_stream import ClipStream
from specfeat.errors import AudioError
from specfeat.files import UNREADABLE_FILE, FileIdentity, to_record_name
from specfeat.output.records import SoundEntry
from specfeat.sound import SoundStatus

if TYPE_CHECKING:
    from specfeat.network.build import Network

WAITING_BYTES = 64 * 2**20  # of clips in batches that are full, and have no thread yet


@dataclass(frozen=True, slots=True)
class RowsEvent:
    """Some of a file's rows, float32, shape (n, width)."""

    rows: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SoundEndEvent:
    """What became of a file; it comes after the last of its rows.

    Attributes:
        path: as in its track.
        status: "empty" has no sample, "short" is less than one clip and skipped, as the config asks;
            "partial" broke half-way, and has the rows of a file that ends there.
        samples: its length at the config's rate, or how far it was read.
        rows: that are valid.
        take_back: rows that were given for it before it failed, and are void.
        error: why it failed, or broke.
        seconds: spent on its samples and clips, without the network.
        silent: whether it has samples, and all of them are 0.
    """

    path: str
    status: SoundStatus
    samples: int
    rows: int
    take_back: int
    error: AudioError | None
    seconds: float
    silent: bool = False

    def to_entry(self, file: FileIdentity) -> SoundEntry:
        """Return what journal and record say of the sound.

        Args:
            file: the file's identity, taken before it was read.
        """
        error = self.error
        if error and error.cause == "unreadable":
            file = UNREADABLE_FILE  # so that a later run tries again when the file can be read
        return SoundEntry(
            path=to_record_name(self.path),
            size=file.size,
            mtime_ns=file.mtime_ns,
            status=self.status,
            rows=self.rows,
            samples=self.samples,
            seconds=round(self.seconds, 6),
            silent=self.silent,
            stage=error.stage if error else None,
            cause=error.cause if error else None,
            error=str(error) if error else None,
            at_s=None if error is None or error.at_s is None else round(error.at_s, 6),
        )


@dataclass(slots=True)
class _File:
    """A file under way: its clips may wait in the batch when its samples have ended."""

    track: ClipStream
    waiting: int = 0
    given: int = 0
    error: AudioError | None = None
    ended: bool = False

    def end(self) -> SoundEndEvent:
        path, samples, seconds = self.track.path, self.track.samples, self.track.seconds
        broken = self.track.broken
        error = self.error or (None if self.given else broken)
        if error:
            return SoundEndEvent(path, "failed", samples, 0, self.given, error, seconds)
        status: SoundStatus = "ok" if self.given else "short" if samples else "empty"
        silent = bool(samples) and self.track.silent
        return SoundEndEvent(
            path, "partial" if broken else status, samples, self.given, 0, broken, seconds, silent
        )


@dataclass(slots=True)
class _Batch:
    """Clips that go through the network together, and whose they are."""

    clips: NDArray[np.float32]
    filled: int = 0
    parts: list[tuple[_File, int]] = field(default_factory=list)


class _Journey:
    """Fills batches across files and hands their rows out to the files that they belong to.

    As many batches run at once as the network bears, each in a thread; they are answered in order.
    """

    def __init__(self, network: "Network", threads: Executor) -> None:
        self._network = network
        self._threads = threads
        self._files: deque[_File] = deque()
        self._running: deque[tuple[_Batch, Future[NDArray[np.float32]]]] = deque()
        self._batch = self._new()
        # As many wait as run: a thread that is done then has its next before we have filled one.
        waiting = min(network.parallel, WAITING_BYTES // self._batch.clips.nbytes)
        self._enough = network.parallel + waiting

    def follow(self, tracks: Iterable[ClipStream]) -> Iterator[RowsEvent | SoundEndEvent]:
        for track in tracks:
            file = _File(track)
            self._files.append(file)
            yield from self._one(file)
        if self._batch.filled:
            self._run()
        while self._running:
            yield from self._answer()

    def _new(self) -> _Batch:
        return _Batch(np.zeros((self._network.batch, *self._network.input_shape), np.float32))

    def _one(self, file: _File) -> Iterator[RowsEvent | SoundEndEvent]:
        try:
            for clips in file.track:
                if not file.error:  # the network could bear its clips so far; else only its length is wanted
                    yield from self._fill(file, clips)
        except AudioError as e:
            file.error = file.error or e
        file.ended = True
        yield from self._ends()

    def _fill(self, file: _File, clips: NDArray[np.float32]) -> Iterator[RowsEvent | SoundEndEvent]:
        while len(clips):
            batch = self._batch
            count = min(len(clips), len(batch.clips) - batch.filled)
            batch.clips[batch.filled : batch.filled + count] = clips[:count]
            batch.filled += count
            batch.parts.append((file, count))
            file.waiting += count
            clips = clips[count:]
            if batch.filled == len(batch.clips):
                self._run()
            yield from self._answers()

    def _run(self) -> None:
        """Send the batch on its way and begin another."""
        self._running.append((self._batch, self._threads.submit(self._network.rows, self._batch.clips)))
        self._batch = self._new()

    def _answers(self) -> Iterator[RowsEvent | SoundEndEvent]:
        """Answer the batches that are done, and wait for others if more than enough are under way."""
        while self._running and (len(self._running) > self._enough or self._running[0][1].done()):
            yield from self._answer()

    def _answer(self) -> Iterator[RowsEvent | SoundEndEvent]:
        """Wait for the oldest batch; each file's rows come before its end, and that before the next one's."""
        batch, future = self._running.popleft()
        rows = future.result()
        start = 0
        for file, count in batch.parts:
            mine = rows[start : start + count]
            start += count
            file.waiting -= count
            if not np.isfinite(mine).all():
                file.error = file.error or AudioError(
                    "gives features that are not finite", "network", "not finite"
                )
            if not file.error:
                file.given += count
                yield RowsEvent(mine)
            yield from self._ends()

    def _ends(self) -> Iterator[SoundEndEvent]:
        """Yield the ends of the files that nothing is to come for any more."""
        while self._files and self._files[0].ended and not self._files[0].waiting:
            yield self._files.popleft().end()


def extract_rows(
    tracks: Iterable[ClipStream], network: "Network"
) -> Generator[RowsEvent | SoundEndEvent, None, None]:
    """Take every track through to its rows, in order; a bad one costs only itself.

    Yields:
        For each track its `Rows`, in pieces, and then its `End`. What a file gives depends on that
        file and the config alone: every batch has the one shape, and the last is filled with zeros.
    """
    threads = ThreadPoolExecutor(network.parallel)
    try:
        yield from _Journey(network, threads).follow(tracks)
    finally:
        threads.shutdown(cancel_futures=True)  # who stops in the middle does not wait for what is queued
