"""The options of a run about which parts of the files are extracted."""

from dataclasses import dataclass
from typing import Literal

from specfeat.errors import UsageError, escape_control_characters
from specfeat.segments import SegmentOptions
from specfeat.sound import WHOLE_FILE, RawFormat, SoundPart
from specfeat.time_text import parse_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSelection:
    """Which parts of the files are extracted, and what the index says about them.

    Attributes:
        segments: the tables whose segments are extracted; None to extract the inputs.
        time_range: the part of each file, see `make_time_range`.
        recorded_at: "auto" for a column `recorded_at` with the time at which each file was recorded; None for
            none.
        raw_format: the format of the sound on standard input if it has no header; None if it has one.
        label_from: "parent" for a column `label` with the name of the folder of each file; None for none.

    Raises:
        UsageError: there are both segments and a time range.
    """

    segments: SegmentOptions | None = None
    time_range: SoundPart = WHOLE_FILE
    label_from: Literal["parent"] | None = None
    raw_format: RawFormat | None = None
    recorded_at: Literal["auto"] | None = None

    def __post_init__(self) -> None:
        if self.segments and self.time_range != WHOLE_FILE:
            raise UsageError(
                "a table of segments has times of its own, so no start, end or duration can be given for all "
                "files; leave them out"
            )

    @property
    def tables(self) -> tuple[str, ...]:
        """The paths of the tables of segments."""
        return self.segments.tables if self.segments else ()


def make_time_range(
    start: str | float | None = None, end: str | float | None = None, duration: str | float | None = None
) -> SoundPart:
    """Return the part of each file between two times; a file that is shorter is read to its end.

    Args:
        start: the time at which the part begins, in seconds or as "h:m:s"; None for the start of the file.
        end: the time at which it ends; None for the end of the file.
        duration: its length; it replaces `end`.

    Raises:
        UsageError: a time is wrong, there are an end and a duration, or the end is not after the start.
    """
    start_s, end_s, duration_s = (
        None if value is None else _read_time(name, value)
        for name, value in (("start", start), ("end", end), ("duration", duration))
    )
    if duration_s is not None:
        if end_s is not None:
            raise UsageError("both an end and a duration are given; give one of them")
        end_s = (start_s or 0.0) + duration_s
    if end_s is not None and end_s <= (start_s or 0.0):
        raise UsageError(
            f"the end ({end_s:g} s) is not after the start ({start_s or 0:g} s); give a later end"
        )
    return SoundPart(start_s=start_s or None, end_s=end_s, may_end_early=end_s is not None)


def _read_time(name: str, value: str | float) -> float:
    seconds = parse_seconds(str(value))
    if seconds is None or seconds < 0:
        shown = escape_control_characters(str(value)[:40])
        raise UsageError(f"the {name} is {shown!r}; give seconds (90.5) or h:m:s (0:01:30.5), not below 0")
    return seconds
