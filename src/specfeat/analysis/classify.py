"""Fits a linear classifier on a finished output with labels, and applies it to outputs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

import specfeat
from specfeat.analysis.event_formats import encode_lines, format_csv_lines
from specfeat.analysis.head_files import HeadRecord, hash_arrays
from specfeat.analysis.head_selection import select_head
from specfeat.analysis.labels import read_labels
from specfeat.analysis.linear_head import LinearHead
from specfeat.analysis.output_files import OutputFiles
from specfeat.analysis.row_places import RowPlaces, read_row_places
from specfeat.errors import UsageError
from specfeat.files import format_path
from specfeat.output.finished_output import FinishedOutput
from specfeat.run.provenance import describe_differences

_COLUMNS = ("row", "path", "channel", "start_s", "end_s", "labels")
_SEPARATOR = ";"


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How a classifier is fitted.

    Attributes:
        column: the column of the table with the label; None to find it.
        background: whether the rows of labelled files that no segment touches have no label.
        precision: the precision of the thresholds, 0 to 1.
        l2: the strength of the penalty; None to choose it.
    """

    column: str | None = None
    background: bool = False
    precision: float = 0.9
    l2: float | None = None


@dataclass(frozen=True, slots=True)
class FitResult:
    """A classifier, and what the user should know.

    Attributes:
        head: the classifier.
        record: what its file says.
        notes: what the user should know.
    """

    head: LinearHead
    record: HeadRecord
    notes: tuple[str, ...]


def fit_classifier(output: FinishedOutput, table: str, options: FitOptions) -> FitResult:
    """Fit a linear classifier on the labelled rows of an output.

    The labelled rows are in memory, with 4 bytes for each feature.

    Args:
        output: the output.
        table: the table of labels, see `read_labels`.
        options: how it is fitted.

    Raises:
        UsageError: the table is wrong, or has labels in fewer than two files.
        OutputError: the output cannot be read.
    """
    if not 0 <= options.precision <= 1:
        raise UsageError(f"the precision is {options.precision:g}; wanted 0 to 1")
    if options.l2 is not None and not (options.l2 >= 0 and math.isfinite(options.l2)):
        raise UsageError(f"the strength of the penalty is {options.l2:g}; wanted a number of 0 or more")
    places = read_row_places(output)
    files = OutputFiles((entry.path for entry in output.record.files), output.record.folder or "")
    # Both number the files by the same list, because `places` has no number for a file without rows.
    labels = read_labels(table, files, places, column=options.column, background=options.background)
    rows = np.asarray(output.load_rows()[labels.rows], np.float32)
    is_finite = np.isfinite(rows).all(axis=1)
    notes = list(labels.notes)
    if not is_finite.all():
        notes.append(
            f"{np.count_nonzero(~is_finite)} labelled rows are left out, because a value is not finite"
        )
    rows, targets, row_files = (
        rows[is_finite],
        labels.targets[is_finite],
        places.files[labels.rows[is_finite]],
    )
    if len(np.unique(row_files)) < 2:
        raise UsageError(
            f"{format_path(table)}: the labelled rows are in fewer than two files, but the classifier is "
            "tested with files that it has not seen; label rows of more files"
        )
    fitted = select_head(
        rows, targets, row_files, labels.activation, precision=options.precision, l2=options.l2
    )
    provenance = output.record.provenance
    record = HeadRecord(
        specfeat=specfeat.__version__,
        classes=labels.classes,
        activation=labels.activation,
        l2=fitted.l2,
        precision=options.precision,
        thresholds=tuple(one.threshold for one in fitted.qualities),
        recalls=tuple(one.recall for one in fitted.qualities),
        average_precisions=tuple(one.average_precision for one in fitted.qualities),
        rows=len(rows),
        files=len(np.unique(row_files)),
        features=output.width,
        config=provenance.config,
        weights=_identify_weights(output),
        arrays_sha256=hash_arrays(fitted.head),
    )
    return FitResult(fitted.head, record, tuple(notes))


def _identify_weights(output: FinishedOutput) -> dict[str, int | str]:
    """Return the seed of random weights, or the SHA-256 of the weights file."""
    weights: dict[str, Any] = output.record.provenance.weights or {}
    return {key: weights[key] for key in ("random", "sha256") if key in weights}


def check_fits(output: FinishedOutput, record: HeadRecord, model: str) -> None:
    """Check that the rows of an output were computed with the config and the weights of a classifier.

    Args:
        output: the output.
        record: what the file of the classifier says.
        model: the path of the classifier, for messages.

    Raises:
        UsageError: they were not. The message names what differs.
    """
    present = output.record.provenance
    expected = replace(present, config=record.config, weights=dict(record.weights))
    differences = describe_differences(expected, present)
    if not differences and record.features != output.width:
        differences = f"features: {record.features}, now {output.width}"
    if differences:
        raise UsageError(
            f"{format_path(str(output.paths.array))}: its rows are not those that {format_path(model)} was "
            f"fitted on ({differences}); use an output of the same config and weights"
        )


def format_scores(output: FinishedOutput, head: LinearHead, record: HeadRecord) -> Iterator[bytes]:
    """Yield a CSV table with the scores of all rows, and the labels whose threshold a row reaches.

    Raises:
        OutputError: the output cannot be read.
    """
    return encode_lines(format_csv_lines(chain(
        [(*_COLUMNS, *record.classes)], _list_score_lines(output, head, record)
    )))  # fmt: skip


def _list_score_lines(
    output: FinishedOutput, head: LinearHead, record: HeadRecord
) -> Iterator[Sequence[str]]:
    places, row = read_row_places(output), 0
    thresholds = np.array([np.inf if one is None else one for one in record.thresholds])
    for block in output.read_blocks():
        for scores in head.compute_scores(block):
            labels = [record.classes[k] for k in np.flatnonzero(scores >= thresholds)]
            values = ("" if math.isnan(score) else f"{score:.6g}" for score in scores)
            yield (*_list_place(places, row), _SEPARATOR.join(labels), *values)
            row += 1


def _list_place(places: RowPlaces, row: int) -> Sequence[str]:
    entry = places.get_entry(row)
    channel = "" if entry.channel is None else str(entry.channel)
    return (str(row), entry.path, channel, repr(float(places.start_s[row])), repr(float(places.end_s[row])))
