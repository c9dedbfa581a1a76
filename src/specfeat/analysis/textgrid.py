"""TextGrid files of Praat, in the long form.

The format is described in Praat's manual, "TextGrid file formats". The intervals of a tier fill its whole
time, so there is an interval without text between two events.
"""

import math
from collections.abc import Iterator

from specfeat.analysis.audio_events import AudioEvent, EventTable

_EMPTY_TIER = "events"  # a TextGrid without a tier cannot be opened


def format_text_grid(table: EventTable) -> Iterator[bytes]:
    """Yield a TextGrid with an interval tier for each label, and for each channel of a label.

    Args:
        table: the events of one file. If its length is not known, the TextGrid ends with the last event.
    """
    events = sorted(table.events, key=lambda event: event.start_s)
    lengths = [file.length_s for file in table.files if not math.isnan(file.length_s)]
    end_s = max([0.0, *lengths, *(event.end_s for event in events)])
    tiers: dict[str, list[AudioEvent]] = {}
    for event in events:
        channel = "" if event.channel is None else f" (channel {event.channel})"
        _add_to_tier(tiers, event.label + channel, event)
    for line in _make_lines(tiers or {_EMPTY_TIER: []}, end_s):
        yield (line + "\n").encode("utf-8", "surrogateescape")


def _add_to_tier(tiers: dict[str, list[AudioEvent]], name: str, event: AudioEvent) -> None:
    """Add an event to the first tier of its label that is free at its start: parts of a file can overlap."""
    number, free_name = 1, name
    while free_name in tiers and tiers[free_name][-1].end_s > event.start_s:
        number += 1
        free_name = f"{name} {number}"
    tiers.setdefault(free_name, []).append(event)


def _make_lines(tiers: dict[str, list[AudioEvent]], end_s: float) -> Iterator[str]:
    yield 'File type = "ooTextFile"'
    yield 'Object class = "TextGrid"'
    yield ""
    yield "xmin = 0"
    yield f"xmax = {_format_number(end_s)}"
    yield "tiers? <exists>"
    yield f"size = {len(tiers)}"
    yield "item []:"
    for number, (name, events) in enumerate(tiers.items(), 1):
        intervals = [*_fill_gaps(events, end_s)]
        yield f"    item [{number}]:"
        yield '        class = "IntervalTier"'
        yield f"        name = {_quote(name)}"
        yield "        xmin = 0"
        yield f"        xmax = {_format_number(end_s)}"
        yield f"        intervals: size = {len(intervals)}"
        for position, (start, end, text) in enumerate(intervals, 1):
            yield f"        intervals [{position}]:"
            yield f"            xmin = {_format_number(start)}"
            yield f"            xmax = {_format_number(end)}"
            yield f"            text = {_quote(text)}"


def _format_number(number: float) -> str:
    return f"{number:.9f}".rstrip("0").rstrip(".")


def _fill_gaps(events: list[AudioEvent], end_s: float) -> Iterator[tuple[float, float, str]]:
    """Yield the intervals of a tier, which follow each other without gaps."""
    position = 0.0
    for event in events:
        if event.start_s > position:
            yield position, event.start_s, ""
        if event.end_s > event.start_s:  # Praat has no interval without a length
            yield event.start_s, event.end_s, event.label
        position = max(position, event.end_s)
    if position < end_s or not events:
        yield position, end_s, ""


def _quote(text: str) -> str:
    return '"' + " ".join(text.splitlines()).replace('"', '""') + '"'
