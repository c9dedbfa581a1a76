"""Searches a finished output for the rows that are nearest to examples."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.audio_events import EventTable
from specfeat.analysis.event_table import list_event_files
from specfeat.analysis.example import compute_example_rows, extend_example, parse_example
from specfeat.analysis.hits import choose_hits
from specfeat.analysis.nearest_rows import Metric, NearestRows
from specfeat.analysis.recorded_config import load_recorded_config
from specfeat.analysis.row_places import RowPlaces, get_sample_rate, read_row_places
from specfeat.errors import Remedy, UsageError
from specfeat.files import format_path, identify_inode
from specfeat.output.finished_output import FinishedOutput
from specfeat.sound import Sound


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What is searched for.

    Attributes:
        files: examples as files or parts of files, see `parse_example`.
        rows: the numbers of rows of the output that are examples.
        count: the largest number of hits.
        per_file: the largest number of hits in one file; None for no limit.
        metric: "cosine" or "euclidean".
        weights_file: the weights file of the run, if it is no longer where the record says.
    """

    files: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    count: int = 50
    per_file: int | None = None
    metric: Metric = "cosine"
    weights_file: str | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits of a search.

    Attributes:
        rows: the numbers of the rows of the hits, the nearest first.
        values: the similarity (for "cosine") or the distance of each hit.
        measure: what the values are: "similarity" or "distance".
        table: the hits as events, in the same order.
    """

    rows: tuple[int, ...]
    values: tuple[float, ...]
    measure: str
    table: EventTable


def search_output(output: FinishedOutput, request: SearchRequest) -> SearchResult:
    """Return the rows of an output that are nearest to examples.

    Of rows that overlap in one file, only the nearest is a hit. Rows that overlap an example itself are left
    out.

    Args:
        output: the output.
        request: what is searched for.

    Raises:
        UsageError: an example is wrong, or its row would not match those of the output.
        OutputError: the output cannot be read.
        InstallError: an example is a file, and TensorFlow or Keras is missing.
    """
    _check_request(output, request)
    examples = [parse_example(text) for text in request.files]
    rows, places = output.load_rows(), read_row_places(output)
    example_rows = np.asarray(rows[list(request.rows)], np.float32)
    if examples:
        config = load_recorded_config(output, request.weights_file, remedy=Remedy.EXTRACT_AGAIN_OR_USE_ROW)
        examples = [extend_example(example, config.settings) for example in examples]
        example_rows = np.concatenate([example_rows, compute_example_rows(output, examples, config)])
    nearest = NearestRows(rows, example_rows, request.metric)
    is_example = _find_example_rows(output, places, examples, request.rows)
    order = nearest.order[~is_example[nearest.order]]
    hits = np.array(choose_hits(order, places, request.count, request.per_file), np.int64)
    return _make_result(output, places, hits, nearest.measure(hits), request.metric)


def _check_request(output: FinishedOutput, request: SearchRequest) -> None:
    if not request.files and not request.rows:
        raise UsageError("no example is given; give a file, a part of a file, or the number of a row")
    name = format_path(str(output.paths.array))
    if not output.row_count:
        raise UsageError(f"{name}: has no rows, so nothing can be found in it")
    for row in request.rows:
        if not 0 <= row < output.row_count:
            raise UsageError(f"{name}: has no row {row}; its rows are 0 to {output.row_count - 1}")


def _find_example_rows(
    output: FinishedOutput, places: RowPlaces, examples: Sequence[Sound], rows: Sequence[int]
) -> NDArray[np.bool_]:
    """Return for each row whether it overlaps an example that is a row or a part of the same file."""
    is_example = np.zeros(output.row_count, bool)
    for row in rows:
        is_example |= places.find_overlaps(places.tracks[row], places.start_s[row], places.end_s[row])
    if not examples:
        return is_example
    tracks, first_rows = np.unique(places.tracks, return_index=True)
    files = [os.fspath(output.find_file(places.get_entry(row))) for row in first_rows]
    inodes = [identify_inode(file) for file in files]
    for example in examples:
        end_s = np.inf if example.part.end_s is None else example.part.end_s
        for track, inode in zip(tracks, inodes, strict=True):
            if inode == identify_inode(example.path):
                is_example |= places.find_overlaps(track, example.part.start_s or 0.0, end_s)
    return is_example


def _make_result(
    output: FinishedOutput,
    places: RowPlaces,
    hits: NDArray[np.int64],
    values: NDArray[np.float64],
    metric: Metric,
) -> SearchResult:
    measure = "similarity" if metric == "cosine" else "distance"
    events = [
        places.make_event(int(row), f"hit {number}: {value:.3f}", (f"{value:.6g}", str(row)))
        for number, (row, value) in enumerate(zip(hits, values, strict=True), start=1)
    ]
    # Not from validated settings: a search for rows also works if the config is of another version.
    sample_rate = get_sample_rate(output)
    table = EventTable(
        events=events,
        files=list_event_files(output, sample_rate),
        columns=(measure, "row"),
        high_hz=sample_rate / 2,
    )
    return SearchResult(tuple(map(int, hits)), tuple(map(float, values)), measure, table)
