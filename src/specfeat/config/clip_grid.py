"""Computes which samples of a file each clip has, in exact integers."""

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
        """Return how much of the clip, from 0 to 1, is silence after the end of the file.

        Args:
            samples: the length of the file in samples.
        """
        return min(1.0, max(0, self.end - samples) / (self.end - self.start))


class ClipGrid:
    """Computes which samples each clip of a file has, from the length of the file.

    All lengths are integers, because a length in seconds times a sample rate is not exact in binary, and one
    sample can decide whether a file has one more row.

    The file is cut in units. With `cut: frames` a unit is one frame of the spectrogram of the file, so clips
    begin at multiples of `hop_length`. With `cut: samples` a unit is one sample.

    Args:
        spectrogram: the settings of the frames.
        clips: the settings of the clips.

    Attributes:
        frames: how many frames a clip has. This is the first axis of the network's input.
        drops_end_frame: whether the frames that do not begin a whole hop of the file are dropped. This is so
            with `cut: frames` and padded ends (`center` or `pad_end`), unless `end_frame` is "keep".
        clip_samples: how many samples a clip has: T hops for a clip of T frames if `drops_end_frame` is true,
            otherwise the smallest number of samples that gives its frames.
        hop_samples: the distance from the start of one clip to the start of the next one, in samples.
        repeated_edge_clips: how many rows are made from the first clip before its own row with
            `edges: repeat`; 0 with `edges: cut`.
    """

    def __init__(self, spectrogram: Spectrogram, clips: Clips) -> None:
        self._clips, self._spectrogram = clips, spectrogram
        hop_length, is_cut_in_frames = spectrogram.hop_length, clips.cut == "frames"
        # `clips.frames` is None only if the length is given in samples. Then this number is not used.
        frames = clips.frames or 1
        self.drops_end_frame = is_cut_in_frames and spectrogram.has_padded_ends and clips.end_frame == "drop"
        if self.drops_end_frame:
            self.clip_samples = frames * hop_length
        else:
            self.clip_samples = clips.samples or spectrogram.count_samples(frames)
        self.frames = frames if is_cut_in_frames else spectrogram.count_frames(self.clip_samples)
        if clips.hop:
            self.hop_samples = clips.hop * (1 if clips.samples else hop_length)
        else:  # each clip begins where the one before ends
            self.hop_samples = self.frames * hop_length if is_cut_in_frames else self.clip_samples
        self._unit_samples = hop_length if is_cut_in_frames else 1
        self._clip_units = self.frames if is_cut_in_frames else self.clip_samples
        # The clip of a row begins half a clip before the row's hop. For the first rows, this would be before
        # the start of the file, so they get the first clip.
        half_clip_hops = self._clip_units // (2 * self._hop_units)
        self.repeated_edge_clips = half_clip_hops if clips.edges == "repeat" else 0

    @property
    def hop_frames(self) -> int:
        """The distance between the starts of two neighbouring clips, in frames; only with `cut: frames`."""
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
            # One more clip if units remain after the last whole clip.
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
        """Return how many units a file has if silence completes its last unit."""
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
            clip = min(max(0, row - self.repeated_edge_clips), last)
            start = clip * self.hop_samples
            if self._clips.tail == "shift" and clip and clip == last:
                # The last clip ends at the end of the file, or less than one unit before it.
                start = (self._count_units(samples) - self._clip_units) * self._unit_samples
            yield ClipSpan(start, start + self.clip_samples)

    def compute_padded_length(self, samples: int) -> int:
        """Return the length of the file in samples, with the silence that completes its last clip.

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
