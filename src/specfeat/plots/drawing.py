"""Images over time, which several plots have: as axes of a figure, and as lines of characters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specfeat.plots.palette import VALUE_COLORMAP
from specfeat.plots.text_picture import (
    TextStyle,
    add_left_labels,
    draw_image,
    draw_time_axis,
    find_limits,
)
from specfeat.plots.time_image import FloatArray
from specfeat.plots.value_axis import ValueAxis

_TEXT_HEIGHT = 20  # lines of characters for an image


@dataclass(frozen=True, slots=True)
class TimePanel:
    """An image over time.

    Attributes:
        title: what the image shows.
        image: shape (columns, values); NaN is blank.
        axis: the axis of the values.
        value_count: the number of values before neighbouring values were averaged.
        value_label: what the colours mean.
    """

    title: str
    image: FloatArray
    axis: ValueAxis
    value_count: int
    value_label: str = "value"

    def draw_axes(self, figure: Any, axes: Any, seconds: tuple[float, float]) -> None:
        """Draw the image, with a bar that explains the colours.

        Args:
            figure: the figure.
            axes: the axes in it.
            seconds: the times at the left and at the right edge.
        """
        top = self.value_count - 0.5
        shown = axes.imshow(
            self.image.T,
            aspect="auto",
            origin="lower",
            interpolation="nearest",
            cmap=VALUE_COLORMAP,
            extent=(*seconds, -0.5, top),
        )
        axes.set_yticks([position for position, _ in self.axis.ticks], [text for _, text in self.axis.ticks])
        axes.set_ylim(-0.5, top)
        axes.set_ylabel(self.axis.label)
        axes.set_title(self.title)
        figure.colorbar(shown, ax=axes, pad=0.01, fraction=0.04, label=self.value_label)

    def draw_lines(
        self, style: TextStyle, width: int, seconds: tuple[float, float], marks: Sequence[float] = ()
    ) -> list[str]:
        """Return the image as lines of characters, with its axes.

        Args:
            style: the characters and colours.
            width: how many characters a line may have.
            seconds: the times at the left and at the right edge.
            marks: times that are marked above the image, in seconds.
        """
        height = min(_TEXT_HEIGHT, self.value_count)
        labels = {
            height - 1 - min(height - 1, int((position + 0.5) * height / self.value_count)): text
            for position, text in self.axis.ticks
        }
        margin = max(map(len, labels.values()), default=0) + 1
        image_width = max(1, width - margin)
        marked = {int((time - seconds[0]) / (seconds[1] - seconds[0]) * image_width) for time in marks}
        mark_line = "".join("|" if column in marked else " " for column in range(image_width))
        drawn = draw_image(self.image, style, (image_width, height), find_limits(self.image))
        return [
            f"{self.title}: {self.axis.label}",
            *([" " * margin + mark_line] if marks else []),
            *add_left_labels(drawn, labels),
            " " * margin + draw_time_axis(*seconds, image_width),
        ]


def format_number(value: float) -> str:
    """Return a number with at most four digits that matter, e.g. "0.96" or "3600"."""
    return f"{value:.4g}" if abs(value) < 10_000 else f"{np.round(value):.0f}"
