"""The arguments and options of the command line, each with its help text; commands share them."""

from enum import StrEnum
from typing import Annotated

import typer


class OnError(StrEnum):
    """What the run does when a file fails."""

    skip = "skip"
    stop = "stop"


Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUTS", show_default=False, help="Audio files, and folders to search for audio files."
    ),
]
Output = Annotated[
    str,
    typer.Argument(
        metavar="OUTPUT",
        show_default=False,
        help="The array to write, e.g. out.npy; out.index.csv and out.run.json are written beside it.",
    ),
]

# --- what to read --------------------------------------------------------------------------------

FilesFromOption = Annotated[
    str | None,
    typer.Option(
        "--files-from",
        metavar="FILE|-",
        show_default=False,
        help="Read more INPUTS from FILE, one per line; - is stdin.",
    ),
]
NullOption = Annotated[
    bool,
    typer.Option("--null", "-0", help="The names in FILE end in NUL bytes, as find -print0 writes them."),
]

# --- what to compute -----------------------------------------------------------------------------

ConfigOption = Annotated[
    str, typer.Option("--config", "-c", metavar="NAME|FILE", help="A shipped config or a YAML file.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        show_default=False,
        help="Override a value of the config, e.g. --set model.batch=32.",
    ),
]
KeepPartialOption = Annotated[
    bool,
    typer.Option("--keep-partial", help="When a file breaks in the middle, keep its rows before the break."),
]

# --- how to compute it ---------------------------------------------------------------------------

DeviceOption = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|gpu|gpu:N", help="The device that runs the network.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        max=256,
        help="The number of processes that decode; by default one per core.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        min=1,
        max=256,
        help="The number of threads of the network; by default one per core.",
    ),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout-per-file",
        metavar="S",
        min=0,
        show_default=False,
        help="The seconds that reading one file may take; 0 for no limit. By default 600, plus 1 per 100 kB.",
    ),
]

# --- what to do about failures -------------------------------------------------------------------

OnErrorOption = Annotated[
    OnError,
    typer.Option("--on-error", help="When a file fails: continue with the other files, or stop the run."),
]
MaxFailuresOption = Annotated[
    str | None,
    typer.Option(
        "--max-failures",
        metavar="N|P%",
        show_default=False,
        help="Stop the run when more than N files, or P percent of all files, have failed.",
    ),
]

# --- what to do about an earlier run -------------------------------------------------------------

ForceOption = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Replace an existing output, and discard unfinished work. "
        "With --resume or --update: discard only work that cannot be continued.",
    ),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Continue a run that was interrupted; finished files are kept.")
]
UpdateOption = Annotated[
    bool,
    typer.Option(
        "--update",
        help="Extract only new and changed files, and drop the rows of files that are no longer given.",
    ),
]
RetryOption = Annotated[
    bool,
    typer.Option("--retry-failed", help="With --resume or --update: try the files again that failed before."),
]
LockWaitOption = Annotated[
    float,
    typer.Option(
        "--lock-wait", metavar="S", min=0, help="The seconds to wait while another run is writing OUTPUT."
    ),
]

# --- what to print -------------------------------------------------------------------------------

LogOption = Annotated[
    str | None,
    typer.Option(
        "--log-json",
        metavar="FILE|-",
        show_default=False,
        help="Also write each event as one line of JSON; - is stdout.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print failures only.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print each step, and the number of rows of each file.")
]
