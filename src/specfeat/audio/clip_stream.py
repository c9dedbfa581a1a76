"""One file's clips on their way to the network, from this process or another."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np

from specfeat.audio.clips import ClipMaker
from specfeat.audio.stft import FloatArray
from specfeat.errors import AudioError


class ClipStream(Protocol):
    """What the journey asks of a file: its name, its clips, and afterwards its length.

    Attributes:
        path: its name in index and record.
        samples: how far it was read, at the config's rate; after the last clip, its length.
        seconds: spent on it.
        silent: after the last clip, whether every sample is 0.
        broken: after the last clip, why the file ends there, if it broke half-way and that is to be borne.
    """

    path: str
    samples: int
    seconds: float
    silent: bool
    broken: AudioError | None

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield float32 arrays of shape (clips, *input_shape), once.

        Raises:
            AudioError: the file is broken.
        """


class LocalClipStream:
    """A track that is made in this process, when it is iterated.

    Args:
        path: its name.
        maker: of the clips.
        blocks: opens it: gives its mono samples at the config's rate.
    """

    def __init__(self, path: str, maker: ClipMaker, blocks: Callable[[], Iterable[FloatArray]]) -> None:
        self.path = path
        self.samples = 0
        self.seconds = 0.0
        self.silent = False
        self.broken: AudioError | None = None
        self._maker = maker
        self._blocks = blocks

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield the clips one by one."""
        begun = time.perf_counter()
        clips = self._maker.clips(self._blocks())
        try:
            for clip in clips:
                self.seconds += time.perf_counter() - begun
                yield clip[np.newaxis]
                begun = time.perf_counter()
        finally:
            self.samples, self.silent = clips.samples, clips.silent
            self.seconds += time.perf_counter() - begun
