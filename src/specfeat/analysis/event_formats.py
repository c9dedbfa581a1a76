"""The formats of tables of events. CSV, and the tables of Raven and Audacity, are written here.

specfeat can read these three again as tables of segments.
"""

import csv
import io
import math
import ntpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice

from specfeat.analysis.audio_events import EventTable
from specfeat.analysis.event_parquet import format_parquet
from specfeat.analysis.rttm import format_rttm
from specfeat.analysis.textgrid import format_text_grid
from specfeat.errors import UsageError
from specfeat.files import format_path, from_record_name

# The columns of Raven's tables, from the manual of Raven Pro, "Selections and selection tables".
_RAVEN_COLUMNS = (
    "Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)",
    "Begin Path", "Begin File", "File Offset (s)", "Annotation",
)  # fmt: skip
_BREAKS = re.compile(r"[\t\r\n]+")
# Lines are encoded in blocks, because a table can have millions of events.
_BLOCK_LINES = 1000


@dataclass(frozen=True, slots=True)
class EventFormat:
    """A format of tables of events.

    Attributes:
        extension: the end of the names of its tables, with the dot.
        is_for_one_file: whether a table can have the events of one audio file only.
        format_table: a function that yields the bytes of a table in pieces.
    """

    extension: str
    is_for_one_file: bool
    format_table: Callable[[EventTable], Iterator[bytes]]

    def can_have(self, table: EventTable) -> bool:
        """Return whether one table of this format can have the events of all files of `table`."""
        return not self.is_for_one_file or len(table.files) <= 1


def format_seconds(seconds: float) -> str:
    """Return a time with as many digits as give the same number again, and without an exponent."""
    return format(Decimal(repr(float(seconds))), "f")


def encode_lines(lines: Iterable[str]) -> Iterator[bytes]:
    """Yield lines as UTF-8 in pieces of some kilobytes; a name that is not UTF-8 keeps its bytes."""
    lines = iter(lines)
    while block := "".join(islice(lines, _BLOCK_LINES)):
        yield block.encode("utf-8", "surrogateescape")


def format_csv_lines(lines: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield lines of CSV. A value with a carriage return is quoted, which Python's csv does not do itself."""
    for values in lines:
        text = io.StringIO()
        if any("\r" in value for value in values):
            csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(values)
        else:
            csv.writer(text, lineterminator="\n").writerow(values)
        yield text.getvalue()


def format_csv(table: EventTable) -> Iterator[bytes]:
    """Yield a CSV table: path, start, end, channel (if an event has one), label, and additional columns."""
    has_channels = any(event.channel is not None for event in table.events)
    header = ("path", "start", "end", *(("channel",) if has_channels else ()), "label", *table.columns)
    return encode_lines(format_csv_lines(chain([header], _list_csv_values(table, has_channels))))


def _list_csv_values(table: EventTable, has_channels: bool) -> Iterator[Sequence[str]]:
    for event in table.events:
        times = (format_seconds(event.start_s), format_seconds(event.end_s))
        channel = (("" if event.channel is None else str(event.channel)),) if has_channels else ()
        yield (event.name, *times, *channel, event.label, *event.values)


def format_raven_table(table: EventTable) -> Iterator[bytes]:
    """Yield a selection table of Raven.

    Its times count from the start of the first of all files, as Raven does for files that are opened
    together. "Begin Path" and "File Offset (s)" have the file and the time in it.

    Raises:
        UsageError: the path of a file has a tab or a line break, which a selection table cannot have, or the
            length of a file before an event is not known.
    """
    return encode_lines("\t".join(values) + "\n" for values in _list_raven_values(table))


def _list_raven_values(table: EventTable) -> Iterator[Sequence[str]]:
    yield (*_RAVEN_COLUMNS, *map(_remove_breaks, table.columns))
    starts, paths, start_s = {}, {}, 0.0
    for file in table.files:
        starts[file.name], paths[file.name] = start_s, file.path
        start_s += file.length_s
    for number, event in enumerate(table.events, start=1):
        path = paths[event.name]
        if _BREAKS.search(path):
            raise UsageError(
                f"{format_path(from_record_name(event.name))}: its path has a tab or a line break, which a "
                "selection table of Raven cannot have; write the table as CSV, or rename the file"
            )
        if math.isnan(starts[event.name]):
            raise UsageError(
                "the length of a file is not known, because it was read in part or not at all, so the "
                "times of all files cannot be in one selection table; give a folder for a table of each file"
            )
        times = (starts[event.name] + event.start_s, starts[event.name] + event.end_s)
        yield (
            *(str(number), "Spectrogram 1", str((event.channel or 0) + 1)),
            *map(format_seconds, times),
            *("0", f"{table.high_hz:g}", path, ntpath.basename(path), format_seconds(event.start_s)),
            *map(_remove_breaks, (event.label, *event.values)),
        )


def format_audacity_labels(table: EventTable) -> Iterator[bytes]:
    """Yield a label track of Audacity: start, end and label of each event, and tabs between them."""
    return encode_lines(
        f"{format_seconds(event.start_s)}\t{format_seconds(event.end_s)}\t{_remove_breaks(event.label)}\n"
        for event in table.events
    )


def _remove_breaks(text: str) -> str:
    """Return a text with a space in place of tabs and line breaks, which end a value in a table with tabs."""
    return _BREAKS.sub(" ", text)


FORMATS = {
    "csv": EventFormat(".csv", False, format_csv),
    "raven": EventFormat(".selections.txt", False, format_raven_table),
    "audacity": EventFormat(".txt", True, format_audacity_labels),
    "textgrid": EventFormat(".TextGrid", True, format_text_grid),
    "rttm": EventFormat(".rttm", False, format_rttm),
    "parquet": EventFormat(".parquet", False, format_parquet),
}
