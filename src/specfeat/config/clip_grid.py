"""Where the clips of a file lie, in exact integers."""

from collections.abc import Iterator
from typing import NamedTuple

from specfeat.config.clips import Clips
from specfeat.config.spectrogram import Spectrogram


class ClipSpan(NamedTuple):
    """The samples of one clip, at the config's sample rate.

    Attributes:
        start: the first sample of the clip, counted from 0.
        end: the sample after the last one of the clip.
    """

    start: int
    end: int

    def compute_padded_share(self, samples: int) -> float:
        """Return the share of the clip, 0 to 1, that is silence after the end of the file.

        Args:
            samples: the length of the file in samples.
        """
        return min(1.0, max(0, self.end - samples) / (self.end - self.start))


class ClipGrid:
    """Which samples each clip of a file has, when the length of the file is known.

    All lengths are integers: a length in seconds times a rate is not exact in binary, and one sample more or
    less decides whether a file has one row more.

    The file is cut in units. With `cut: frames` a unit is a frame of the file's spectrogram, so clips begin
    at multiples of its hop; with `cut: samples` a unit is one sample.

    Args:
        spectrogram: the settings of the frames.
        clips: the settings of the clips.

    Attributes:
        frames: how many frames a clip has: the first axis of the network's input.
        drops_end_frame: whether each frame stands for one hop, and a frame that has no whole hop is dropped:
            with `cut: frames` and padded ends (`center` or `pad_end`), unless the config keeps it.
        clip_samples: how many samples a clip spans: the fewest that give its frames. If `drops_end_frame`, a
            clip of T frames spans T hops.
        hop_samples: the distance from the start of one clip to the start of the next one, in samples.
        repeated_edge_clips: how many further rows the first clip has before its own, with `edges: repeat`; 0
            with `edges: cut`.
    """

    def __init__(self, spectrogram: Spectrogram, clips: Clips) -> None:
        self._clips, self._spectrogram = clips, spectrogram
        hop_length, is_cut_in_frames = spectrogram.hop_length, clips.cut == "frames"
        frames = clips.frames or 1  # None only if the length is given in samples, where it is not used
        self.drops_end_frame = is_cut_in_frames and spectrogram.has_padded_ends and clips.end_frame == "drop"
        if self.drops_end_frame:
            self.clip_samples = frames * hop_length
        else:
            self.clip_samples = clips.samples or spectrogram.count_samples(frames)
        self.frames = frames if is_cut_in_frames else spectrogram.count_frames(self.clip_samples)
        if clips.hop:
            self.hop_samples = clips.hop * (1 if clips.samples else hop_length)
        else:  # clips lie end to end
            self.hop_samples = self.frames * hop_length if is_cut_in_frames else self.clip_samples
        self._unit_samples = hop_length if is_cut_in_frames else 1
        self._clip_units = self.frames if is_cut_in_frames else self.clip_samples
        # A row's clip begins half a clip before its hop: for the first rows, before the start of the file.
        half_clip_hops = self._clip_units // (2 * self._hop_units)
        self.repeated_edge_clips = half_clip_hops if clips.edges == "repeat" else 0

    @property
    def hop_frames(self) -> int:
        """From the first frame of one clip to the first frame of the next one; only for `cut: frames`."""
        return self._hop_units

    @property
    def _hop_units(self) -> int:
        return self.hop_samples // self._unit_samples

    def count_rows(self, samples: int) -> int:
        """Return how many rows a file gives.

        Args:
            samples: the length of the file in samples.
        """
        clips = self.count_clips(samples)
        if self._clips.edges == "cut" or not clips:
            return clips
        # One row for each hop that begins in the file.
        return max(1, -(-self._count_units(samples) // self._hop_units))

    def count_clips(self, samples: int) -> int:
        """Return how many different clips a file has; with `edges: repeat` there may be more rows.

        Args:
            samples: the length of the file in samples.
        """
        if samples <= 0:
            return 0
        units_after_first = self._count_units(samples) - self._clip_units
        if units_after_first < 0:
            return 1 if self._clips.short == "pad" else 0
        whole_clips = 1 + units_after_first // self._hop_units
        if self._clips.tail == "drop":
            return whole_clips
        if self._clips.tail == "shift":
            # One more clip, if it can begin later than the last whole one.
            return whole_clips + (units_after_first % self._hop_units > 0)
        clips_to_the_end = 1 + -(-(self._count_units_to_end(samples) - self._clip_units) // self._hop_units)
        # If the hop is longer than the clip, the last clip might begin after the end of the file.
        clips_that_begin_inside = -(-samples // self.hop_samples)
        return max(whole_clips, min(clips_to_the_end, clips_that_begin_inside))

    def _count_units(self, samples: int) -> int:
        """Return how many whole units a file has."""
        if self._clips.cut == "samples" or self.drops_end_frame:
            return samples // self._unit_samples
        return self._spectrogram.count_frames(samples)

    def _count_units_to_end(self, samples: int) -> int:
        """Return how many units there are if silence completes the last one and no sample is left out."""
        if self._clips.cut == "samples" or self.drops_end_frame:
            return -(-samples // self._unit_samples)
        return self._spectrogram.count_frames_to_end(samples)

    def iterate_spans(self, samples: int) -> Iterator[ClipSpan]:
        """Yield the samples of each row's clip, in order.

        Args:
            samples: the length of the file in samples.
        """
        last = self.count_clips(samples) - 1
        for row in range(self.count_rows(samples)):
            k = min(max(0, row - self.repeated_edge_clips), last)
            start = k * self.hop_samples
            if self._clips.tail == "shift" and k and k == last:
                # The last clip ends where the file ends, or less than one unit before.
                start = (self._count_units(samples) - self._clip_units) * self._unit_samples
            yield ClipSpan(start, start + self.clip_samples)

    def compute_padded_length(self, samples: int) -> int:
        """Return the length of the file in samples, with the silence that its last clip needs.

        Args:
            samples: the length of the file in samples.
        """
        is_padded = self._clips.tail == "pad" or self._count_units(samples) < self._clip_units
        clips = self.count_clips(samples) if is_padded else 0
        if not clips:
            return samples
        if self._clips.cut == "samples" or self.drops_end_frame:
            return max(samples, (clips - 1) * self.hop_samples + self.clip_samples)
        frames = (clips - 1) * self._hop_units + self._clip_units
        return max(samples, self._spectrogram.count_samples(frames))
