"""The options of `specfeat extract` about inputs that are not plain audio files, with their help texts."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from specfeat.errors import UsageError

if TYPE_CHECKING:
    from specfeat.sound import RawFormat


class RecordedAt(StrEnum):
    """Where the times of recordings come from."""

    auto = "auto"


RawOption = Annotated[
    str | None,
    typer.Option(
        "--raw",
        metavar="RATE:CHANNELS:FORMAT",
        show_default=False,
        help="The sound on stdin (the input -) has no header: its format, e.g. 16000:1:s16le.",
    ),
]
RecordedAtOption = Annotated[
    RecordedAt | None,
    typer.Option(
        "--recorded-at",
        metavar="auto",
        show_default=False,
        help="Add a column recorded_at to the index: when each file was recorded, from its metadata or name.",
    ),
]


def read_raw_format(text: str | None) -> "RawFormat | None":
    """Return the format that `--raw` gives; None if the option is not given.

    Raises:
        UsageError: the format is wrong.
    """
    if text is None:
        return None
    # Imported here, because --help needs none of the libraries of audio.
    from specfeat.audio.raw_format import parse_raw_format

    try:
        return parse_raw_format(text)
    except UsageError as e:
        raise UsageError(f"--raw: {e}") from e
