"""The options of `specfeat extract` that select parts of files, and what the index says about them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from specfeat.errors import UsageError, escape_control_characters

if TYPE_CHECKING:
    from specfeat.run.selection_options import SoundSelection


class LabelFrom(StrEnum):
    """Where the column `label` of the index comes from."""

    parent = "parent"


SegmentsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--segments",
        metavar="TABLE",
        show_default=False,
        help="Extract only the segments that TABLE lists (CSV, TSV, JSONL, Raven, Audacity, Kaldi, lhotse); "
        "INPUTS are where its files are. Can be given several times.",
    ),
]
SegmentsFormatOption = Annotated[
    str | None,
    typer.Option(
        "--segments-format",
        metavar="NAME",
        show_default=False,
        help="The format of TABLE, if it is not recognised: csv, jsonl, raven, audacity, kaldi, lhotse.",
    ),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="FIELD=COLUMN",
        show_default=False,
        help="The column of TABLE that has the path, start, end, duration, channel or id, "
        "e.g. --column path=filename. Can be given several times.",
    ),
]
LabelFromOption = Annotated[
    LabelFrom | None,
    typer.Option(
        "--label-from",
        metavar="parent",
        show_default=False,
        help="Add a column label to the index, with the name of the folder that each file is in.",
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start", metavar="TIME", show_default=False, help="Where to begin in each file: seconds or h:m:s."
    ),
]
EndOption = Annotated[
    str | None,
    typer.Option(
        "--end", metavar="TIME", show_default=False, help="Where to end in each file: seconds or h:m:s."
    ),
]
DurationOption = Annotated[
    str | None,
    typer.Option(
        "--duration",
        metavar="TIME",
        show_default=False,
        help="How much of each file to extract: seconds or h:m:s. A shorter file is read to its end.",
    ),
]


def make_selection(
    tables: Sequence[str] | None,
    table_format: str | None,
    columns: Sequence[str] | None,
    times: tuple[str | None, str | None, str | None],
    label_from: LabelFrom | None,
) -> "SoundSelection":
    """Return what the options select.

    Args:
        tables: the values of `--segments`.
        table_format: the value of `--segments-format`.
        columns: the values of `--column`.
        times: the values of `--start`, `--end` and `--duration`.
        label_from: the value of `--label-from`.

    Raises:
        UsageError: a value is wrong.
    """
    # Imported here, because --help needs neither the readers of tables nor the libraries of audio.
    from specfeat.run.selection_options import SoundSelection, make_time_range
    from specfeat.segments import SegmentOptions

    if not tables and (columns or table_format):
        option = "--column" if columns else "--segments-format"
        raise UsageError(f"{option} is about a table of segments; give the table with --segments TABLE")
    segments = None
    if tables:
        segments = SegmentOptions(
            tables=tuple(tables), format=table_format, columns=_parse_columns(columns or ())
        )
    return SoundSelection(
        segments=segments,
        time_range=make_time_range(*times),
        label_from=label_from.value if label_from else None,
    )


def _parse_columns(columns: Sequence[str]) -> dict[str, str]:
    """Return the column of each field, from texts such as `path=filename`."""
    from specfeat.segments.base import FIELDS

    columns_by_field = {}
    for text in columns:
        field, equals, column = text.partition("=")
        if not equals or field not in FIELDS:
            raise UsageError(
                f"--column {escape_control_characters(text)}: write FIELD=COLUMN, where FIELD is one of "
                f"{', '.join(FIELDS)}"
            )
        columns_by_field[field] = column
    return columns_by_field
