"""The index: a CSV file with one line for each row of the array."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from specfeat.config.row_spans import RowSpan
from specfeat.config.settings import Settings
from specfeat.output.records import SoundEntry

COLUMNS = ("row", "path", "channel", "start_s", "end_s", "padded", "status")
TIME_COLUMNS = ("segment_start_s", "segment_end_s")
ID_COLUMN = "id"
# Lines are collected and written in blocks of this size, because one file of 24 hours can have 180,000 lines.
_BLOCK_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundColumns:
    """The columns of an index that come after `COLUMNS`. Their values are the same in all rows of a sound.

    Attributes:
        has_times: whether there are the columns `TIME_COLUMNS`. They have the times at which the parts of
            files begin and end, as the user gave them; a time that the user did not give is empty.
        has_ids: whether there is the column `ID_COLUMN`, with the ids of parts of files.
        additional: the names of the columns that the user has added, see `RunRecord.columns`.
    """

    has_times: bool = False
    has_ids: bool = False
    additional: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return (
            *(TIME_COLUMNS if self.has_times else ()),
            *((ID_COLUMN,) if self.has_ids else ()),
            *self.additional,
        )

    def list_values(self, entry: SoundEntry) -> Iterator[str]:
        """Yield the values of one sound, in the order of `names`."""
        if self.has_times:
            yield from ("" if time is None else repr(time) for time in (entry.start_s, entry.end_s))
        if self.has_ids:
            yield entry.id or ""
        yield from entry.columns


def find_sound_columns(entries: Sequence[SoundEntry], additional: tuple[str, ...]) -> SoundColumns:
    """Return the columns of the index of some sounds, after `COLUMNS`.

    Args:
        entries: the sounds.
        additional: the names of the columns that the user has added.
    """
    return SoundColumns(
        has_times=any(entry.start_s is not None or entry.end_s is not None for entry in entries),
        has_ids=any(entry.id is not None for entry in entries),
        additional=additional,
    )


def write_index(
    settings: Settings, entries: Sequence[SoundEntry], columns: tuple[str, ...], file: IO[bytes]
) -> None:
    """Write the index of an output.

    Args:
        settings: the settings with which the rows were made.
        entries: the sounds, in the order of their rows.
        columns: the names of the columns that the user has added.
        file: the open file that is written.
    """
    sound_columns = find_sound_columns(entries, columns)
    index = IndexWriter(file, settings.audio.description, settings.audio.sample_rate, sound_columns)
    for entry in entries:
        if entry.rows:
            index.add_sound(entry, settings.iterate_row_spans(entry.samples))


class IndexWriter:
    """Writes `row,path,channel,start_s,end_s,padded,status` to a CSV file.

    Times are seconds from the start of the file: whole samples divided by the sample rate. They have as many
    digits as are needed to get the same float64 again. For a part of a file, the part's `start_s` is added.
    `padded` is the share of the row's clips, 0..1, that is silence after the end of the sound. `status` is
    "ok", or "partial" for a file that broke in the middle.

    Args:
        file: the open file that is written.
        channels: the channels of the config (`Audio.description`). It is the `channel` of all sounds that
            name no channel.
        sample_rate: the config's sample rate, in Hz.
        sound_columns: the columns after these.
        first_row: the number of the first row that is written.
    """

    def __init__(
        self,
        file: IO[bytes],
        channels: str | int,
        sample_rate: int,
        sound_columns: SoundColumns = SoundColumns(),
        first_row: int = 0,
    ) -> None:
        self._rows = first_row
        self._channels = channels
        self._sample_rate = sample_rate
        self._sound_columns = sound_columns
        self._file = file
        self._block = io.StringIO()
        self._csv = csv.writer(self._block, lineterminator="\n")
        self._quoting_csv = csv.writer(self._block, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self._csv.writerow((*COLUMNS, *sound_columns.names))
        self._flush()  # an index without rows has its header, too

    def add_sound(self, entry: SoundEntry, spans: Iterable[RowSpan]) -> None:
        """Write the lines of one sound, whose rows are the next ones in the array.

        Args:
            entry: the sound.
            spans: the samples of each of its rows, counted from the start of the sound.
        """
        values = tuple(self._sound_columns.list_values(entry))
        # Python's csv writes a carriage return without quotes, and a reader would take it for the end of the
        # line.
        has_return = any("\r" in text for text in (entry.path, *values))
        writer = self._quoting_csv if has_return else self._csv
        channel = self._channels if entry.channel is None else entry.channel
        offset_s = entry.start_s or 0.0
        for span in spans:
            start = repr(offset_s + span.start / self._sample_rate)
            end = repr(offset_s + span.end / self._sample_rate)
            padded = f"{span.compute_padded_share(entry.samples):.6g}"
            writer.writerow((self._rows, entry.path, channel, start, end, padded, entry.status, *values))
            self._rows += 1
            if self._block.tell() > _BLOCK_CHARACTERS:
                self._flush()
        self._flush()

    def _flush(self) -> None:
        """Write the collected lines to the file; a name that is not UTF-8 keeps its bytes."""
        self._file.write(self._block.getvalue().encode("utf-8", "surrogateescape"))
        self._block.seek(0)
        self._block.truncate()
