"""The plot of the feature maps of one layer, for one clip of a sound."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from specfeat.config.clip_grid import ClipSpan
from specfeat.config.settings import Settings
from specfeat.plots.canvas import make_figure
from specfeat.plots.drawing import TimePanel, format_number
from specfeat.plots.palette import BLUE, VALUE_COLORMAP
from specfeat.plots.text_picture import TextStyle, draw_image, find_limits
from specfeat.plots.time_image import FloatArray, pool_lines
from specfeat.plots.value_axis import make_bin_axis
from specfeat.text import format_shape

MAX_MAPS = 64  # with this number, a map is about 90 px wide in a figure with 800 px
_MAPS_IN_A_ROW = 8
_MAPS_IN_TEXT = 12  # three lines of maps


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPlot:
    """The output of one layer for one clip.

    Attributes:
        name: the name of the file, for the title.
        config_name: the name of the config.
        settings: the settings of the config.
        layer: the name of the layer.
        output: the output of the layer, without the axis of the batch.
        clip_number: the number of the clip, counted from 0.
        span: the samples of the clip.
        clip: the clip, shape `Settings.input_shape`.
    """

    name: str
    config_name: str
    settings: Settings
    layer: str
    output: FloatArray
    clip_number: int
    span: ClipSpan
    clip: FloatArray

    @property
    def facts(self) -> Mapping[str, str]:
        """The file, the config, the layer and the clip."""
        return {
            "Title": self.name,
            "Config": self.config_name,
            "Config-SHA256": self.settings.digest,
            "Layer": self.layer,
            "Clip": str(self.clip_number),
        }

    @property
    def maps(self) -> FloatArray:
        """The feature maps that are shown, shape (maps, length of the first axis, length of the second axis).

        An output without a second axis is one map, and a single vector has no map.
        """
        if self.output.ndim < 2:
            return np.empty((0, 1, 1), np.float32)
        if self.output.ndim == 2:
            return self.output[np.newaxis]
        maps = self.output.reshape(*self.output.shape[:2], -1)
        return np.moveaxis(maps, -1, 0)[:MAX_MAPS]

    @property
    def summary(self) -> str:
        """What the maps are, in one line."""
        shape = self.output.shape
        text = f"layer {self.layer}: {format_shape(shape)}"
        if self.output.ndim >= 3:
            shown = len(self.maps)
            count = math.prod(shape[2:])
            which = f"the first {shown} of {count} maps" if shown < count else f"{count} maps"
            text += f"; {which}, the first axis to the right, the second axis upwards, one scale for all"
        elif self.output.ndim == 2:
            text += "; the first axis to the right, the second axis upwards"
        return text

    @property
    def _seconds(self) -> tuple[float, float]:
        rate = self.settings.audio.sample_rate
        return self.span.start / rate, self.span.end / rate

    @property
    def input_panel(self) -> TimePanel:
        """The clip that the network receives."""
        axis, bins = make_bin_axis(self.settings), self.settings.input_shape[1]
        start_s, end_s = map(format_number, self._seconds)
        title = f"input: clip {self.clip_number}, {start_s} s to {end_s} s"
        return TimePanel(title, pool_lines(self.clip[..., 0]), axis, bins)

    def draw_figure(self) -> Any:
        """Return the figure; see `Plot`."""
        maps = self.maps
        columns = min(_MAPS_IN_A_ROW, max(1, len(maps)))
        lines = max(1, -(-len(maps) // columns))
        map_height = 0.95 * lines if len(maps) > 1 else 2.6
        figure = make_figure(2.2 + map_height + 0.9)
        upper, lower = figure.subfigures(2, 1, height_ratios=(2.2, map_height + 0.3))
        axes = upper.subplots()
        self.input_panel.draw_axes(upper, axes, self._seconds)
        axes.set_xlabel("time (s)")
        upper.suptitle(f"{self.name}   config: {self.config_name}", x=0.01, ha="left", fontsize=11)
        lower.suptitle(self.summary, x=0.01, ha="left", fontsize=8.5)
        if not len(maps):
            self._draw_vector(lower.subplots())
            return figure
        limits = find_limits(maps)
        grid = lower.subplots(lines, columns, squeeze=False)
        for number, one in enumerate(grid.flat):
            one.set_axis_off()
            if number < len(maps):
                shown = one.imshow(
                    maps[number].T, aspect="auto", origin="lower", interpolation="nearest",
                    cmap=VALUE_COLORMAP, vmin=limits[0], vmax=limits[1],
                )  # fmt: skip
                if len(maps) > 1:
                    one.set_title(str(number), fontsize=7, pad=1.5)
        lower.colorbar(shown, ax=list(grid.flat), pad=0.01, fraction=0.04, label="value")
        return figure

    def _draw_vector(self, axes: Any) -> None:
        values = np.atleast_1d(self.output)
        axes.fill_between(np.arange(len(values)), values, step="mid", color=BLUE, linewidth=0)
        axes.set_xlim(-0.5, len(values) - 0.5)
        axes.set_xlabel("number of the value")
        axes.set_ylabel("value")

    def draw_text(self, style: TextStyle, width: int) -> str:
        """Return the plot as lines of characters; see `Plot`."""
        lines = [self.name, *self.input_panel.draw_lines(style, width, self._seconds), self.summary]
        maps = self.maps[:_MAPS_IN_TEXT]
        if len(maps) < len(self.maps):
            lines.append(f"(the first {len(maps)} of them)")
        if not len(maps):
            image = np.atleast_1d(self.output)[:, np.newaxis]
            return "\n".join([*lines, *draw_image(image, style, (width, 2), find_limits(image))])
        columns = min(4, len(maps))
        map_width, limits = width // columns - 1, find_limits(maps)
        height = 8 if len(maps) > 1 else 20
        for first in range(0, len(maps), columns):
            group = [
                draw_image(one, style, (map_width, height), limits) for one in maps[first : first + columns]
            ]
            lines += [" ".join(parts) for parts in zip(*group, strict=True)]
            lines.append("")
        return "\n".join(lines)
