"""The rules by which scores become events: thresholds, smoothing, length and gaps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from specfeat.delimited_text import find_delimiter, read_delimited_lines
from specfeat.errors import UsageError
from specfeat.files import format_path

_COLUMNS = ("label", "on", "off")


@dataclass(frozen=True, slots=True)
class Smoothing:
    """How the scores of a class are smoothed over the rows of a sound.

    Attributes:
        rows: the number of rows in the window, an odd number; 1 does not smooth.
        statistic: "mean" or "median" of the rows in the window. The window is shorter at the ends of a sound.
    """

    rows: int = 1
    statistic: Literal["mean", "median"] = "mean"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRules:
    """The rules by which the scores of a class become events.

    Attributes:
        on: an event begins at a row whose score is at least this.
        off: an event ends before the first row whose score is less than this; None for the same as `on`.
        on_of_label: the values of `on` for classes that have their own, by the name of the class.
        off_of_label: the values of `off` for classes that have their own, by the name of the class.
        smoothing: how scores are smoothed before they are compared.
        min_length_s: shorter events are dropped, in seconds.
        max_gap_s: two events of a class between which there is at most this time become one, in seconds.
        top: how many classes a row can belong to: those with its highest scores; None for all.
    """

    on: float = 0.5
    off: float | None = None
    on_of_label: Mapping[str, float] = field(default_factory=dict)
    off_of_label: Mapping[str, float] = field(default_factory=dict)
    smoothing: Smoothing = Smoothing()
    min_length_s: float = 0.0
    max_gap_s: float = 0.0
    top: int | None = None

    def get_thresholds(self, label: str) -> tuple[float, float]:
        """Return `on` and `off` for a class.

        Raises:
            UsageError: `off` is higher than `on`.
        """
        on = self.on_of_label.get(label, self.on)
        off = self.off_of_label.get(label)
        if off is None:
            off = min(on, self.off) if label in self.on_of_label and self.off is not None else self.off
        off = on if off is None else off
        if off > on:
            raise UsageError(
                f"the threshold at which an event of {label!r} ends ({off:g}) is higher than that at which "
                f"it begins ({on:g}); give a lower one"
            )
        return on, off


def read_thresholds(path: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Read the thresholds of classes from a table with the columns `label`, `on` and optionally `off`.

    Args:
        path: a CSV or TSV file.

    Returns:
        The thresholds at which events begin and end, by the name of the class.

    Raises:
        UsageError: the table cannot be read, a column is missing, or a value is not a number.
    """
    name = format_path(str(path))
    lines = read_delimited_lines(path, "the table of thresholds", find_delimiter(path))
    header = next(lines, (0, []))[1]
    for column in _COLUMNS[:2]:
        if column not in header:
            raise UsageError(f"{name}: has no column {column!r}; its columns are {', '.join(_COLUMNS)}")
    on: dict[str, float] = {}
    off: dict[str, float] = {}
    for number, values in lines:
        line = dict(zip(header, values, strict=True))
        label, place = line["label"], f"{name}: line {number}"
        if label in on:
            raise UsageError(f"{place}: the class {label!r} has two lines; remove one of them")
        on[label] = parse_threshold(line["on"], place)
        if line.get("off"):
            off[label] = parse_threshold(line["off"], place)
    return on, off


def parse_threshold(text: str, place: str) -> float:
    """Return the number in a text.

    Args:
        text: the text.
        place: where the text comes from, for the message.

    Raises:
        UsageError: it is not a finite number.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise UsageError(f"{place}: {text!r} is not a threshold; give a number, e.g. 0.5")
    return value
