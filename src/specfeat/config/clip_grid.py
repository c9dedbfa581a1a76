"""Where a file's clips lie, in exact integers."""

from collections.abc import Iterator
from typing import NamedTuple

from specfeat.config.sound import Clips, Spectrogram


class ClipSpan(NamedTuple):
    """The samples of one clip, at the config's sample rate: [start, end)."""

    start: int
    end: int

    def padded(self, samples: int) -> float:
        """The share of the clip that lies after the file's end and is silence, 0..1."""
        return min(1.0, max(0, self.end - samples) / (self.end - self.start))


class ClipGrid:
    """The arithmetic of clips: which samples each clip of a file of known length has.

    Args:
        spectrogram: the frames' settings.
        clips: the clips' settings.

    Attributes:
        frames: of one clip: the first axis of the network's input.
        clip_samples: that one clip spans. Uncentred, they are those that its frames are cut from; centred, or
            with pad_end, a frame stands for one hop, and a clip of T frames spans T hops.
        hop_samples: from one clip's start to the next one's.
        lead: how often the first clip is given again, with `edges: repeat`.
    """

    def __init__(self, spectrogram: Spectrogram, clips: Clips) -> None:
        self._clips = clips
        self._grid = 1 if clips.cut == "samples" else spectrogram.hop_length
        length = clips.samples or spectrogram.samples(clips.frames or 1)
        if clips.cut == "frames" and spectrogram.pads_ends:
            length = (clips.frames or 1) * spectrogram.hop_length
        self.frames = spectrogram.frames(length) if clips.cut == "samples" else clips.frames or 1
        self.clip_samples = length
        hop_unit = 1 if clips.samples else spectrogram.hop_length
        whole = length if clips.cut == "samples" else self.frames * spectrogram.hop_length
        self.hop_samples = clips.hop * hop_unit if clips.hop else whole
        # The clip in frames where frames are cut, in samples where samples are.
        self._length = self.frames if clips.cut == "frames" else length
        self.lead = self._length // (2 * self.hop_frames) if clips.edges == "repeat" else 0

    @property
    def hop_frames(self) -> int:
        """From one clip's first frame to the next one's, where the file's spectrogram is cut."""
        return self.hop_samples // self._grid

    def count(self, samples: int) -> int:
        """Rows of a file of `samples` samples."""
        if self._clips.edges == "cut" or not self.clips(samples):
            return self.clips(samples)
        whole = self._length + (samples - self.clip_samples) // self._grid
        return max(1, -(-whole // self.hop_frames))

    def clips(self, samples: int) -> int:
        """Clips of a file of `samples` samples, each counted once."""
        if samples <= 0:
            return 0
        left = samples - self.clip_samples
        if left < 0:
            return 1 if self._clips.short == "pad" else 0
        whole = 1 + left // self.hop_samples
        if self._clips.tail == "drop":
            return whole
        if self._clips.tail == "shift":
            return whole + (left % self.hop_samples >= self._grid)
        padded = 1 + -(-left // self.hop_samples)
        return min(padded, -(-samples // self.hop_samples))  # a clip after a gap must begin inside the file

    def spans(self, samples: int) -> Iterator[ClipSpan]:
        """Yield the samples of each row's clip of a file of `samples` samples, in order."""
        last = self.clips(samples) - 1
        for row in range(self.count(samples)):
            k = min(max(0, row - self.lead), last)
            start = k * self.hop_samples
            if self._clips.tail == "shift" and k and k == last:
                start = (samples - self.clip_samples) // self._grid * self._grid
            yield ClipSpan(start, start + self.clip_samples)

    def padded_length(self, samples: int) -> int:
        """Samples of the file with the silence that its last clip needs."""
        if samples <= 0 or (self._clips.tail != "pad" and samples >= self.clip_samples):
            return samples
        count = self.clips(samples)
        return max(samples, (count - 1) * self.hop_samples + self.clip_samples if count else 0)
