"""The options that several commands have for the files that they write and for their messages."""

from typing import Annotated

import typer

# --- whether existing files are replaced ---------------------------------------------------------

ReplaceOption = Annotated[bool, typer.Option("--force", help="Replace existing files.")]
ReplaceOutputOption = Annotated[
    bool, typer.Option("--force", help="Replace an existing output, and discard unfinished work.")
]

# --- what to print -------------------------------------------------------------------------------

FailuresOnlyOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print failures only.")]
ErrorsOnlyOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
NoSummaryOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print no summary.")]
