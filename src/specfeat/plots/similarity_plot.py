"""The plot of the similarity of all rows of one file with each other, over time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.plots.canvas import make_figure
from specfeat.plots.file_rows import FileRows
from specfeat.plots.palette import VALUE_COLORMAP
from specfeat.plots.text_picture import TextStyle, add_left_labels, draw_image, draw_time_axis, find_limits
from specfeat.plots.time_image import FloatArray
from specfeat.text import format_count


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarityPlot:
    """The cosine similarity of the rows of one file.

    Attributes:
        output_name: the name of the array.
        rows: the rows of the file, over time.
        matrix: the similarity of each two groups of rows, -1..1, shape (groups, groups); NaN for rows
            that have no direction: all values 0, or a value that is not finite.
    """

    output_name: str
    rows: FileRows
    matrix: FloatArray

    @property
    def facts(self) -> Mapping[str, str]:
        """The file, the output and the measure."""
        return {"Title": self.rows.name, "Output": self.output_name, "Measure": "cosine similarity"}

    @property
    def summary(self) -> str:
        """What the matrix compares, in one line."""
        size = -(-len(self.rows.numbers) // len(self.matrix))
        rows = format_count(len(self.rows.numbers), "row")
        return rows if size == 1 else f"{rows}; a cell compares the means of {size} rows"

    @property
    def _image(self) -> FloatArray:
        """The matrix on equal pieces of time, with NaN where there is no row."""
        columns = self.rows.find_groups_of_columns()
        image = self.matrix[np.ix_(columns, columns)].copy()
        image[columns < 0] = np.nan
        image[:, columns < 0] = np.nan
        return image

    def draw_figure(self) -> Any:
        """Return the figure; see `Plot`."""
        figure = make_figure(7.2)
        axes = figure.subplots()
        seconds = self.rows.seconds
        shown = axes.imshow(
            self._image.T, origin="lower", interpolation="nearest", cmap=VALUE_COLORMAP,
            extent=(*seconds, *seconds),
        )  # fmt: skip
        axes.set_xlabel("time (s)")
        axes.set_ylabel("time (s)")
        axes.set_title(self.summary)
        figure.colorbar(shown, ax=axes, pad=0.01, fraction=0.045, label="cosine similarity")
        figure.suptitle(f"{self.rows.name}   {self.output_name}", x=0.01, ha="left", fontsize=11)
        return figure

    def draw_text(self, style: TextStyle, width: int) -> str:
        """Return the plot as lines of characters; see `Plot`."""
        image = self._image
        limits, (start_s, end_s) = find_limits(image), self.rows.seconds
        labels = {0: f"{end_s:.4g} s"}
        size = (width - 9, (width - 9) // 2)  # a character is about twice as high as wide
        labels[size[1] - 1] = f"{start_s:.4g} s"
        drawn = add_left_labels(draw_image(image, style, size, limits), labels)
        margin = " " * (max(map(len, labels.values())) + 1)
        return "\n".join(
            [
                self.rows.name,
                f"{self.summary}; cosine similarity from {limits[0]:.3g} to {limits[1]:.3g}",
                *drawn,
                margin + draw_time_axis(start_s, end_s, size[0]),
            ]
        )


def make_similarity_plot(output_name: str, array: NDArray[Any], rows: FileRows) -> SimilarityPlot:
    """Compute the similarity of the rows of a file, of which at most 1,200 groups are compared.

    Args:
        output_name: the name of the array.
        array: the rows of the whole output, shape (rows, features).
        rows: the rows of the file.
    """
    groups = rows.list_groups()
    ends = np.append(groups[1:], len(rows.numbers))
    directions = np.empty((len(groups), array.shape[1]), np.float32)
    for number, (first, end) in enumerate(zip(groups, ends, strict=True)):
        mean = array[rows.numbers[first:end]].astype(np.float64).mean(axis=0)
        length = np.linalg.norm(mean)
        directions[number] = mean / length if 0 < length < np.inf else np.nan
    matrix = directions @ directions.T
    return SimilarityPlot(output_name=output_name, rows=rows, matrix=np.clip(matrix, -1, 1))
