"""The arguments and options of `specfeat events`, with their help texts, and how their values are read."""

import csv
import math
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specfeat.errors import UsageError

if TYPE_CHECKING:
    from specfeat.analysis.event_rules import EventRules, Smoothing


class EventMethod(StrEnum):
    """How events are found."""

    threshold = "threshold"
    inaspeech = "inaspeech"


class EventUnit(StrEnum):
    """What has a line of its own."""

    event = "event"
    file = "file"


TargetOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE|DIR/",
        show_default=False,
        help="The file to write, or the folder for a file for each audio file; without it, stdout.",
    ),
]
EventFormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="NAME",
        show_default=False,
        help="csv, parquet, raven, audacity, textgrid or rttm. By default, the end of FILE decides; on "
        "stdout, it is csv.",
    ),
]
MethodOption = Annotated[
    EventMethod,
    typer.Option(
        "--method",
        help="threshold: the rules below. inaspeech: the decoding of inaSpeechSegmenter, with its numbers.",
    ),
]
UnitOption = Annotated[
    EventUnit,
    typer.Option(
        "--per", help="event: a line for each event. file: the mean and the largest score of each class."
    ),
]
OnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--on",
        metavar="[CLASS=]SCORE",
        show_default=False,
        help="An event begins at this score; default: 0.5. Can be given several times.",
    ),
]
OffOption = Annotated[
    list[str] | None,
    typer.Option(
        "--off",
        metavar="[CLASS=]SCORE",
        show_default=False,
        help="An event ends below this score; default: that of --on. Can be given several times.",
    ),
]
ThresholdsOption = Annotated[
    str | None,
    typer.Option(
        "--thresholds",
        metavar="TABLE",
        show_default=False,
        help="Read the scores of --on and --off from a table with the columns label, on and perhaps off.",
    ),
]
SmoothOption = Annotated[
    str,
    typer.Option(
        "--smooth",
        metavar="[median:]ROWS",
        show_default=False,
        help="First replace each score by the mean (or the median) of this odd number of rows around it.",
    ),
]
MinLengthOption = Annotated[
    float, typer.Option("--min-length", metavar="S", help="Drop events that are shorter, in seconds.")
]
MaxGapOption = Annotated[
    float,
    typer.Option(
        "--max-gap",
        metavar="S",
        help="Join events of a class with at most this gap, in seconds.",
    ),
]
TopOption = Annotated[
    int | None,
    typer.Option(
        "--top",
        metavar="K",
        show_default=False,
        help="Use only the K highest scores of each row; with --per file, the K classes with the "
        "highest mean.",
    ),
]
ClassOption = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="NAME",
        show_default=False,
        help="Write only the events of this class. Can be given several times.",
    ),
]
NamesOption = Annotated[
    str,
    typer.Option(
        "--names",
        metavar="NAME,NAME,...",
        show_default=False,
        help="Name the columns, if the config has no model.labels, e.g. speech,music,noise.",
    ),
]
GenderOption = Annotated[
    str | None,
    typer.Option(
        "--gender",
        metavar="OUTPUT2",
        show_default=False,
        help="With --method inaspeech: divide speech into female and male by the scores of this output.",
    ),
]


def parse_names(text: str) -> tuple[str, ...]:
    """Return the names in the value of --names, which is a line of CSV; nothing for an empty text."""
    return tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), []))


def make_rules(
    on: Sequence[str],
    off: Sequence[str],
    thresholds: str | None,
    smooth: str,
    lengths: tuple[float, float],
    top: int | None,
) -> "EventRules":
    """Return the rules that the options describe.

    Args:
        on: the values of --on.
        off: the values of --off.
        thresholds: the path of the table of thresholds; None for none.
        smooth: the value of --smooth; "" for none.
        lengths: the values of --min-length and --max-gap, in seconds.
        top: the value of --top.

    Raises:
        UsageError: a value is wrong.
    """
    from specfeat.analysis.event_rules import EventRules, read_thresholds

    general_on, on_of_label = _split_thresholds("--on", on)
    general_off, off_of_label = _split_thresholds("--off", off)
    if thresholds is not None:
        table_on, table_off = read_thresholds(Path(thresholds))
        # An option is more special than a line of a table; its line then does not count.
        table_off = {label: score for label, score in table_off.items() if label not in on_of_label}
        on_of_label, off_of_label = table_on | on_of_label, table_off | off_of_label
    for option, length in zip(("--min-length", "--max-gap"), lengths, strict=True):
        if not 0 <= length < math.inf:
            raise UsageError(f"{option}: {length} is not a length; give a number of seconds from 0")
    if top is not None and top < 1:
        raise UsageError(f"--top: {top} is not a number of classes; give a number from 1")
    return EventRules(
        on=0.5 if general_on is None else general_on,
        off=general_off,
        on_of_label=on_of_label,
        off_of_label=off_of_label,
        smoothing=parse_smoothing(smooth),
        min_length_s=lengths[0],
        max_gap_s=lengths[1],
        top=top,
    )


def _split_thresholds(option: str, values: Sequence[str]) -> tuple[float | None, dict[str, float]]:
    """Return the threshold of all classes, and those of single classes."""
    from specfeat.analysis.event_rules import parse_threshold

    general: float | None = None
    of_label: dict[str, float] = {}
    for value in values:
        label, equals, text = value.rpartition("=")  # the name of a class can have "=", a score cannot
        if equals:
            of_label[label] = parse_threshold(text, option)
        else:
            general = parse_threshold(text, option)
    return general, of_label


def parse_smoothing(text: str) -> "Smoothing":
    """Return the smoothing that the value of --smooth describes.

    Raises:
        UsageError: the value is wrong.
    """
    from specfeat.analysis.event_rules import Smoothing

    if not text:
        return Smoothing()
    statistic, colon, rows = text.rpartition(":")
    if not (rows.isascii() and rows.isdigit() and int(rows) % 2 and int(rows) < 100_000) or (
        colon and statistic not in ("mean", "median")
    ):
        raise UsageError(f"--smooth: {text!r} is not an odd number of rows; give e.g. 5 or median:5")
    return Smoothing(int(rows), "median" if statistic == "median" else "mean")
