"""The index: a CSV file with one line for each row of the array."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from specfeat.config.clip_grid import ClipSpan
from specfeat.config.settings import Settings
from specfeat.output.records import SoundEntry

COLUMNS = ("row", "path", "channel", "start_s", "end_s", "padded", "status")
# Lines are collected and written in blocks of this size, because one file of 24 hours can have 180,000 lines.
_BLOCK_CHARACTERS = 100_000


def write_index(settings: Settings, entries: Sequence[SoundEntry], file: BinaryIO) -> None:
    """Write the index of an output.

    Args:
        settings: the settings with which the rows were made.
        entries: the sounds, in the order of their rows.
        file: the open file that is written.
    """
    has_ids = any(entry.id is not None for entry in entries)
    index = IndexWriter(file, settings.audio.channels, settings.audio.sample_rate, has_ids=has_ids)
    for entry in entries:
        if entry.rows:
            index.add_sound(entry, settings.clip_grid.iterate_spans(entry.samples))


class IndexWriter:
    """Writes `row,path,channel,start_s,end_s,padded,status` to a CSV file.

    Times are seconds from the start of the file: whole samples divided by the sample rate. They have as many
    digits as are needed to get the same float64 again. For a part of a file, the part's `start_s` is added.
    `padded` is the share of the clip, 0..1, that is silence after the end of the sound. `status` is "ok", or
    "partial" for a file that broke in the middle.

    Args:
        file: the open file that is written.
        channels: the config's `audio.channels`. It is the `channel` of all sounds that name no channel.
        sample_rate: the config's sample rate, in Hz.
        has_ids: whether there is a last column `id`, with the ids of parts of files.
    """

    def __init__(
        self, file: BinaryIO, channels: str | int, sample_rate: int, *, has_ids: bool = False
    ) -> None:
        self._rows = 0
        self._channels = channels
        self._sample_rate = sample_rate
        self._has_ids = has_ids
        self._file = file
        self._block = io.StringIO()
        self._csv = csv.writer(self._block, lineterminator="\n")
        self._quoting_csv = csv.writer(self._block, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self._csv.writerow((*COLUMNS, "id") if has_ids else COLUMNS)

    def add_sound(self, entry: SoundEntry, spans: Iterable[ClipSpan]) -> None:
        """Write the lines of one sound, whose rows are the next ones in the array.

        Args:
            entry: the sound.
            spans: the clip of each of its rows, in samples from the start of the sound.
        """
        texts = (entry.path, entry.id or "")
        # Python's csv writes a carriage return without quotes, and a reader would take it for the end of the
        # line.
        writer = self._quoting_csv if any("\r" in text for text in texts) else self._csv
        channel = self._channels if entry.channel is None else entry.channel
        offset_s = entry.start_s or 0.0
        id_column = (entry.id,) if self._has_ids else ()
        for span in spans:
            start = repr(offset_s + span.start / self._sample_rate)
            end = repr(offset_s + span.end / self._sample_rate)
            padded = f"{span.compute_padded_share(entry.samples):.6g}"
            writer.writerow((self._rows, entry.path, channel, start, end, padded, entry.status, *id_column))
            self._rows += 1
            if self._block.tell() > _BLOCK_CHARACTERS:
                self._flush()
        self._flush()

    def _flush(self) -> None:
        """Write the collected lines to the file; a name that is not UTF-8 keeps its bytes."""
        self._file.write(self._block.getvalue().encode("utf-8", "surrogateescape"))
        self._block.seek(0)
        self._block.truncate()
