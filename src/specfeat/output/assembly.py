"""Writes array and index of the new output into the work folder, from rows of this and earlier runs."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import specfeat
from specfeat.file_access import open_regular_file, sync_file, sync_open_file, sync_tree
from specfeat.files import wrap_os_errors
from specfeat.output.digests import OutputDigests, digest_file
from specfeat.output.feature_columns import find_feature_names
from specfeat.output.feature_table import ArrayLayout, Rows
from specfeat.output.formats.npy import FORMAT as NPY
from specfeat.output.formats.npy import read_rows_between
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import FinishedSound, StoredArray
from specfeat.output.records import ConfigIdentity, Provenance
from specfeat.output.rows_file import RowsFile
from specfeat.output.table_source import open_table

INDEX_NAME = "index.csv"  # its name in the work folder
# If the rows of an earlier output are needed in another order, and it is not a `.npy` file, they are copied
# to a file with this name in the work folder. Each such output has its own number.
PREVIOUS_ROWS_NAME = "previous{number}.npy"


class RowsInFile:
    """Rows that follow each other in one file.

    Args:
        sound: the sound to which the first rows belong.

    Attributes:
        path: the file.
        first: the number of the first row in it.
        count: the number of rows.
        stored_array: how the file is read; None if it is a `.npy` file.
    """

    def __init__(self, sound: FinishedSound) -> None:
        self.path = sound.rows_path
        self.first = sound.first_row
        self.count = sound.entry.rows
        self.stored_array: StoredArray | None = sound.stored_array


def get_array_path(paths: OutputPaths) -> Path:
    """Return the path in the work folder to which the array is written if rows must be copied."""
    return paths.work_folder / f"array.{paths.format_name}"


def list_prepared_names(folder: Path) -> list[str]:
    """Return the names of array and index in a work folder, if a run has prepared them.

    `out` can have any format, and always has the same work folder. So another run may have left an array of
    any format there.
    """
    patterns = ("array.*", PREVIOUS_ROWS_NAME.format(number="*"))
    return [*sorted(path.name for pattern in patterns for path in folder.glob(pattern)), INDEX_NAME]


def prepare_files(
    paths: OutputPaths,
    sounds: Sequence[FinishedSound],
    rows: RowsFile,
    provenance: Provenance,
    write_index: Callable[[BinaryIO], None],
) -> OutputDigests:
    """Write array and index into the work folder, and make sure that they are on the disk.

    Args:
        paths: the paths of the output.
        sounds: all sounds of the output, in the order of the inputs.
        rows: the rows file of this run.
        provenance: the provenance of the rows; most formats keep the config beside the rows.
        write_index: a function that writes the index to an open file.

    Raises:
        OutputError: a file cannot be read or written.
    """
    index = paths.work_folder / INDEX_NAME
    with wrap_os_errors(index), open_regular_file(index, "wb") as file:
        write_index(file)
        sync_open_file(file)
    array = _assemble_array(paths, sounds, rows, provenance)
    with wrap_os_errors(array, "read"):
        return OutputDigests(
            output=paths.array.name,
            array_format=paths.format_name,
            array=digest_file(array),
            index=digest_file(index),
        )


def _assemble_array(
    paths: OutputPaths, sounds: Sequence[FinishedSound], rows: RowsFile, provenance: Provenance
) -> Path:
    """Write the rows of all sounds, in the order of the inputs and in the format of the output, to the disk.

    Returns:
        The file that has the array: the rows file itself, or a new file.
    """
    spans = join_spans(sounds)
    if paths.format.is_rows_format and _are_all_rows(spans, rows):
        # The common case: this run has made all rows, in the order of the inputs. Nothing has to be copied.
        rows.finish()
        return rows.path
    array = get_array_path(paths)
    with wrap_os_errors(array):
        if paths.format.is_folder:
            array.mkdir()
        else:
            open_regular_file(array, "wb").close()  # makes it; refuses a link that another program has made
        _copy_stored_rows(spans, paths.work_folder)
        layout = ArrayLayout(
            rows=sum(span.count for span in spans),
            width=rows.width,
            dtype=rows.dtype,
            entries=tuple(sound.entry for sound in sounds if sound.entry.rows),
            feature_names=find_feature_names(provenance),
        )
        index = paths.work_folder / INDEX_NAME
        read_rows = partial(_read_spans, spans)
        metadata = describe_config(provenance.config)
        with open_table(paths.array, layout, index, metadata, read_rows) as table:
            paths.format.write_table(array, table)
        if paths.format.is_folder:
            sync_tree(array)
        else:
            sync_file(array)
    return array


def describe_config(config: ConfigIdentity) -> dict[str, str]:
    """Return the texts about the whole array, see `FeatureTable.metadata`."""
    return {
        "specfeat": specfeat.__version__,
        "config_sha256": config.sha256,
        "config": json.dumps(config.resolved),
    }


def _are_all_rows(spans: Sequence[RowsInFile], rows: RowsFile) -> bool:
    """Return whether the spans are all rows of the rows file, in their order; also true if there is none."""
    return [(span.path, span.first, span.count) for span in spans] in ([(rows.path, 0, rows.count)], [])


def join_spans(sounds: Sequence[FinishedSound]) -> list[RowsInFile]:
    """Return the spans of rows that the sounds have; sounds that follow each other give one span."""
    spans: list[RowsInFile] = []
    for sound in sounds:
        if not sound.entry.rows:
            continue
        last = spans[-1] if spans else None
        if last and (sound.rows_path, sound.first_row) == (last.path, last.first + last.count):
            last.count += sound.entry.rows
        else:
            spans.append(RowsInFile(sound))
    return spans


def _copy_stored_rows(spans: Sequence[RowsInFile], work_folder: Path) -> None:
    """Copy the rows of each earlier output that has another format than `.npy`, if several spans need them.

    Most formats can only be read from the start. So each row is read once, and not once for each span.

    Args:
        spans: the spans; those of a copied output then have the path of the copy.
        work_folder: the folder to which the copies are written.
    """
    span_counts = Counter(span.stored_array for span in spans if span.stored_array)
    for number, (stored_array, count) in enumerate(span_counts.items(), 1):
        if count == 1:
            continue
        # Merged shards can be several such outputs, so each of them has a copy of its own.
        copy = work_folder / PREVIOUS_ROWS_NAME.format(number=number)
        rows = stored_array.format.read_rows(stored_array.path, stored_array.layout)
        open_regular_file(copy, "wb").close()
        NPY.write_rows(copy, rows, stored_array.layout)
        for span in spans:
            if span.stored_array is stored_array:
                span.path, span.stored_array = copy, None


def _read_spans(spans: Sequence[RowsInFile]) -> Iterator[Rows]:
    for span in spans:
        if span.stored_array is None:
            yield from read_rows_between(span.path, span.first, span.count)
        else:
            yield from _read_stored_rows(span.stored_array, span.first, span.count)


def _read_stored_rows(stored_array: StoredArray, first: int, count: int) -> Iterator[Rows]:
    """Yield some rows of an array that can only be read from its start.

    Raises:
        RuntimeError: there are fewer rows.
    """
    position = 0
    for rows in stored_array.format.read_rows(stored_array.path, stored_array.layout):
        part = rows[max(0, first - position) : max(0, first + count - position)]
        position += len(rows)
        if len(part):
            yield part
        if position >= first + count:
            return
    if position < first + count:
        raise RuntimeError(f"{stored_array.path}: ends before row {first + count}")
