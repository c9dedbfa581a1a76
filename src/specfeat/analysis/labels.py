"""Labels of the rows of a finished output: read from a table, by row, by file or by segment."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.linear_head import Activation, Doubles
from specfeat.analysis.output_files import OutputFiles
from specfeat.analysis.row_places import RowPlaces
from specfeat.delimited_text import read_delimited_lines
from specfeat.errors import UsageError
from specfeat.files import format_path, from_record_name
from specfeat.segments.base import SegmentLine, format_place
from specfeat.segments.formats import find_segment_format
from specfeat.segments.formats.columns import choose_delimiter
from specfeat.text import format_count, join_names, suggest_name

# The columns that have the label if none is named; Raven's and BirdNET's are the last ones.
_LABEL_COLUMNS = ("label", "labels", "class", "Annotation", "Species", "Common Name")
_TYPE_COLUMN = "label_type"
_TYPES = ("positive", "negative", "uncertain")
_SEPARATOR = ";"
_MIN_SHARE = 0.5  # of the shorter one of row and segment, that they must have in common
_MAX_TIME_ERROR_S = 1e-6  # of the start of a row in a table, which can be rounded
_MAX_CLASSES = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class RowLabels:
    """The labels of rows.

    Attributes:
        rows: the numbers of the rows of which something is known, in order.
        classes: the labels in alphabetical order.
        targets: for each of these rows and each class 1, 0, or NaN if it is not known.
        activation: "softmax" if each row has exactly one label, else "sigmoid".
        notes: what the user should know.
    """

    rows: NDArray[np.int64]
    classes: tuple[str, ...]
    targets: Doubles
    activation: Activation
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _LabelLine:
    """What one line of a table says.

    Attributes:
        rows: the numbers of the rows that the line is about.
        touched_rows: the numbers of all rows that have a time in common with it.
        labels: the labels; empty for rows without a label.
        type: "positive", "negative" or "uncertain"; "" if the table does not have this column.
    """

    rows: NDArray[np.int64]
    touched_rows: NDArray[np.int64]
    labels: tuple[str, ...]
    type: str


def read_labels(
    table: str, files: OutputFiles, places: RowPlaces, *, column: str | None = None, background: bool = False
) -> RowLabels:
    """Read the labels of rows from a table.

    A table with a column `row` labels rows, whose files and starts must be right if it has them. Another
    table has segments, in any format of specfeat: a line without times labels all rows of a file, others the
    rows that they overlap by at least half of the row or half of the segment, whichever is shorter.

    Args:
        table: the path of the table.
        files: the audio files of the output.
        places: where the rows of the output are.
        column: the name of the column with the label; None to find it. A cell can have several labels with
            semicolons between them.
        background: whether the rows of labelled files that no segment touches have no label.

    Raises:
        UsageError: the table cannot be read, or has no label for any row.
    """
    names: list[str] = []
    lines = list(_read_lines(table, files, places, column, names))
    notes = []
    if names:
        notes.append(
            f"{format_path(table)}: {format_count(len(names), 'line')} left out, because the output does not "
            f"have their files, e.g. {format_path(names[0])}"
        )
    return _join_lines(table, lines, places, background, tuple(notes))


def _read_lines(
    table: str, files: OutputFiles, places: RowPlaces, column: str | None, unknown_names: list[str]
) -> Iterator[_LabelLine]:
    path = Path(table)
    if path.suffix.lower() in (".csv", ".tsv", ".txt") and path.is_file():
        lines = read_delimited_lines(path, "the table of labels", choose_delimiter(path), "surrogateescape")
        header = next(lines, (0, []))[1]
        if "row" in header:
            yield from _read_row_lines(path, header, lines, files, places, column)
            return
    segments = find_segment_format(path, None).read_table(path, {})
    label, kind = _find_columns(path, segments.columns, column)
    own_file: int | None = None
    for line in segments.lines:
        if line.paths:
            file = next(
                (k for k in (files.find_file(name, table) for name in line.paths) if k is not None), None
            )
            if file is None:
                unknown_names.append(line.paths[0])
                continue
        else:
            file = own_file = files.find_own_file(table) if own_file is None else own_file
        place = format_place(path, line.number)
        rows, touched = _find_rows(places, file, line)
        yield _LabelLine(rows, touched, *_read_cells(line.values, label, kind, place))


def _read_row_lines(
    path: Path,
    header: Sequence[str],
    lines: Iterable[tuple[int, list[str]]],
    files: OutputFiles,
    places: RowPlaces,
    column: str | None,
) -> Iterator[_LabelLine]:
    label, kind = _find_columns(path, header, column)
    position, count = header.index("row"), len(places.files)
    for number, values in lines:
        place, text = format_place(path, number), values[position].strip()
        if not (text.isascii() and text.isdecimal() and len(text) < 16 and int(text) < count):
            raise UsageError(f"{place}: row is {text[:40]!r}; the rows of the output are 0 to {count - 1}")
        if "path" in header:
            _check_row(path, number, dict(zip(header, values, strict=True)), files, places)
        rows = np.array([int(text)])
        yield _LabelLine(rows, rows, *_read_cells(values, label, kind, place))


def _check_row(
    path: Path, number: int, cells: Mapping[str, str], files: OutputFiles, places: RowPlaces
) -> None:
    """Check that the file and the start that a line gives for a row are those of the row.

    Raises:
        UsageError: they are not, so the table belongs to another output.
    """
    row, name = int(cells["row"]), cells["path"]
    own_name, start_s = places.get_entry(row).path, float(places.start_s[row])
    # The page of a report has U+FFFD in place of bytes that are not UTF-8.
    printable = own_name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = cells.get("start_s", cells.get("start", "")).strip()
    if name in (own_name, printable) or files.find_file(name, str(path)) == places.files[row]:
        try:
            if not text or abs(float(text) - start_s) < _MAX_TIME_ERROR_S:
                return
        except ValueError:
            pass
    raise UsageError(
        f"{format_place(path, number)}: row {row} of the output is that of "
        f"{format_path(from_record_name(own_name))} at {start_s:g} s, but the line has "
        f"{format_path(from_record_name(name))}{text and f' at {text[:40]}'}; use the output of the table"
    )


def _find_columns(path: Path, columns: Sequence[str], name: str | None) -> tuple[int, int | None]:
    """Return the positions of the column with the label, and of the column with its type or None."""
    wanted = _LABEL_COLUMNS if name is None else (name,)
    label = next((columns.index(one) for one in wanted if one in columns), None)
    if label is None:
        raise UsageError(
            f"{format_path(str(path))}: has no column {wanted[0]!r}{suggest_name(wanted[0], columns)}; "
            f"it has {join_names(columns) or 'no other columns'}"
        )
    return label, columns.index(_TYPE_COLUMN) if _TYPE_COLUMN in columns else None


def _read_cells(
    values: Sequence[str], label: int, kind: int | None, place: str
) -> tuple[tuple[str, ...], str]:
    labels = tuple(text.strip() for text in values[label].split(_SEPARATOR) if text.strip())
    type_name = "" if kind is None else values[kind].strip().lower() or "positive"
    if type_name and type_name not in _TYPES:
        raise UsageError(f"{place}: {_TYPE_COLUMN} is {type_name[:40]!r}; wanted {join_names(_TYPES, 'or')}")
    return labels, type_name


def _find_rows(
    places: RowPlaces, file: int, line: SegmentLine
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows that a line of a table of segments labels, and all rows that it touches."""
    part = line.part
    rows = np.flatnonzero(places.files == file)
    if part.channel is not None:
        channels = [places.get_entry(int(row)).channel for row in rows]
        rows = rows[[channel in (None, part.channel) for channel in channels]]
    if part.start_s is None and part.end_s is None:
        return rows, rows
    start_s, end_s = part.start_s or 0.0, math.inf if part.end_s is None else part.end_s
    common = np.minimum(places.end_s[rows], end_s) - np.maximum(places.start_s[rows], start_s)
    shorter = np.minimum(places.end_s[rows] - places.start_s[rows], end_s - start_s)
    # The times are rounded, so a row of which exactly half is covered needs some room.
    return rows[common >= _MIN_SHARE * shorter - 1e-9], rows[common > 0]


