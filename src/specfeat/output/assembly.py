"""Writes array and index of the new output into the work folder, from rows of this and earlier runs."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from specfeat.file_access import open_regular_file, sync_file, sync_open_file
from specfeat.files import wrap_os_errors
from specfeat.output.digests import OutputDigests, digest_file
from specfeat.output.formats import find_format, find_suffix, list_suffixes
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import FinishedSound
from specfeat.output.rows_file import RowsFile

INDEX_NAME = "index.csv"  # its name in the work folder
RowSpan = tuple[Path, int, int]  # a file, the first row in it and the number of rows


def get_array_path(paths: OutputPaths) -> Path:
    """Return the path in the work folder to which the array is written if rows must be copied."""
    return paths.work_folder / f"array{find_suffix(paths.array)}"


def list_prepared_names() -> list[str]:
    """Return all names that array and index can have in a work folder.

    `out.npy` and an output of another format, `out.x`, have the same work folder. So another run may have
    left an array of any format there.
    """
    return [*(f"array{suffix}" for suffix in list_suffixes()), INDEX_NAME]


def prepare_files(
    paths: OutputPaths,
    sounds: Sequence[FinishedSound],
    rows: RowsFile,
    write_index: Callable[[BinaryIO], None],
) -> OutputDigests:
    """Write array and index into the work folder, and make sure that they are on the disk.

    Args:
        paths: the paths of the output.
        sounds: all sounds of the output, in the order of the inputs.
        rows: the rows file of this run.
        write_index: a function that writes the index to an open file.

    Raises:
        OutputError: a file cannot be read or written.
    """
    array = _assemble_array(paths, sounds, rows)
    index = paths.work_folder / INDEX_NAME
    with wrap_os_errors(index), open_regular_file(index, "wb") as file:
        write_index(file)
        sync_open_file(file)
    with wrap_os_errors(array, "read"):
        return OutputDigests(output=paths.array.name, array=digest_file(array), index=digest_file(index))


def _assemble_array(paths: OutputPaths, sounds: Sequence[FinishedSound], rows: RowsFile) -> Path:
    """Write the rows of all sounds, in the order of the inputs and in the format of the output, to the disk.

    Returns:
        The file that has the array: the rows file itself, or a new file.
    """
    spans = list(join_spans(sounds))
    if paths.format.is_rows_format and spans in ([(rows.path, 0, rows.count)], []):
        # The common case: this run has made all rows, in the order of the inputs. Nothing has to be copied.
        rows.finish()
        return rows.path
    array = get_array_path(paths)
    with wrap_os_errors(array):
        open_regular_file(array, "wb").close()  # makes the file; refuses a link that another program has made
        row_count = sum(count for _, _, count in spans)
        paths.format.write_array(array, _read_spans(spans), (row_count, rows.width))
        sync_file(array)
    return array


def join_spans(sounds: Sequence[FinishedSound]) -> Iterator[RowSpan]:
    """Yield the spans of rows that the sounds have; sounds that follow each other in a file give one span."""
    path, first, count = Path(), 0, 0
    for sound in sounds:
        if not sound.entry.rows:
            continue
        if count and (sound.rows_path, sound.first_row) == (path, first + count):
            count += sound.entry.rows
            continue
        if count:
            yield path, first, count
        path, first, count = sound.rows_path, sound.first_row, sound.entry.rows
    if count:
        yield path, first, count


def _read_spans(spans: Sequence[RowSpan]) -> Iterator[NDArray[np.float32]]:
    for path, first, count in spans:
        yield from find_format(path).read_rows(path, first, count)
