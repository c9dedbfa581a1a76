"""Makes clips whose last axis has the spectrograms of several channels of a file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import tee
from typing import Protocol

import numpy as np

from specfeat.audio.frame_buffer import FrameBuffer
from specfeat.audio.stft import FloatArray


class ChannelClips(Protocol):
    """The clips of one channel; `clips.ClipIterator` describes the attributes."""

    samples: int
    silent: bool
    too_loud: bool

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield the clips."""


class StackedClips:
    """The clips of one sound whose channels are stacked. They can be iterated once.

    The clips of each channel are made as those of a mono sound. The last axis of a clip has all of the first
    channel (its spectrogram, then its deltas), then all of the second one, and so on.

    Args:
        makers: for each channel, a function that makes the clips of its samples. The clips of all channels
            are made at the same time, so the functions share no working memory.
        blocks: the samples, float32, shape (n, channels).
        reads_ahead: whether a maker reads the whole sound before its first clip. The samples are then kept as
            frames are (`FrameBuffer`), so that memory stays bounded.

    Attributes:
        clip_count: how many clips have been yielded.
    """

    def __init__(
        self,
        makers: Sequence[Callable[[Iterable[FloatArray]], ChannelClips]],
        blocks: Iterable[FloatArray],
        *,
        reads_ahead: bool,
    ) -> None:
        self._makers = makers
        self._blocks = blocks
        self._reads_ahead = reads_ahead
        self._clips: list[ChannelClips] = []
        self.clip_count = 0

    @property
    def samples(self) -> int:
        """How many samples have been read; after the last clip, the length of the sound."""
        return max((clips.samples for clips in self._clips), default=0)

    @property
    def silent(self) -> bool:
        """Whether every sample that has been read is 0, in all channels."""
        return all(clips.silent for clips in self._clips)

    @property
    def too_loud(self) -> bool:
        """Whether a sample of one of the channels is far beyond -1..1."""
        return any(clips.too_loud for clips in self._clips)

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield the clips, float32, shape `Settings.input_shape`; see `ClipIterator`."""
        with ExitStack() as stack:
            count = len(self._makers)
            if self._reads_ahead:
                buffer = stack.enter_context(FrameBuffer(self._blocks))
                copies: Sequence[Iterable[FloatArray]] = [buffer.read() for _ in range(count)]
            else:
                copies = tee(self._blocks, count)
            self._clips = [
                make_clips(_select_channel(blocks, channel))
                for channel, (make_clips, blocks) in enumerate(zip(self._makers, copies, strict=True))
            ]
            for clips in zip(*self._clips, strict=True):
                self.clip_count += 1
                yield np.concatenate(clips, axis=-1)


def _select_channel(blocks: Iterable[FloatArray], channel: int) -> Iterator[FloatArray]:
    for block in blocks:
        yield np.ascontiguousarray(block[:, channel])
