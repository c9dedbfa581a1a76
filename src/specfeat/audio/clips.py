"""Makes the network's inputs from a stream of samples: spectrogram, clips, normalisation of each clip."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.spectrogram import SpectrogramMaker
from specfeat.audio.stacked_clips import StackedClips
from specfeat.audio.stft import FloatArray
from specfeat.config.settings import Settings
from specfeat.errors import AudioError

# Samples in a block of the silence after a sound. The silence can be longer than the memory allows at once.
SILENCE_BLOCK = 65_536


# Samples are between -1 and 1, in a few float files and after resampling a little beyond. Larger values mean
# that the file has another scale, usually that of 16-bit integers.
LARGEST_PLAUSIBLE_SAMPLE = 16.0


class ClipMaker:
    """Makes the clips of one sound after another, with the settings of a config.

    Args:
        settings: the settings of the config.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # The clips of stacked channels are made at the same time, so each channel has its own working memory.
        channels = settings.audio.stacked_channels or 1
        self._spectrograms = [SpectrogramMaker(settings) for _ in range(channels)]

    def make_clips(self, blocks: Iterable[FloatArray]) -> "ClipIterator | StackedClips":
        """Return an iterator over the clips of one sound.

        Args:
            blocks: the samples of the sound at the config's sample rate, in blocks of any lengths. They are
                mono, or have the shape (n, channels) if the config stacks channels.
        """
        if len(self._spectrograms) == 1:
            return ClipIterator(self.settings, self._spectrograms[0], blocks)
        makers = [partial(ClipIterator, self.settings, spectrogram) for spectrogram in self._spectrograms]
        return StackedClips(makers, blocks, reads_ahead=self.settings.reads_ahead)


class ClipIterator:
    """The clips of one sound. They can be iterated once.

    Attributes:
        samples: how many samples have been read. After the last clip, this is the length of the sound.
        clip_count: how many clips have been yielded, repeated ones included.
        silent: whether every sample that has been read is 0.
        too_loud: whether a sample is larger than `LARGEST_PLAUSIBLE_SAMPLE`.
    """

    def __init__(
        self, settings: Settings, spectrogram: SpectrogramMaker, blocks: Iterable[FloatArray]
    ) -> None:
        self.samples = 0
        self.clip_count = 0
        self.silent = True
        self.too_loud = False
        self._settings = settings
        self._spectrogram = spectrogram
        self._blocks = blocks
        # The length of the sound with the silence after it; known only after the last sample.
        self._padded_samples = 0

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield the clips, float32, shape `Settings.input_shape`.

        A clip is valid until the next one is requested, because its memory may be used again.

        Raises:
            AudioError: the file is damaged, or its samples are so large that the spectrogram is not finite.
        """
        settings, grid = self._settings, self._settings.clip_grid
        is_shifted = settings.clips.tail == "shift"
        samples = self._pad_samples()
        clips: Iterator[FloatArray]
        if settings.clips.cut == "samples":
            windows = cut_windows(samples, grid.clip_samples, grid.hop_samples, shift=is_shifted)
            clips = map(self._make_own_spectrogram, windows)
        else:
            frames = self._drop_end_frame(self._spectrogram.make_frames(samples, lambda: self.samples))
            clips = cut_windows(frames, grid.frames, grid.hop_frames, shift=is_shifted)
        for clip in self._repeat_ends(self._normalize_clips(clips)):
            self.clip_count += 1
            yield clip

    def _make_own_spectrogram(self, samples: FloatArray) -> FloatArray:
        return np.concatenate([*self._spectrogram.make_frames([samples])], dtype=np.float32)

    def _normalize_clips(self, clips: Iterator[FloatArray]) -> Iterator[FloatArray]:
        hop_s = self._settings.clip_grid.hop_samples / self._settings.audio.sample_rate
        for number, clip in enumerate(clips):
            normalized = self._spectrogram.normalize_clip(clip)
            if not np.isfinite(normalized).all():
                text = f"clip {number} is not finite: its samples are too large"
                raise AudioError(text, "spectrogram", "not finite", number * hop_s)
            yield normalized

    def _repeat_ends(self, clips: Iterator[FloatArray]) -> Iterator[FloatArray]:
        """Repeat the first and the last clip if the config asks for it, so that each hop has a row."""
        grid = self._settings.clip_grid
        if self._settings.clips.edges == "cut":
            yield from clips
            return
        last: FloatArray | None = None
        for clip in clips:
            if last is None:
                # `self.samples` is only a lower limit here, except for a sound that is shorter than a clip:
                # it has been read to its end. Such a sound may have fewer rows than `repeated_edge_clips`,
                # so the number of its rows limits how often its clip is repeated.
                yield from repeat(clip, min(grid.repeated_edge_clips, grid.count_rows(self.samples) - 1))
            last = clip
            yield clip
        if last is not None:
            yield from repeat(last, grid.count_rows(self.samples) - self.clip_count)

    def _drop_end_frame(self, frames: Iterator[FloatArray]) -> Iterator[FloatArray]:
        """Drop the frame that is centred on the end of the sound: no hop of the sound begins there.

        The last frame that has come is kept back until it is known whether another frame follows.
        """
        if not self._settings.clip_grid.drops_end_frame:
            yield from frames
            return
        count = 0
        last_frame: FloatArray | None = None
        for block in frames:
            joined = block if last_frame is None else np.concatenate([last_frame, block])
            yield joined[:-1]
            count += len(joined) - 1
            last_frame = joined[-1:]
        hops = self._padded_samples // self._settings.spectrogram.hop_length
        if last_frame is not None and count < hops:
            yield last_frame

    def _pad_samples(self) -> Iterator[FloatArray]:
        """Yield the samples, and after them the silence that completes the last clip."""
        for block in self._blocks:
            self.samples += len(block)
            self.silent = self.silent and not block.any()
            largest = max(block.max(initial=0.0), -block.min(initial=0.0))
            self.too_loud = self.too_loud or bool(largest > LARGEST_PLAUSIBLE_SAMPLE)
            yield block
        self._padded_samples = self._settings.clip_grid.compute_padded_length(self.samples)
        missing = self._padded_samples - self.samples
        while missing > 0:
            count = min(missing, SILENCE_BLOCK)
            yield np.zeros(count, np.float32)
            missing -= count


def cut_windows(
    blocks: Iterable[NDArray[np.float32]], length: int, hop: int, *, shift: bool
) -> Iterator[NDArray[np.float32]]:
    """Cut a stream into windows of one length, along the first axis.

    Args:
        blocks: the stream, in blocks that may differ only in the size of the first axis.
        length: the length of a window.
        hop: the distance from the start of one window to the start of the next. It may be larger than
            `length`.
        shift: whether one more window, which ends at the end of the stream, is yielded if the last whole
            window ends before the end of the stream.
    """
    pending = tail = None
    # `skipped_length` is what must still be skipped before the next window; it is above 0 only if the hop is
    # larger than the length.
    total = skipped_length = 0
    for block in blocks:
        total += len(block)
        kept = block[skipped_length:]
        skipped_length -= len(block) - len(kept)
        pending = kept if pending is None else np.concatenate([pending, kept])
        start = 0
        while len(pending) - start >= length:
            yield pending[start : start + length]
            start += hop
        skipped_length += max(0, start - len(pending))
        pending = pending[start:]
        if shift:
            tail = block[-length:] if tail is None else np.concatenate([tail, block])[-length:]
    if tail is not None and total > length and (total - length) % hop:
        yield tail
