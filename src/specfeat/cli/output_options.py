"""The arguments and options that several commands have for outputs, for other files and for messages."""

from typing import Annotated

import typer

# --- what to read --------------------------------------------------------------------------------

FINISHED_OUTPUT_HELP = "The array of a finished output, e.g. out.npy."
FinishedOutputArgument = Annotated[
    str, typer.Argument(metavar="OUTPUT", show_default=False, help=FINISHED_OUTPUT_HELP)
]
RecordedWeightsOption = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        show_default=False,
        help="The weights file of OUTPUT, if it is no longer where the record says.",
    ),
]

# --- whether existing files are replaced ---------------------------------------------------------

ReplaceOption = Annotated[bool, typer.Option("--force", help="Replace existing files.")]
ReplaceOutputOption = Annotated[
    bool, typer.Option("--force", help="Replace an existing output, and discard unfinished work.")
]

# --- what to print -------------------------------------------------------------------------------

FailuresOnlyOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print failures only.")]
ErrorsOnlyOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
NoSummaryOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print no summary.")]
