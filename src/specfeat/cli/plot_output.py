"""Makes the plots of a finished output for `specfeat plot`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from specfeat.errors import UsageError
from specfeat.files import format_path
from specfeat.output.formats import is_format_extension
from specfeat.output.paths import OutputPaths

if TYPE_CHECKING:
    from specfeat.plots.base import Plot


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPlotOptions:
    """What a plot of a finished output shows.

    Attributes:
        method: how the map is computed.
        color_by: the column of the colours of the map; None for the default.
        similarity: the file whose rows are compared with each other; None for no such plot.
        scores: the file whose scores are drawn; None for no such plot.
        classes: the classes whose scores are drawn; empty for those with the largest scores.
        channel: the channel of the file, counted from 0; None for the first one.
    """

    method: Literal["pca", "umap"]
    color_by: str | None
    similarity: str | None
    scores: str | None
    classes: Sequence[str]
    channel: int | None


def is_output(name: str) -> bool:
    """Return whether a path is the array of an output, and not a sound."""
    return is_format_extension(name) or OutputPaths(Path(name)).record.is_file()


def check_output_options(options: OutputPlotOptions, given: Sequence[str]) -> None:
    """Check that the options of a plot of an output belong together.

    Args:
        options: the options.
        given: the options on the command line, e.g. "--color-by".

    Raises:
        UsageError: an option does not apply to the plot.
        InstallError: umap-learn is needed, and is missing.
    """
    # Imported here, because --help needs none of these, and they take time to load.
    from specfeat.plots.map_coordinates import check_map_method

    if options.similarity is not None and options.scores is not None:
        raise UsageError("--similarity and --scores are different plots; leave one of them out")
    has_file = options.similarity is not None or options.scores is not None
    for option in given:
        if option in ("--map", "--color-by") and has_file:
            raise UsageError(
                f"{option} is for the map of all rows, and this plot is for one file; leave it out"
            )
        if option == "--channel" and not has_file:
            raise UsageError("--channel is for one file; give it with --similarity or --scores")
        if option == "--class" and options.scores is None:
            raise UsageError("--class is for the scores of a file; give the file with --scores")
    check_map_method(options.method)


def make_output_plot(name: str, options: OutputPlotOptions) -> "Plot":
    """Return the plot of a finished output.

    Raises:
        OutputError: a file cannot be read.
        UsageError: the output is not complete, or does not have what the plot shows.
    """
    from specfeat.output.finished_output import open_output
    from specfeat.plots.file_rows import find_file_rows
    from specfeat.plots.map_coordinates import compute_map
    from specfeat.plots.map_plot import MapPlot
    from specfeat.plots.row_colors import choose_row_colors
    from specfeat.plots.score_plot import make_score_plot
    from specfeat.plots.similarity_plot import make_similarity_plot

    output = open_output(name)
    shown_name = format_path(name)
    if options.similarity is not None:
        rows = find_file_rows(output, options.similarity, options.channel)
        return make_similarity_plot(shown_name, output.load_rows(), rows)
    if options.scores is not None:
        rows = find_file_rows(output, options.scores, options.channel)
        return make_score_plot(output, output.load_rows(), rows, options.classes)
    if not output.row_count:
        raise UsageError(f"{shown_name}: has no rows, so there is nothing to draw")
    colors = choose_row_colors(output, options.color_by)
    coordinates = compute_map(output.load_rows(), options.method)
    return MapPlot(output_name=shown_name, coordinates=coordinates, colors=colors)
