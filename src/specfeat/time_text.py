"""Reads times that people write: seconds, or hours, minutes and seconds."""

import re
from decimal import Decimal

_SECONDS = re.compile(r"[+-]?(\d{1,15}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?", re.ASCII)
_CLOCK = re.compile(r"(?:(\d{1,6}):)?([0-5]?\d):([0-5]?\d(?:\.\d{1,30})?)", re.ASCII)


def parse_seconds(text: str) -> float | None:
    """Return a time in seconds; None if the text is not a time.

    Args:
        text: a number of seconds ("90.5"), or minutes and seconds ("1:30.5"), or hours, minutes and seconds
            ("1:01:30").
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = match.groups()
        # As decimal numbers, because the digits of the sum must be those that the user means.
        return float(3600 * Decimal(hours or 0) + 60 * Decimal(minutes) + Decimal(seconds))
    return None
