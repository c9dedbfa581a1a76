"""The plot of a map of rows, with a point for each row."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.plots.canvas import make_figure
from specfeat.plots.map_coordinates import MapCoordinates, spread_rows
from specfeat.plots.palette import (
    CATEGORY_COLORS,
    CATEGORY_MARKERS,
    OTHER_COLOR,
    OTHER_MARKER,
    VALUE_COLORMAP,
)
from specfeat.plots.row_colors import RowCategories, RowColors
from specfeat.plots.text_picture import TextStyle, draw_image, find_limits
from specfeat.text import format_count, shorten_text

MAX_POINTS = 200_000  # more points cannot be told apart
_MAX_VECTOR_POINTS = 5_000  # more are a picture inside an SVG or a PDF, which would be too large otherwise
_NAME_CHARACTERS = 26
_LETTERS = "ABCDEFGH"  # for the categories in a terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlot:
    """A map of the rows of a finished output.

    Attributes:
        output_name: the name of the array.
        coordinates: the places of the rows.
        colors: what the colours of the rows mean.
    """

    output_name: str
    coordinates: MapCoordinates
    colors: RowColors

    @property
    def facts(self) -> Mapping[str, str]:
        """The output, the method with its seed, and what the colours mean."""
        return {"Title": self.output_name, **self.coordinates.facts, "Colors": self.colors.column}

    @property
    def _points(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The places of the points that are drawn, and the numbers of their rows."""
        finite = np.flatnonzero(np.isfinite(self.coordinates.places).all(axis=1))
        drawn = finite[spread_rows(len(finite), MAX_POINTS)]
        return self.coordinates.places[drawn], self.coordinates.rows[drawn]

    @property
    def summary(self) -> str:
        """How many rows the map shows, in one line."""
        shown, total = len(self._points[1]), len(self.coordinates.rows)
        missing = total - int(np.isfinite(self.coordinates.places).all(axis=1).sum())
        text = format_count(shown, "row")
        if shown < total - missing:
            text += f" of {total}, spread evenly"
        if missing:
            text += f"; without {format_count(missing, 'row')} with values that are not finite"
        return text

    def draw_figure(self) -> Any:
        """Return the figure; see `Plot`."""
        figure = make_figure(6.0)
        axes = figure.subplots()
        places, rows = self._points
        is_dense = len(rows) > _MAX_VECTOR_POINTS
        # A thin edge makes light colours visible on white paper; on a dense map it would hide the colours.
        style = {"edgecolors": "0.2", "linewidths": 0.0 if is_dense else 0.35, "rasterized": is_dense}
        size = float(np.clip(20_000 / max(1, len(rows)), 3, 36))  # in square points
        if isinstance(self.colors, RowCategories):
            self._draw_categories(axes, places, rows, {**style, "s": size})
        else:
            shown = axes.scatter(*places.T, c=self.colors.values[rows], cmap=VALUE_COLORMAP, s=size, **style)
            figure.colorbar(shown, ax=axes, pad=0.01, fraction=0.045, label=self.colors.column)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xlabel(self.coordinates.labels[0])
        axes.set_ylabel(self.coordinates.labels[1])
        axes.set_title(self.summary)
        figure.suptitle(self.output_name, x=0.01, ha="left", fontsize=11)
        return figure

    def _draw_categories(
        self, axes: Any, places: NDArray[np.float32], rows: NDArray[np.int64], style: dict[str, Any]
    ) -> None:
        """Draw the points of each category; rare categories lie above frequent ones."""
        numbers = self._numbers[rows]
        for number, label in self._list_labels(numbers):
            chosen = places[numbers == number]
            color, marker = OTHER_COLOR, OTHER_MARKER
            if number >= 0:
                color, marker = CATEGORY_COLORS[number], CATEGORY_MARKERS[number]
            axes.scatter(*chosen.T, color=color, marker=marker, label=label, zorder=2 + number / 10, **style)
        legend = axes.legend(
            title=self.colors.column, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0,
            frameon=False, alignment="left",
        )  # fmt: skip
        for handle in legend.legend_handles:
            handle.set_sizes([36.0])  # the points of the map may be too small to see their form

    @property
    def _numbers(self) -> NDArray[np.int64]:
        """The number of the category of each row; empty if the colours mean numbers."""
        return self.colors.numbers if isinstance(self.colors, RowCategories) else np.empty(0, np.int64)

    def _list_labels(self, numbers: NDArray[np.int64]) -> list[tuple[int, str]]:
        """Return the number and the label of each category that some points have."""
        if not isinstance(self.colors, RowCategories):
            return []
        counts = Counter(numbers.tolist())
        names = [(k, shorten_text(name, _NAME_CHARACTERS)) for k, name in enumerate(self.colors.names)]
        names.append((-1, f"{self.colors.other_count} other"))
        return [(number, f"{name} ({counts[number]})") for number, name in names if counts[number]]

    def draw_text(self, style: TextStyle, width: int) -> str:
        """Return the plot as lines of characters: the most frequent category of each cell; see `Plot`."""
        places, rows = self._points
        height = width // 4
        lines = [self.output_name, f"{self.summary}; {self.coordinates.labels[0]} to the right"]
        lines.append(f"{self.coordinates.labels[1]} upwards; colours: {self.colors.column}")
        if not len(rows):
            return "\n".join(lines)
        low, high = places.min(axis=0), places.max(axis=0)
        scale = np.where(high > low, high - low, 1)
        cells = np.minimum(((places - low) / scale * (width, height)).astype(int), (width - 1, height - 1))
        if not isinstance(self.colors, RowCategories):
            image = np.full((width, height), np.nan, np.float32)
            image[tuple(cells.T)] = self.colors.values[rows]
            return "\n".join([*lines, *draw_image(image, style, (width, height), find_limits(image))])
        numbers = self._numbers[rows]
        counts = np.zeros((width, height, len(_LETTERS) + 1), np.int64)
        np.add.at(counts, (*cells.T, numbers), 1)  # -1, for other categories, is the last one
        best = np.where(counts.any(axis=2), counts.argmax(axis=2), len(_LETTERS) + 1).T[::-1]
        characters = f"{_LETTERS}. "
        lines += ["".join(characters[number] for number in line) for line in best]
        return "\n".join([*lines, *(f"{characters[k]} {label}" for k, label in self._list_labels(numbers))])
