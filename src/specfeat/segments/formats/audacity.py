r"""Label tracks of Audacity: `start TAB end TAB label` in each line, without a header.

A line that begins with a backslash has the lowest and the highest frequency of the label in the line before.
The format is described in Audacity's manual, "Importing and Exporting Labels".
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from specfeat.errors import UsageError
from specfeat.segments.base import (
    SegmentFormat,
    SegmentLine,
    SegmentTable,
    format_place,
    get_id_column,
    read_time,
)
from specfeat.segments.text_lines import read_text_lines
from specfeat.sound import SoundPart
from specfeat.time_text import parse_seconds

_COLUMNS = ("label", "low_hz", "high_hz")
# The number of the line, start and end in seconds, and the values of `_COLUMNS`.
_Label = tuple[int, tuple[float, float], list[str]]


class AudacityFormat(SegmentFormat):
    """A label track. It names no file."""

    def is_format_of(self, path: Path, start: str) -> bool:
        """See `SegmentFormat`."""
        values = start.partition("\n")[0].split("\t")
        return len(values) in (2, 3) and all(parse_seconds(value) is not None for value in values[:2])

    def read_table(self, path: Path, columns: Mapping[str, str]) -> SegmentTable:
        """See `SegmentFormat`."""
        labels = list(_read_labels(path))
        has_frequencies = any(low or high for _, _, (_, low, high) in labels)
        names = _COLUMNS if has_frequencies else _COLUMNS[:1]
        id_column = get_id_column(path, columns, names)
        return SegmentTable(
            columns=names,
            lines=(
                SegmentLine(
                    number=number,
                    part=SoundPart(
                        None, start, end, None if id_column is None else values[id_column] or None
                    ),
                    values=tuple(values[: len(names)]),
                )
                for number, (start, end), values in labels
            ),
        )


def _read_labels(path: Path) -> Iterator[_Label]:
    """Yield the labels.

    Raises:
        UsageError: the file cannot be read, or has a line of another form.
    """
    label: _Label | None = None
    for number, line in read_text_lines(path, "the label track"):
        place = format_place(path, number)
        values = line.split("\t", 2)
        if values[0] == "\\":
            _add_frequencies(label, values[1:], place)
            continue
        if label:
            yield label
        if len(values) == 1:
            raise UsageError(f"{place}: has no tab; a line of a label track is start, tab, end, tab, label")
        start, end = (
            read_time(text, name, place) for text, name in zip(values, ("start", "end"), strict=False)
        )
        if start is None or end is None:
            raise UsageError(f"{place}: has no {'start' if start is None else 'end'}")
        label = (number, (start, end), [values[2] if len(values) == 3 else "", "", ""])
    if label:
        yield label


def _add_frequencies(label: _Label | None, frequencies: list[str], place: str) -> None:
    """Add the frequencies of a line to the label in the line before.

    Raises:
        UsageError: there is no label before the line, or the line does not have two frequencies.
    """
    if label is None:
        raise UsageError(f"{place}: has frequencies, but there is no label before it; remove this line")
    if len(frequencies) != 2:
        raise UsageError(
            f"{place}: does not have two frequencies; a line with frequencies is backslash, tab, lowest "
            "frequency, tab, highest frequency"
        )
    label[2][1:] = frequencies


FORMAT = AudacityFormat()
