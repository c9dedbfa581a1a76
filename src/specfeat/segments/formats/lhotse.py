"""Cuts of lhotse: one cut in each line of JSON Lines, also compressed with gzip.

The keys are those of `lhotse.cut.MonoCut` and `MultiCut`. A source that is a command or an address is
refused.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from specfeat.errors import UsageError
from specfeat.segments.base import SegmentFormat, SegmentLine, SegmentTable, check_fixed_fields, format_place
from specfeat.segments.formats.columns import add_seconds
from specfeat.segments.formats.json_lines import JsonObject, format_json_value, is_json_lines, read_objects
from specfeat.sound import SoundPart

_COLUMNS = ("recording", "text", "speaker", "language")
_TYPES = ("MonoCut", "MultiCut")


class LhotseFormat(SegmentFormat):
    """Cuts of recordings; their columns are the recording, and text, speaker and language of their labels."""

    def is_format_of(self, path: Path, start: str) -> bool:
        """See `SegmentFormat`."""
        if not is_json_lines(path):
            return False
        _, first = next(read_objects(path), (0, {}))
        return isinstance(first.get("recording"), dict) and {"start", "duration"} <= first.keys()

    def read_table(self, path: Path, columns: Mapping[str, str]) -> SegmentTable:
        """See `SegmentFormat`."""
        check_fixed_fields(path, columns)
        return SegmentTable(columns=_COLUMNS, lines=_read_cuts(path))


def _read_cuts(path: Path) -> Iterator[SegmentLine]:
    for number, cut in read_objects(path):
        place = format_place(path, number)
        try:
            yield _make_line(number, cut, place)
        except (KeyError, TypeError, AttributeError, ValueError) as e:
            raise UsageError(f"{place}: is not a cut of lhotse: {type(e).__name__}: {e}") from e


def _make_line(number: int, cut: JsonObject, place: str) -> SegmentLine:
    """Return the segment of a cut.

    Raises:
        UsageError: the cut is not a part of a file.
        KeyError, TypeError, AttributeError, ValueError: the object is not a cut.
    """
    kind = cut.get("type", _TYPES[0])
    if kind not in _TYPES:
        raise UsageError(f"{place}: is a {kind}, which is not a part of one file; leave it out")
    recording: Any = cut["recording"]
    if recording.get("transforms"):
        raise UsageError(
            f"{place}: changes its recording ({format_json_value(recording['transforms'])[:80]}), which "
            "specfeat does not do; save the changed recording to a file"
        )
    start, duration = (_get_time(cut[key]) for key in ("start", "duration"))
    file, channel = _find_source(recording["sources"], cut.get("channel", 0), place)
    labels: Any = cut.get("supervisions") or []
    values = (
        format_json_value(recording["id"]),
        *(" ".join(dict.fromkeys(_list_texts(labels, key))) for key in _COLUMNS[1:]),
    )
    part = SoundPart(channel, start, add_seconds(start, duration), format_json_value(cut["id"]))
    return SegmentLine(number=number, paths=(file,), part=part, values=values)


def _list_texts(labels: list[dict[str, object]], key: str) -> Iterator[str]:
    yield from (format_json_value(label[key]) for label in labels if label.get(key) is not None)


def _get_time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:  # NaN, too
        raise ValueError(f"{value!r} is no time in seconds")
    return float(value)


def _find_source(sources: list[dict[str, Any]], channels: Any, place: str) -> tuple[str, int | None]:
    """Return the file of a cut, and its channel in this file; None for all channels.

    Raises:
        UsageError: the source is not a file, or the cut has some but not all of the channels.
    """
    cut_channels = [channels] if isinstance(channels, int) else list(channels)
    source = next((source for source in sources if set(cut_channels) <= set(source["channels"])), None)
    if source is None:
        raise UsageError(f"{place}: its channels {cut_channels} are not in one source of its recording")
    if source["type"] != "file":
        raise UsageError(
            f"{place}: its source is a {source['type']}, and specfeat reads only files and runs no commands; "
            "save the recording to a file"
        )
    file, file_channels = str(source["source"]), list(source["channels"])
    if len(cut_channels) == 1:
        return file, (file_channels.index(cut_channels[0]) if len(file_channels) > 1 else None)
    if cut_channels and set(cut_channels) != set(file_channels):
        raise UsageError(
            f"{place}: has the channels {cut_channels} of {file_channels}; give one channel, or all of them"
        )
    return file, None


FORMAT = LhotseFormat()
