"""Describes an output for the page of its report, and collects the arrays that the page needs."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.neighbors import find_neighbors
from specfeat.analysis.pca import fit_components
from specfeat.config.settings import Settings
from specfeat.files import format_path
from specfeat.output.finished_output import FinishedOutput
from specfeat.report.columns import describe_state, list_columns
from specfeat.report.data_block import DataBlock, PageFacts, choose_code_type
from specfeat.report.sound_files import FileFinder, ReportFile, make_printable

# Comparing all pairs of rows takes about ten seconds on two cores up to this many multiplications.
MAX_AUTOMATIC_MULTIPLICATIONS = 2e11
AUTOMATIC_NEIGHBORS = 12


@dataclass(frozen=True, slots=True)
class RowTable:
    """The rows of an output, with the columns of the index that a report always needs.

    Attributes:
        rows: the rows, shape (rows, width).
        index: the columns of the index.
        sounds: the number of the sound of each row in the record.
        files: the audio files, each once, in the order of the record.
        file_of_sound: the number of the file of each sound.
    """

    rows: NDArray[Any]
    index: dict[str, NDArray[Any]]
    sounds: NDArray[np.int64]
    files: Sequence[ReportFile]
    file_of_sound: NDArray[np.int64]


def read_row_table(output: FinishedOutput, folder: Path) -> RowTable:
    """Read the rows of an output.

    Args:
        output: the output.
        folder: the folder of the page, from which the addresses of files count.
    """
    finder = FileFinder(output, folder)
    numbers: dict[str, int] = {}
    files: list[ReportFile] = []
    file_of_sound = []
    for entry in output.record.files:
        if entry.path not in numbers:
            numbers[entry.path] = len(files)
            files.append(finder.describe_file(entry))
        file_of_sound.append(numbers[entry.path])
    return RowTable(
        output.load_rows(),
        output.read_index(),
        output.list_row_entries(),
        files,
        np.array(file_of_sound, np.int64),
    )


def describe_output(output: FinishedOutput, settings: Settings) -> PageFacts:
    """Return the facts about the output that the summary of the page shows."""
    record = output.record
    problems = [
        [
            make_printable(entry.path),
            describe_state(entry),
            make_printable(entry.error or ""),
            entry.at_s,
            entry.rows,
        ]
        for entry in record.files
        if describe_state(entry) != "ok" or entry.too_loud
    ]
    return {
        "name": format_path(os.fspath(output.paths.array)),
        "sha256": record.array.sha256,
        "config": make_printable(record.provenance.config.name),
        "version": record.provenance.versions.get("specfeat", ""),
        "started": record.started,
        "rows": output.row_count,
        "width": output.width,
        "sounds": len(record.files),
        "audioSeconds": record.audio_seconds,
        "counts": record.counts,
        "tooLoud": sum(entry.too_loud for entry in record.files),
        "skippedFiles": len(record.skipped_files),
        "sampleRate": settings.audio.sample_rate,
        "rowIsWholeFile": settings.rows.per == "file",
        "problems": problems,
    }


def add_rows(block: DataBlock, table: RowTable) -> PageFacts:
    """Add the file, the times and the place on the map of each row; return the facts about them."""
    codes = table.file_of_sound[table.sounds] if len(table.sounds) else table.sounds
    block.add("file", codes.astype(choose_code_type(len(table.files))))
    block.add("start_s", table.index["start_s"].astype(np.float64))
    block.add("end_s", table.index["end_s"].astype(np.float64))
    components = fit_components(table.rows)
    coordinates = components.project(table.rows)
    block.add("x", np.ascontiguousarray(coordinates[:, 0]))
    block.add("y", np.ascontiguousarray(coordinates[:, 1]))
    return {
        "files": [[file.path, file.url, file.problem] for file in table.files],
        "shares": [round(float(share), 4) for share in components.shares],
        "rowsWithoutPlace": int(np.isnan(coordinates[:, 0]).sum()),
    }


def add_columns(block: DataBlock, output: FinishedOutput, table: RowTable) -> list[PageFacts]:
    """Add the columns by which points are coloured; return their names and categories."""
    columns = list_columns(output, table.index, table.rows)
    for number, column in enumerate(columns):
        block.add(f"column{number}", column.values)
    return [{"name": column.name, "categories": column.categories} for column in columns]


def add_neighbors(block: DataBlock, rows: NDArray[Any], count: int | None) -> PageFacts:
    """Add the nearest neighbours of each row; return how many each row has, and whether they were left out.

    Args:
        block: where they are added.
        rows: the rows.
        count: how many; None for `AUTOMATIC_NEIGHBORS`, unless there are so many rows that it takes long.
    """
    multiplications = float(len(rows)) ** 2 * rows.shape[1]
    is_left_out = count is None and multiplications > MAX_AUTOMATIC_MULTIPLICATIONS
    wanted = 0 if is_left_out else AUTOMATIC_NEIGHBORS if count is None else count
    numbers, similarities = find_neighbors(rows, wanted)
    block.add("neighbors", numbers)
    block.add("similarities", similarities)
    return {"count": numbers.shape[1], "isLeftOut": is_left_out}


def make_identity(data: str) -> str:
    """Return the text by which a page recognises the data beside it."""
    return hashlib.sha256(data.encode("ascii")).hexdigest()
