"""The whole journey: paths to clips to batches to rows, in the order of the inputs.

    paths -> decode, mono, resample -> spectrogram -> clips -> batches filled across files -> network -> rows

The stages know nothing of each other; they are joined here and nowhere else.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.track import Track
from specfeat.errors import AudioError
from specfeat.network.build import Network

Status = Literal["ok", "empty", "short", "failed"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Some of a file's rows, float32, shape (n, width)."""

    rows: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class End:
    """What became of a file; it comes after the last of its rows.

    Attributes:
        path: as in its track.
        status: "empty" has no sample, "short" is less than one clip and skipped, as the config asks.
        samples: its length at the config's rate, or how far it was read.
        rows: that are valid.
        take_back: rows that were given for it before it failed, and are void.
        error: why it failed.
        seconds: spent on its samples and clips, without the network.
    """

    path: str
    status: Status
    samples: int
    rows: int
    take_back: int
    error: AudioError | None
    seconds: float


@dataclass(slots=True)
class _File:
    """A file under way: its clips may wait in the batch when its samples have ended."""

    track: Track
    waiting: int = 0
    given: int = 0
    error: AudioError | None = None
    ended: bool = False

    def end(self) -> End:
        path, samples, seconds = self.track.path, self.track.samples, self.track.seconds
        if self.error:
            return End(path, "failed", samples, 0, self.given, self.error, seconds)
        status: Status = "ok" if self.given else "short" if samples else "empty"
        return End(path, status, samples, self.given, 0, None, seconds)


@dataclass(slots=True)
class _Journey:
    """Fills one batch across files and hands its rows out to the files that they belong to."""

    network: Network
    files: deque[_File] = field(default_factory=deque)
    filled: int = 0
    batch: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self.batch = np.zeros((self.network.batch, *self.network.input_shape), np.float32)

    def follow(self, tracks: Iterable[Track]) -> Iterator[Rows | End]:
        for track in tracks:
            file = _File(track)
            self.files.append(file)
            yield from self._one(file)
        if self.filled:
            yield from self._infer()

    def _one(self, file: _File) -> Iterator[Rows | End]:
        try:
            for clips in file.track:
                if not file.error:  # the network could bear its clips so far; else only its length is wanted
                    yield from self._fill(file, clips)
        except AudioError as e:
            file.error = file.error or e
        file.ended = True
        if not self.files[0].waiting:
            yield self.files.popleft().end()

    def _fill(self, file: _File, clips: NDArray[np.float32]) -> Iterator[Rows | End]:
        while len(clips):
            count = min(len(clips), len(self.batch) - self.filled)
            self.batch[self.filled : self.filled + count] = clips[:count]
            self.filled += count
            file.waiting += count
            clips = clips[count:]
            if self.filled == len(self.batch):
                yield from self._infer()

    def _infer(self) -> Iterator[Rows | End]:
        """Run the batch; each file's rows come before its end, and that before the next file's rows."""
        rows = self.network.rows(self.batch)
        start = self.filled = 0
        while self.files:
            file = self.files[0]
            mine = rows[start : start + file.waiting]
            start += file.waiting
            file.waiting = 0
            if not np.isfinite(mine).all():
                file.error = file.error or AudioError("gives features that are not finite", "network")
            if len(mine) and not file.error:
                file.given += len(mine)
                yield Rows(mine)
            if not file.ended:  # the last one: its clips are still coming
                break
            yield self.files.popleft().end()


def follow(tracks: Iterable[Track], network: Network) -> Iterator[Rows | End]:
    """Take every track through to its rows, in order; a bad one costs only itself.

    Yields:
        For each track its `Rows`, in pieces, and then its `End`. What a file gives depends on that
        file and the config alone: every batch has the one shape, and the last is filled with what is
        there already.
    """
    return _Journey(network).follow(tracks)