def _join_lines(
    table: str, lines: Sequence[_LabelLine], places: RowPlaces, background: bool, notes: tuple[str, ...]
) -> RowLabels:
    classes = tuple(sorted({label for line in lines for label in line.labels}))
    name = format_path(table)
    if not classes or not any(len(line.rows) for line in lines):
        raise UsageError(f"{name}: has no label for a row of the output")
    if len(classes) > _MAX_CLASSES:
        raise UsageError(f"{name}: has {len(classes)} different labels; at most {_MAX_CLASSES} are possible")
    numbers = {label: number for number, label in enumerate(classes)}
    has_types = any(line.type for line in lines)
    rows = np.unique(np.concatenate([line.rows for line in lines]))
    if background:
        labelled = np.flatnonzero(np.isin(places.files, places.files[rows]))
        touched = np.concatenate([line.touched_rows for line in lines])
        rows = np.union1d(rows, np.setdiff1d(labelled, touched))
    # Without types, the labels of a row are all that it has. With types, only what the table says is known.
    targets = np.full((len(rows), len(classes)), np.nan if has_types else 0.0)
    if background:
        targets[~np.isin(rows, np.concatenate([line.rows for line in lines]))] = 0.0
    values = {"negative": 0.0, "uncertain": np.nan}
    for line in sorted(lines, key=lambda line: line.type):  # positive after negative, uncertain last
        columns = np.array([numbers[label] for label in line.labels], np.int64)
        targets[np.ix_(np.searchsorted(rows, line.rows), columns)] = values.get(line.type, 1.0)
    is_known = ~np.isnan(targets).all(axis=1)
    rows, targets = rows[is_known], targets[is_known]
    is_single = not has_types and bool((targets.sum(axis=1) == 1).all()) and len(classes) > 1
    _check_targets(name, classes, targets)
    return RowLabels(rows, classes, targets, "softmax" if is_single else "sigmoid", notes)


def _check_targets(name: str, classes: Sequence[str], targets: Doubles) -> None:
    for label, column in zip(classes, targets.T, strict=True):
        for value, words in ((1.0, "with"), (0.0, "without")):
            if not (column == value).any():
                raise UsageError(
                    f"{name}: no row is known to be {words} the label {label!r}; label some, e.g. with the "
                    "column label_type (positive, negative), with an empty label, or as background"
                )
