"""The plot of the scores of classes over time, for one file of a finished output."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import UsageError
from specfeat.output.feature_columns import find_feature_names, list_labels
from specfeat.output.finished_output import FinishedOutput
from specfeat.plots.canvas import make_figure
from specfeat.plots.file_rows import TIME_COLUMNS, FileRows
from specfeat.plots.palette import CATEGORY_COLORS, CATEGORY_LINES, MAX_CATEGORIES
from specfeat.plots.text_picture import TextStyle, add_left_labels, draw_image, draw_time_axis, find_limits
from specfeat.plots.time_image import FloatArray
from specfeat.text import format_count, shorten_text, suggest_name

_NAME_CHARACTERS = 28
_DEFAULT_CLASSES = 6  # more curves are hard to tell apart


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePlot:
    """The scores of some classes over time.

    Attributes:
        output_name: the name of the array.
        rows: the rows of the file, over time.
        classes: the names of the classes that are shown.
        class_count: how many classes there are.
        scores: the largest score of each group of rows, shape (groups, classes).
    """

    output_name: str
    rows: FileRows
    classes: tuple[str, ...]
    class_count: int
    scores: FloatArray

    @property
    def facts(self) -> Mapping[str, str]:
        """The file, the output and the classes."""
        return {"Title": self.rows.name, "Output": self.output_name, "Classes": ", ".join(self.classes)}

    @property
    def summary(self) -> str:
        """What the curves are, in one line."""
        size = -(-len(self.rows.numbers) // len(self.scores))
        text = f"{len(self.classes)} of {format_count(self.class_count, 'class', 'classes')}"
        return text if size == 1 else f"{text}; a point is the largest score of {size} rows"

    @property
    def _curves(self) -> FloatArray:
        """The scores on equal pieces of time, shape (columns, classes), with NaN where there is no row."""
        columns = self.rows.find_groups_of_columns()
        return np.where(columns[:, np.newaxis] < 0, np.float32(np.nan), self.scores[columns])

    def draw_figure(self) -> Any:
        """Return the figure; see `Plot`."""
        figure = make_figure(4.2)
        axes = figure.subplots()
        start_s, end_s = self.rows.seconds
        times = np.linspace(start_s, end_s, TIME_COLUMNS)
        for number, (name, curve) in enumerate(zip(self.classes, self._curves.T, strict=True)):
            axes.plot(
                times, curve, color=CATEGORY_COLORS[number], linestyle=CATEGORY_LINES[number], linewidth=1.5,
                label=shorten_text(name, _NAME_CHARACTERS),
            )  # fmt: skip
        axes.set_xlim(start_s, end_s)
        axes.set_xlabel("time (s)")
        axes.set_ylabel("score")
        axes.set_title(self.summary)
        axes.legend(
            loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, frameon=False, handlelength=3
        )
        figure.suptitle(f"{self.rows.name}   {self.output_name}", x=0.01, ha="left", fontsize=11)
        return figure

    def draw_text(self, style: TextStyle, width: int) -> str:
        """Return the plot as lines of characters, one for each class; see `Plot`."""
        curves = self._curves
        labels = {number: shorten_text(name, 20) for number, name in enumerate(self.classes)}
        margin = max(map(len, labels.values())) + 1
        limits = find_limits(curves)
        size = (max(1, width - margin), 1)
        drawn = [draw_image(curve[:, np.newaxis], style, size, limits)[0] for curve in curves.T]
        return "\n".join(
            [
                self.rows.name,
                f"{self.summary}; scores from {limits[0]:.3g} to {limits[1]:.3g}",
                *add_left_labels(drawn, labels),
                " " * margin + draw_time_axis(*self.rows.seconds, size[0]),
            ]
        )


def make_score_plot(
    output: FinishedOutput, array: NDArray[Any], rows: FileRows, wanted: Sequence[str]
) -> ScorePlot:
    """Return the plot of the scores of a file.

    Args:
        output: the output.
        array: the rows of the whole output, shape (rows, features).
        rows: the rows of the file.
        wanted: the classes to show, at most eight; empty for those with the largest scores in the file.

    Raises:
        UsageError: the columns of the output have no names of classes, a wanted class does not exist, or too
            many are wanted.
    """
    names = find_feature_names(output.record.provenance)
    labels = set(list_labels(output.record.provenance))
    columns = {name: number for number, name in enumerate(names) if name in labels}
    if not columns:
        raise UsageError(
            f"{output.paths.array}: its columns have no names of classes; only a config with model.labels "
            "gives scores with names"
        )
    for name in wanted:
        if name not in columns:
            raise UsageError(f"{output.paths.array}: has no class {name!r}{suggest_name(name, columns)}")
    if len(set(wanted)) > MAX_CATEGORIES:
        raise UsageError(f"{len(set(wanted))} classes are wanted; a plot shows at most {MAX_CATEGORIES}")
    groups = rows.list_groups()
    chosen = list(dict.fromkeys(wanted)) or list(columns)
    scores = np.empty((len(groups), len(chosen)), np.float32)
    positions = [columns[name] for name in chosen]
    for number, (first, end) in enumerate(zip(groups, np.append(groups[1:], len(rows.numbers)), strict=True)):
        scores[number] = array[rows.numbers[first:end]][:, positions].max(axis=0)
    best = np.argsort(-np.nan_to_num(scores.max(axis=0), nan=-np.inf), kind="stable")[:_DEFAULT_CLASSES]
    order = list(range(len(chosen))) if wanted else best.tolist()
    return ScorePlot(
        output_name=str(output.paths.array),
        rows=rows,
        classes=tuple(chosen[number] for number in order),
        class_count=len(columns),
        scores=scores[:, order],
    )
