"""The whole journey: paths to clips to batches to rows, in the order of the inputs.

    paths -> decode, mono, resample -> spectrogram -> clips -> batches filled across files -> network -> rows

The stages know nothing of each other; they are joined here and nowhere else.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.clips import ClipMaker, Clips
from specfeat.audio.decode import Samples
from specfeat.errors import AudioError
from specfeat.network.build import Network

Status = Literal["ok", "empty", "short", "failed"]


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or one array, to extract from.

    Attributes:
        path: its name in index and record.
        blocks: makes its mono samples at the config's rate; called once, when its turn has come.
    """

    path: str
    blocks: Callable[[], Iterable[Samples]]


@dataclass(frozen=True, slots=True)
class Rows:
    """Some of a file's rows, float32, shape (n, width)."""

    rows: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class End:
    """What became of a file; it comes after the last of its rows.

    Attributes:
        path: as in its source.
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

    source: Source
    waiting: int = 0
    given: int = 0
    clips: Clips | None = None
    error: AudioError | None = None
    seconds: float = 0.0
    ended: bool = False

    def end(self) -> End:
        samples = self.clips.samples if self.clips else 0
        if self.error:
            return End(self.source.path, "failed", samples, 0, self.given, self.error, self.seconds)
        status: Status = "ok" if self.given else "short" if samples else "empty"
        return End(self.source.path, status, samples, self.given, 0, None, self.seconds)


@dataclass(slots=True)
class _Journey:
    """Fills one batch across files and hands its rows out to the files that they belong to."""

    maker: ClipMaker
    network: Network
    files: deque[_File] = field(default_factory=deque)
    filled: int = 0
    batch: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self.batch = np.zeros((self.network.batch, *self.network.input_shape), np.float32)

    def follow(self, sources: Iterable[Source]) -> Iterator[Rows | End]:
        for source in sources:
            file = _File(source)
            self.files.append(file)
            yield from self._one(file)
        if self.filled:
            yield from self._infer()

    def _one(self, file: _File) -> Iterator[Rows | End]:
        begun = time.perf_counter()
        try:
            file.clips = self.maker.clips(file.source.blocks())
            for clip in file.clips:
                self.batch[self.filled] = clip
                self.filled += 1
                file.waiting += 1
                if self.filled == len(self.batch):
                    file.seconds += time.perf_counter() - begun
                    yield from self._infer()
                    begun = time.perf_counter()
                if file.error:  # the network could not bear its clips
                    break
        except AudioError as e:
            file.error = e
        file.seconds += time.perf_counter() - begun
        file.ended = True
        yield from self._ends()

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

    def _ends(self) -> Iterator[End]:
        while self.files and self.files[0].ended and not self.files[0].waiting:
            yield self.files.popleft().end()


def follow(sources: Iterable[Source], maker: ClipMaker, network: Network) -> Iterator[Rows | End]:
    """Take every source through to its rows, in order; a bad one costs only itself.

    Yields:
        For each source its `Rows`, in pieces, and then its `End`. What a file gives depends on that
        file and the config alone: every batch has the one shape, and the last is filled with what is
        there already.
    """
    return _Journey(maker, network).follow(sources)
