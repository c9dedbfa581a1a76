"""The plot of a sound: waveform, clips, spectrogram as the network receives it, and features over time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from specfeat.config.settings import Settings
from specfeat.plots.canvas import make_figure
from specfeat.plots.drawing import TimePanel, format_number
from specfeat.plots.palette import BLUE, SKY_BLUE, WAVEFORM_COLOR
from specfeat.plots.sound_view import MAX_LISTED_CLIPS, SoundView, has_own_values
from specfeat.plots.text_picture import TextStyle
from specfeat.plots.time_image import FloatArray
from specfeat.plots.value_axis import make_bin_axis, make_number_axis
from specfeat.text import format_count, format_shape

_MAX_LANES = 6  # clips that overlap are drawn below each other
_LABEL_SHARE = 0.035  # the share of the width that the number of a clip needs


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPlot:
    """A sound as the network receives it.

    Attributes:
        name: the name of the file, for the title.
        config_name: the name of the config.
        settings: the settings of the config.
        view: what is shown.
        features: the features over time, shape (columns, features); None if they are not shown.
        feature_count: the number of features before neighbouring features were averaged.
    """

    name: str
    config_name: str
    settings: Settings
    view: SoundView
    features: FloatArray | None = None
    feature_count: int = 0

    @property
    def facts(self) -> Mapping[str, str]:
        """The file, the config, and the shown seconds."""
        start_s, end_s = self._seconds
        return {
            "Title": self.name,
            "Config": self.config_name,
            "Config-SHA256": self.settings.digest,
            "Seconds": f"{start_s:.6g} to {end_s:.6g}",
        }

    @property
    def _seconds(self) -> tuple[float, float]:
        rate = self.settings.audio.sample_rate
        return self.view.length.start / rate, self.view.length.end / rate

    @property
    def _channel_names(self) -> list[str]:
        """The names of the channels of the network's input."""
        deltas = ["spectrogram", "delta", "delta-delta"][: self.settings.spectrogram.channels]
        stacked = self.settings.audio.stacked_channels
        if not stacked:
            return deltas
        return [f"channel {number}, {name}" for number in range(stacked) for name in deltas]

    @property
    def summary(self) -> str:
        """What the network receives, in one line."""
        settings, view = self.settings, self.view
        rate = settings.audio.sample_rate
        frames, bins, channels = settings.input_shape
        clip_s = settings.clip_grid.clip_samples / rate
        text = (
            f"{format_count(view.clip_count, 'clip')} of {format_number(clip_s)} s, each "
            f"{format_shape((frames, bins, channels))} (frames x bins x channels), {rate} Hz"
        )
        if view.channels is None:
            return f"shorter than a clip of {format_number(clip_s)} s: the network receives nothing"
        if view.frames_per_column > 1:
            text += f"; a column shows the mean of {format_number(view.frames_per_column)} frames"
        if settings.clip_grid.hop_samples < settings.clip_grid.clip_samples and has_own_values(settings):
            text += (
                ";\nclips overlap and have values of their own: each is shown up to the start of the next one"
            )
        return text

    @property
    def panels(self) -> list[TimePanel]:
        """The images of the plot: the channels of the spectrogram, and the features."""
        axis, bins = make_bin_axis(self.settings), self.settings.input_shape[1]
        names, images = self._channel_names, self.view.channels or ()
        panels = [TimePanel(name, image, axis, bins) for name, image in zip(names, images, strict=False)]
        if self.features is not None:
            axis = make_number_axis("feature", self.feature_count)
            panels.append(TimePanel("features", self.features, axis, self.feature_count))
        return panels

    def draw_figure(self) -> Any:
        """Return the figure; see `Plot`."""
        panels = self.panels
        heights = [1.1, 0.16 * (1 + self._count_lanes()), *(2.3 for _ in panels)]
        figure = make_figure(sum(heights) + 0.9)
        rows = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
        self._draw_waveform(rows[0])
        self._draw_clips(rows[1])
        for axes, panel in zip(rows[2:], panels, strict=True):
            panel.draw_axes(figure, axes, self._seconds)
            self._mark_clips(axes)
        rows[0].set_xlim(*self._seconds)
        rows[-1].tick_params(labelbottom=True)
        rows[-1].set_xlabel("time (s)")
        figure.suptitle(f"{self.name}   config: {self.config_name}", x=0.01, ha="left", fontsize=11)
        return figure

    def _count_lanes(self) -> int:
        """Return how many clips are drawn below each other."""
        grid = self.settings.clip_grid
        return max(1, min(_MAX_LANES, -(-grid.clip_samples // grid.hop_samples)))

    def _draw_waveform(self, axes: Any) -> None:
        start_s, end_s = self._seconds
        columns = self.view.envelope.shape[1]
        times = start_s + (np.arange(columns) + 0.5) * (end_s - start_s) / columns
        low, high = self.view.envelope
        axes.fill_between(times, low, high, color=WAVEFORM_COLOR, linewidth=0.5)
        axes.set_ylabel("amplitude")
        axes.set_title(self.summary, fontsize=8.5)
        axes.tick_params(labelbottom=False)
        self._mark_padding(axes, "padding")

    def _draw_clips(self, axes: Any) -> None:
        """Draw each clip as a bar, or say how many there are if they could not be told apart."""
        rate, lanes = self.settings.audio.sample_rate, self._count_lanes()
        start_s, end_s = self._seconds
        axes.set_ylim(lanes, 0)
        axes.set_yticks([])
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(bottom=False, labelbottom=False)
        axes.set_ylabel("clips", rotation=0, ha="right", va="center")
        if self.view.clip_count > MAX_LISTED_CLIPS:
            hop_s = format_number(self.settings.clip_grid.hop_samples / rate)
            text = f"{self.view.clip_count} clips, one every {hop_s} s"
            axes.text(0.0, 0.5, text, transform=axes.transAxes, va="center")
            return
        for number, span in self.view.clips:
            left, width = span.start / rate, (span.end - span.start) / rate
            color = (BLUE, SKY_BLUE)[number % 2]
            axes.barh(number % lanes + 0.5, width, 0.7, left, color=color, edgecolor="white")
            visible = min(left + width, end_s) - max(left, start_s)
            if visible > _LABEL_SHARE * (end_s - start_s):
                middle = max(left, start_s) + visible / 2
                text_color = ("white", "black")[number % 2]
                axes.text(middle, number % lanes + 0.5, str(number), ha="center", va="center",
                          color=text_color, fontsize=7.5)  # fmt: skip

    def _mark_clips(self, axes: Any) -> None:
        """Draw a line where each clip begins, and hatch the padding."""
        rate = self.settings.audio.sample_rate
        if self.view.clip_count <= MAX_LISTED_CLIPS:
            for _, span in self.view.clips:
                for color, width in (("black", 1.6), ("white", 0.8)):  # visible on dark and on light values
                    axes.axvline(span.start / rate, color=color, linewidth=width, linestyle=(0, (4, 3)))
        self._mark_padding(axes, "")

    def _mark_padding(self, axes: Any, label: str) -> None:
        """Hatch what lies after the end of the sound."""
        rate, length = self.settings.audio.sample_rate, self.view.length
        if length.end <= length.samples:
            return
        start_s, end_s = length.samples / rate, length.end / rate
        axes.axvspan(start_s, end_s, facecolor="none", edgecolor="0.75", hatch="////", linewidth=0)
        axes.axvline(start_s, color="white", linewidth=1.6)
        axes.axvline(start_s, color="black", linewidth=0.8)
        if label:
            axes.annotate(label, ((start_s + end_s) / 2, 0.97), xycoords=("data", "axes fraction"),
                          ha="center", va="top", fontsize=8, annotation_clip=True,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip

    def draw_text(self, style: TextStyle, width: int) -> str:
        """Return the plot as lines of characters; see `Plot`."""
        rate, length = self.settings.audio.sample_rate, self.view.length
        marks: list[float] = []
        if self.view.clip_count <= min(MAX_LISTED_CLIPS, width // 3):
            marks = [span.start / rate for _, span in self.view.clips]
        lines = [self.name, *self.summary.split("\n")]
        if length.end > length.samples:
            lines.append(f"from {format_number(length.samples / rate)} s on: padding")
        for panel in self.panels:
            lines += panel.draw_lines(style, width, self._seconds, marks)
        return "\n".join(lines)
