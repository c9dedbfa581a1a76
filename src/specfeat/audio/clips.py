"""A stream of samples to the network's inputs: the whole way of one file through the audio part."""

from collections.abc import Iterable, Iterator
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.spectrogram import SpectrogramMaker
from specfeat.audio.stft import FloatArray
from specfeat.config.settings import Settings
from specfeat.errors import AudioError


class ClipMaker:
    """Cuts sound into spectrogram clips, by one config; used for one file after another."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.spectrogram = SpectrogramMaker(settings)

    def clips(self, blocks: Iterable[FloatArray]) -> "ClipIterator":
        """Return the clips of one stream of mono samples at the config's rate."""
        return ClipIterator(self, blocks)


class ClipIterator:
    """The clips of one file, to be iterated once.

    Attributes:
        samples: how many samples have been read; after the last clip, the file's length.
        count: how many clips have been given, those given again included.
        silent: whether every sample that has been read is 0.
    """

    def __init__(self, maker: ClipMaker, blocks: Iterable[FloatArray]) -> None:
        self.samples = 0
        self.count = 0
        self.silent = True
        self._maker = maker
        self._blocks = blocks
        self._length = 0  # with the silence after it; known when the last sample has been read

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield the clips, float32, shape `Settings.input_shape`.

        Each is valid until the next one is asked for.

        Raises:
            AudioError: the file breaks, or its samples are so large that the spectrogram is not finite.
        """
        settings, maker = self._maker.settings, self._maker.spectrogram
        clips: Iterator[FloatArray]
        cutter, shift = settings.clip_grid, settings.clips.tail == "shift"
        sound = self._extended()
        if settings.clips.cut == "samples":
            pieces = cut_windows(sound, cutter.clip_samples, cutter.hop_samples, shift=shift)
            clips = (np.concatenate([*maker.frames([piece])], dtype=np.float32) for piece in pieces)
        else:
            clips = cut_windows(
                self._on_hops(maker.frames(sound)), cutter.frames, cutter.hop_frames, shift=shift
            )
        for clip in self._with_edges(self._finished(clips)):
            self.count += 1
            yield clip

    def _finished(self, clips: Iterator[FloatArray]) -> Iterator[FloatArray]:
        hop_s = self._maker.settings.clip_grid.hop_samples / self._maker.settings.audio.sample_rate
        for number, clip in enumerate(clips):
            finished = self._maker.spectrogram.clip(clip)
            if not np.isfinite(finished).all():
                text = f"clip {number} is not finite: its samples are too large"
                raise AudioError(text, "spectrogram", "not finite", number * hop_s)
            yield finished

    def _with_edges(self, clips: Iterator[FloatArray]) -> Iterator[FloatArray]:
        """Give the first and the last clip again, if asked, so that each hop of the file has a row."""
        settings, cutter = self._maker.settings, self._maker.settings.clip_grid
        if settings.clips.edges == "cut":
            yield from clips
            return
        last: FloatArray | None = None
        for clip in clips:
            if last is None:
                # A file shorter than a clip, which is all read by now, may have fewer rows than the lead.
                yield from repeat(clip, min(cutter.repeated_edge_clips, cutter.count_rows(self.samples) - 1))
            last = clip
            yield clip
        if last is not None:
            yield from repeat(last, cutter.count_rows(self.samples) - self.count)

    def _on_hops(self, frames: Iterator[FloatArray]) -> Iterator[FloatArray]:
        """Leave out the frame that is centred on the end: a frame stands for the hop that it begins."""
        if not self._maker.settings.spectrogram.has_padded_ends:
            yield from frames
            return
        given = 0
        held: FloatArray | None = None  # the last frame so far
        for block in frames:
            together = block if held is None else np.concatenate([held, block])
            yield together[:-1]
            given += len(together) - 1
            held = together[-1:]
        if held is not None and given < self._length // self._maker.settings.spectrogram.hop_length:
            yield held

    def _extended(self) -> Iterator[FloatArray]:
        """Yield the samples, counted, and after them the silence that the last clip needs."""
        for block in self._blocks:
            self.samples += len(block)
            self.silent = self.silent and not block.any()
            yield block
        self._length = self._maker.settings.clip_grid.compute_padded_length(self.samples)
        missing = self._length - self.samples
        while missing > 0:
            part = min(missing, 65_536)
            yield np.zeros(part, np.float32)
            missing -= part


def cut_windows(
    blocks: Iterable[NDArray[np.float32]], length: int, hop: int, *, shift: bool
) -> Iterator[NDArray[np.float32]]:
    """Cut a stream, along its first axis, into windows of `length` every `hop`.

    Args:
        blocks: the stream, in blocks that agree in all axes but the first.
        length: of a window.
        hop: from one window's start to the next one's; it may be larger than `length`.
        shift: if something is left after the last whole window, one more ends where the stream does.
    """
    pending = tail = None
    total = skip = 0  # skip: what lies between windows, where the hop is larger than the length
    for block in blocks:
        total += len(block)
        fresh = block[skip:]
        skip -= len(block) - len(fresh)
        pending = fresh if pending is None else np.concatenate([pending, fresh])
        start = 0
        while len(pending) - start >= length:
            yield pending[start : start + length]
            start += hop
        skip += max(0, start - len(pending))
        pending = pending[start:]
        if shift:
            tail = block[-length:] if tail is None else np.concatenate([tail, block])[-length:]
    if tail is not None and total > length and (total - length) % hop:
        yield tail
