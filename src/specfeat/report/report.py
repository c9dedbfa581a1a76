"""Writes the report of a finished output: one HTML page, or a page and a file with its data."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.output_settings import read_output_settings
from specfeat.atomic_file import write_atomically
from specfeat.config.settings import Settings
from specfeat.errors import UsageError
from specfeat.file_access import check_new_path, is_existing_folder
from specfeat.output.finished_output import FinishedOutput, open_output
from specfeat.report import description
from specfeat.report.audio_snippets import check_snippet_size, cut_snippets
from specfeat.report.data_block import DataBlock, PageFacts
from specfeat.report.page_text import build_data_script, build_page
from specfeat.report.row_choice import choose_rows, list_starts_in_sound
from specfeat.report.thumbnails import make_thumbnails

MAX_THUMBNAILS = 10_000
MAX_NEIGHBORS = 100
_SUFFIXES = (".html", ".htm")
# This much audio may be read for each thumbnail, so long sounds have thumbnails only near their start.
_SECONDS_PER_THUMBNAIL = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What a report contains.

    Attributes:
        thumbnails: the largest number of thumbnails, 0 to `MAX_THUMBNAILS`.
        embedded_audio: how many rows get a snippet of audio inside the page.
        neighbors: how many neighbours each row gets, 0 to `MAX_NEIGHBORS`. None means
            `description.AUTOMATIC_NEIGHBORS`, or 0 if finding them would take long.
        has_data_beside: whether the data is written to a file beside the page.
        replaces: whether an existing report is replaced.
    """

    thumbnails: int = 1000
    embedded_audio: int = 0
    neighbors: int | None = None
    has_data_beside: bool = False
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What a report contains, for the message at the end.

    Attributes:
        page: the path of the page.
        rows: the number of points.
        thumbnails: the number of thumbnails.
        missing_sounds: sounds whose file is missing or changed, so that they have no thumbnail.
        unplayable_files: files that a browser cannot play.
        snippets: the number of rows with a snippet of audio inside the page.
        has_no_neighbors: whether neighbours were left out because finding them would take long.
        size: the size of the page and of the data beside it, in bytes.
    """

    page: Path
    rows: int
    thumbnails: int
    missing_sounds: int
    unplayable_files: int
    snippets: int
    has_no_neighbors: bool
    size: int


def write_report(array: str | os.PathLike[str], page: Path | None, options: ReportOptions) -> ReportSummary:
    """Write the report of a finished output.

    Args:
        array: the array of the output.
        page: the path of the page; None for `out.report.html` beside `out.npy`.
        options: what the report contains.

    Raises:
        UsageError: the array does not belong to a complete output, or the page has a wrong name or exists.
        OutputError: the output cannot be read, or the page cannot be written.
    """
    output = open_output(array)
    page = page or output.paths.index.with_name(output.paths.index.name[: -len("index.csv")] + "report.html")
    data_path = page.with_suffix(".data.js")
    _check_page(page, data_path if options.has_data_beside else None, replaces=options.replaces)
    settings = read_output_settings(output)
    check_snippet_size(settings, options.embedded_audio)
    block = DataBlock()
    facts = _describe(output, settings, block, page.parent, options)
    data = block.finish()
    facts["arrays"] = block.arrays
    facts["identity"] = description.make_identity(data)
    title = f"{facts['output']['name']}: report of specfeat"
    if options.has_data_beside:
        # The data comes first: a page without its data would be useless.
        script = build_data_script(data, facts["identity"]).encode("ascii")
        write_atomically(data_path, script)
        text = build_page(title, facts, "", f"./{quote(os.fsencode(data_path.name))}")
    else:
        script = b""
        text = build_page(title, facts, data)
    content = text.encode("utf-8")
    write_atomically(page, content)
    return _summarize(page, facts, len(content) + len(script))


def _check_page(page: Path, data_path: Path | None, *, replaces: bool) -> None:
    """Check the path of the page before any work is done.

    Raises:
        UsageError: the name is not that of a page, its folder does not exist, or it exists.
    """
    if page.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{page}: is not the name of a page; give a name that ends in .html")
    if not is_existing_folder(page.parent):
        raise UsageError(f"{page.parent}: no such folder for the page; make it first: mkdir -p {page.parent}")
    for path in filter(None, (page, data_path)):
        if os.path.lexists(path) and not path.is_file():
            raise UsageError(f"{path}: is not a regular file; give the page another name")
        check_new_path(path, force=replaces)


def _describe(
    output: FinishedOutput, settings: Settings, block: DataBlock, folder: Path, options: ReportOptions
) -> PageFacts:
    """Add all arrays to the block, and return the description of the output for the page."""
    table = description.read_row_table(output, folder)
    facts: PageFacts = {
        "schema": 1,
        "output": description.describe_output(output, settings),
        **description.add_rows(block, table),
        "columns": description.add_columns(block, output, table),
        "neighbors": description.add_neighbors(block, table.rows, options.neighbors),
    }
    starts = list_starts_in_sound(output, table.index["start_s"], table.sounds)
    rows = choose_rows(starts, table.sounds, options.thumbnails, options.thumbnails * _SECONDS_PER_THUMBNAIL)
    thumbnails = make_thumbnails(output, settings, rows)
    block.add("thumbnail_rows", thumbnails.rows)
    block.add("thumbnails", thumbnails.pictures)
    facts["thumbnails"] = {
        "count": len(thumbnails.rows),
        "lowest": thumbnails.lowest,
        "highest": thumbnails.highest,
        "missingSounds": thumbnails.missing_sounds,
    }
    facts["snippets"] = _add_snippets(output, settings, block, table, options.embedded_audio)
    return facts


def _add_snippets(
    output: FinishedOutput,
    settings: Settings,
    block: DataBlock,
    table: description.RowTable,
    count: int,
) -> PageFacts:
    """Add snippets of audio: first of rows whose file a browser cannot play, then of other rows."""
    starts_s, ends_s = table.index["start_s"], table.index["end_s"]
    rows = _choose_snippet_rows(table, count)
    snippets = cut_snippets(output, settings, rows, starts_s, ends_s)
    block.add("snippet_rows", snippets.rows)
    block.add("snippet_starts_s", snippets.starts_s)
    block.add("snippet_ends", snippets.ends)
    block.add("snippet_samples", snippets.samples)
    return {"count": len(snippets.rows), "rate": settings.audio.sample_rate}


def _choose_snippet_rows(table: description.RowTable, count: int) -> NDArray[np.int64]:
    """Return at most `count` rows, sorted; rows of files that a browser cannot play come first."""
    if not count or not len(table.sounds):
        return np.empty(0, np.int64)
    has_problem = np.array([bool(file.problem) for file in table.files])
    is_unplayable = has_problem[table.file_of_sound[table.sounds]]
    needed = _spread(np.flatnonzero(is_unplayable), count)
    other = _spread(np.flatnonzero(~is_unplayable), count - len(needed))
    return np.sort(np.concatenate([needed, other]))


def _spread(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return at most `count` of the rows, spread evenly."""
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(np.int64)]


def _summarize(page: Path, facts: PageFacts, size: int) -> ReportSummary:
    return ReportSummary(
        page=page,
        rows=facts["output"]["rows"],
        thumbnails=facts["thumbnails"]["count"],
        missing_sounds=facts["thumbnails"]["missingSounds"],
        unplayable_files=sum(bool(file[2]) for file in facts["files"]),
        snippets=facts["snippets"]["count"],
        has_no_neighbors=facts["neighbors"]["isLeftOut"],
        size=size,
    )
