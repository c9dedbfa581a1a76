"""Reads a finished output: its rows, its index and its record. Commands that examine an output begin here."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.anonymous_file import open_temporary_file
from specfeat.errors import UsageError
from specfeat.files import from_record_name, wrap_os_errors
from specfeat.output.feature_columns import name_features
from specfeat.output.feature_table import ArrayLayout, Rows
from specfeat.output.formats.npy import make_header
from specfeat.output.index_reader import IndexReader
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import (
    PreviousOutput,
    find_output_paths,
    make_layout,
    read_previous_output,
    verify_output,
)
from specfeat.output.records import RunRecord, SoundEntry

_BLOCK_LINES = 4096  # of the index; they are Python objects until they are in arrays
_TYPES: dict[str, Any] = {"integer": np.int64, "number": np.float64, "text": object}


@dataclass(frozen=True, slots=True)
class FinishedOutput:
    """A complete output.

    Attributes:
        paths: the paths of array, index and record.
        contents: the output, as its record describes it.
        layout: the number of rows, their width and type, and the sounds that have rows.
    """

    paths: OutputPaths
    contents: PreviousOutput
    layout: ArrayLayout

    @property
    def record(self) -> RunRecord:
        """The record of the output."""
        return self.contents.record

    @property
    def row_count(self) -> int:
        """The number of rows."""
        return self.layout.rows

    @property
    def width(self) -> int:
        """The number of features in a row."""
        return self.layout.width

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each column of the array, see `name_features`."""
        return name_features(self.record.provenance)

    def read_blocks(self) -> Iterator[Rows]:
        """Yield all rows in order, as arrays of shape (n, width) of a few MB each.

        Raises:
            OutputError: the array cannot be read.
        """
        with wrap_os_errors(self.paths.array, "read"):
            yield from self.paths.format.read_rows(self.paths.array, self.layout)

    def load_rows(self) -> NDArray[Any]:
        """Return all rows as one array of shape (rows, width) that cannot be written.

        It is a memory map, so rows need memory only while they are used. The rows of a format other than
        `.npy` are first copied into a temporary file without a name.

        Raises:
            OutputError: the array cannot be read, or the temporary file cannot be written.
        """
        shape, dtype = (self.row_count, self.width), self.layout.dtype
        if not self.row_count:  # an empty file cannot be mapped
            return np.empty(shape, dtype)
        with wrap_os_errors(self.paths.array, "read"):
            if self.paths.format.is_rows_format:
                offset = len(make_header(*shape, dtype))
                return np.memmap(self.paths.array, dtype, mode="r", offset=offset, shape=shape)
            with open_temporary_file() as file:
                for rows in self.read_blocks():
                    file.write(np.ascontiguousarray(rows, dtype).data)
                file.flush()
                return np.memmap(file, dtype, mode="r", shape=shape)

    def read_index(self) -> dict[str, NDArray[Any]]:
        """Return the columns of the index, each as an array with one value for each row.

        Integers are int64, numbers float64, and texts are Python objects of the type str. A name with bytes
        that are not UTF-8 has U+FFFD in their place, see `IndexReader`.

        Raises:
            OutputError: the index cannot be read.
        """
        # The same text, such as a path, stands in many lines; one object for all of them saves memory.
        known_texts: dict[str, str] = {}
        with wrap_os_errors(self.paths.index, "read"), IndexReader(self.paths.index) as reader:
            columns = {
                column.name: np.empty(self.row_count, _TYPES[column.kind]) for column in reader.columns
            }
            for first in range(0, self.row_count, _BLOCK_LINES):
                lines = reader.read_lines(min(_BLOCK_LINES, self.row_count - first))
                for name, values in lines.items():
                    if columns[name].dtype == object:
                        values = [known_texts.setdefault(text, text) for text in values]
                    columns[name][first : first + len(values)] = values
        return columns

    def list_row_entries(self) -> NDArray[np.int64]:
        """Return for each row the position of its sound in `record.files`, from 0."""
        counts = [entry.rows for entry in self.record.files]
        return np.repeat(np.arange(len(counts), dtype=np.int64), counts)

    def find_file(self, entry: SoundEntry) -> Path:
        """Return the audio file of a sound; it may have been removed since.

        A relative path belongs to the folder in which the run was started. If the file is not there, it is
        looked for in the current folder and beside the output, because outputs are moved and copied.

        Args:
            entry: the sound.
        """
        path = Path(from_record_name(entry.path))
        folders = [Path(self.record.folder or ""), Path(), self.paths.array.parent]
        places = [folder / path for folder in folders]  # an absolute path replaces the folder
        return next((place for place in places if place.exists()), places[0])

    def verify(self) -> None:
        """Read array and index, and compare them with the hashes in the record.

        Raises:
            UsageError: array or index has been changed since it was written.
            OutputError: array or index cannot be read.
        """
        with explain_refusal("only an unchanged output can be used"):
            verify_output(self.contents, self.paths)


def open_output(array: str | os.PathLike[str]) -> FinishedOutput:
    """Open a finished output, and check that its array and its index belong to its record.

    Their sizes and the layout are compared; `FinishedOutput.verify` also compares their hashes.

    Args:
        array: the array of the output, in any format, e.g. "out.npy". Index and record are beside it.

    Raises:
        UsageError: it is not a complete output.
        OutputError: a file cannot be read.
    """
    paths = find_output_paths(Path(array))
    with explain_refusal("only a complete output can be used"):
        contents = read_previous_output(paths)
    return FinishedOutput(paths, contents, make_layout(contents.record))


@contextmanager
def explain_refusal(requirement: str) -> Iterator[None]:
    """Append a requirement to the message of each usage error, in place of the error's remedy.

    The remedies of an incomplete output are for commands that extract: they can write this output again.

    Args:
        requirement: which outputs are wanted, e.g. "only a complete output can be converted".

    Raises:
        UsageError: the code in the context has raised one.
    """
    try:
        yield
    except UsageError as e:
        raise UsageError(f"{e}; {requirement}") from None
