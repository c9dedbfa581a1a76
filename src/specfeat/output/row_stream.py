"""Writes the rows of sounds to a stream as text, one sound after another."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from specfeat.config.settings import Settings
from specfeat.output.assembly import describe_config
from specfeat.output.feature_columns import find_feature_names
from specfeat.output.feature_table import ArrayLayout, TableBlock, join_rows
from specfeat.output.formats.npy import read_rows_between
from specfeat.output.index import COLUMNS, IndexWriter, find_sound_columns
from specfeat.output.index_reader import IndexColumn, IndexReader, read_columns
from specfeat.output.records import SoundEntry
from specfeat.output.sound_names import list_utterance_ids
from specfeat.output.table_source import count_block_rows, list_taken_names
from specfeat.output.text_format import StreamedFormat
from specfeat.output.work_folder import WorkFolder
from specfeat.sound import Sound

_COLUMNS_NAME = "columns.csv"  # the name of a temporary index, from which the columns are found


class RowStream:
    """A stream to which the rows of each sound are written when the sound is finished.

    The bytes are those of a file in the same format, whose sounds are those that have been written.

    Args:
        file: the stream.
        output_format: the format of the text.
        work_folder: the work folder of the run, whose rows are written.
        folder: a folder for a temporary file.
    """

    def __init__(
        self, file: BinaryIO, output_format: StreamedFormat, work_folder: WorkFolder, folder: Path
    ) -> None:
        self._file = file
        self._format = output_format
        self._work_folder = work_folder
        self._folder = folder
        self._row_count = 0
        self._columns: tuple[IndexColumn, ...] | None = None
        self._utterances: dict[object, str] = {}
        self._planned_entries: tuple[SoundEntry, ...] = ()
        self._settings: Settings | None = None

    def begin(self, settings: Settings, sounds: Sequence[Sound], columns: tuple[str, ...]) -> None:
        """Take over what the run is going to do. Nothing is written before the first row.

        Args:
            settings: the settings of the run.
            sounds: the sounds of the run, in order.
            columns: the additional columns of the index.
        """
        self._settings = settings
        self._planned_entries = tuple(map(_make_planned_entry, sounds))
        keys = [entry.key for entry in self._planned_entries]
        self._utterances = dict(zip(keys, list_utterance_ids(keys), strict=True))
        self._sound_columns = find_sound_columns(self._planned_entries, columns)

    def write_sound(self, entry: SoundEntry) -> None:
        """Write the rows of a finished sound, which are the last ones in the work folder.

        Raises:
            OSError: the stream cannot be written.
            BrokenPipeError: nobody reads the stream any more.
        """
        if not entry.rows:
            return
        layout = self._make_layout(entry)
        if self._columns is None:
            self._columns = self._find_columns(layout)
            self._write(self._format.format_header(self._columns, layout))
        blocks = self._read_blocks(entry, layout, self._columns)
        for text in self._format.format_sound(self._utterances[entry.key], blocks, layout):
            self._write(text)
        self._file.flush()
        self._row_count += entry.rows

    def _write(self, text: str) -> None:
        self._file.write(text.encode())

    def _make_layout(self, entry: SoundEntry) -> ArrayLayout:
        provenance = self._work_folder.provenance
        return ArrayLayout(
            rows=entry.rows,
            width=provenance.width,
            dtype=provenance.dtype,
            entries=(entry,),
            feature_names=find_feature_names(provenance),
        )

    def _find_columns(self, layout: ArrayLayout) -> tuple[IndexColumn, ...]:
        """Return the columns of a table of all sounds of the run; some depend on the bytes of the names."""
        path = self._folder / _COLUMNS_NAME
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow((*COLUMNS, *self._sound_columns.names))
        for entry in self._planned_entries:
            empty_values = [""] * (len(COLUMNS) - 2)
            writer.writerow(("", entry.path, *empty_values, *self._sound_columns.list_values(entry)))
        path.write_bytes(lines.getvalue().encode("utf-8", "surrogateescape"))
        metadata = describe_config(self._work_folder.provenance.config)
        with IndexReader(path, *list_taken_names(layout, metadata)) as reader:
            return reader.columns

    def _read_blocks(
        self, entry: SoundEntry, layout: ArrayLayout, columns: tuple[IndexColumn, ...]
    ) -> Iterator[TableBlock]:
        rows_file = self._work_folder.rows
        arrays = read_rows_between(rows_file.path, rows_file.count - entry.rows, entry.rows)
        lines = self._list_index_lines(entry)
        for rows in join_rows(arrays, count_block_rows(layout)):
            yield TableBlock(rows, read_columns(lines, len(rows), columns))

    def _list_index_lines(self, entry: SoundEntry) -> Iterator[list[str]]:
        """Return the lines of the index for the rows of a sound."""
        if self._settings is None:
            raise RuntimeError("no sound can be written before `begin`")
        audio, index = self._settings.audio, io.BytesIO()
        writer = IndexWriter(
            index, audio.description, audio.sample_rate, self._sound_columns, self._row_count
        )
        writer.add_sound(entry, self._settings.iterate_row_spans(entry.samples))
        text = index.getvalue().decode("utf-8", "surrogateescape")
        lines = csv.reader(io.StringIO(text, newline=""))
        next(lines)  # the header
        return lines


def _make_planned_entry(sound: Sound) -> SoundEntry:
    """Return the entry of a sound that has not been read."""
    part = sound.part
    return SoundEntry(
        path=sound.key.name,
        channel=part.channel,
        start_s=part.start_s,
        end_s=part.end_s,
        id=part.id,
        may_end_early=part.may_end_early,
        columns=sound.columns,
        size=None,
        mtime_ns=None,
        status="ok",
        rows=0,
        samples=0,
        seconds=0.0,
    )
