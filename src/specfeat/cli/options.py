"""The arguments and options of `specfeat extract`, with their help texts; other commands use some of them."""

from enum import StrEnum
from typing import Annotated

import typer

from specfeat.cli.completion import complete_config


class OnError(StrEnum):
    """What the run does when a file fails."""

    skip = "skip"
    stop = "stop"


class RowUnit(StrEnum):
    """What has a row of its own."""

    clip = "clip"
    file = "file"


class Dtype(StrEnum):
    """The type of the numbers in the array."""

    float32 = "float32"
    float16 = "float16"


class ProgressChoice(StrEnum):
    """How the progress of a run is shown."""

    auto = "auto"
    bar = "bar"
    lines = "lines"
    none = "none"


class EngineChoice(StrEnum):
    """The values of --engine."""

    tensorflow = "tensorflow"
    onnxruntime = "onnxruntime"


Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUTS",
        show_default=False,
        help="Audio files, and folders and archives (zip, tar) to search for audio.",
    ),
]
Output = Annotated[
    str,
    typer.Argument(
        metavar="OUTPUT",
        show_default=False,
        help="The array to write, e.g. out.npy; out.index.csv and out.run.json are written beside it. With "
        "-, only the features are written, to stdout.",
    ),
]
PerFileOption = Annotated[
    str | None,
    typer.Option(
        "--per-file",
        metavar="DIR",
        show_default=False,
        help="Instead of OUTPUT: write one file for each input to the folder DIR, in the format of --format.",
    ),
]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="NAME",
        show_default=False,
        help="The format of OUTPUT: npy, npz, csv, jsonl, parquet, h5, arrow, zarr, ark, ark-text, kaldi or "
        "tfrecord. By default, the extension of OUTPUT decides, and npy is used if it is not one of these.",
    ),
]

# --- what to read --------------------------------------------------------------------------------

FilesFromOption = Annotated[
    str | None,
    typer.Option(
        "--files-from",
        metavar="FILE|-",
        show_default=False,
        help="Read more INPUTS from FILE, one per line; - reads from stdin.",
    ),
]
NullOption = Annotated[
    bool,
    typer.Option(
        "--null", "-0", help="Each name in FILE ends in a NUL byte, as in the output of find -print0."
    ),
]

IncludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="PATTERN",
        show_default=False,
        help="In folders and archives, take only files that match, e.g. 'night_*.wav'. Can be repeated.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        show_default=False,
        help="In folders and archives, leave out files and folders that match, e.g. noise/. Can be repeated.",
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        show_default=False,
        help="Extract only part I of N parts of the files, e.g. 1/8; specfeat merge puts the parts together.",
    ),
]

# --- what to compute -----------------------------------------------------------------------------

ConfigOption = Annotated[
    str,
    typer.Option(
        "--config",
        "-c",
        metavar="NAME|FILE",
        help="The name of a shipped config, or a YAML file.",
        autocompletion=complete_config,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        show_default=False,
        help="Replace a value of the config, e.g. --set model.batch=32. Can be given several times.",
    ),
]
PerOption = Annotated[
    RowUnit | None,
    typer.Option(
        "--per",
        metavar="clip|file",
        show_default=False,
        help="Make a row for each clip, or one row for each file. The default is that of the config: clip.",
    ),
]
PoolOption = Annotated[
    str | None,
    typer.Option(
        "--pool",
        metavar="STATISTICS",
        show_default=False,
        help="With --per file: how to pool the clips, e.g. mean, mean+std, max or first. Default: mean.",
    ),
]
DtypeOption = Annotated[
    Dtype | None,
    typer.Option(
        "--dtype",
        metavar="float32|float16",
        show_default=False,
        help="The type of the numbers in OUTPUT. The default is that of the config: float32. float16 takes "
        "half the space and keeps 3 digits; a file with a feature beyond 65504 fails.",
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
        help="The number of batches that the CPU computes at the same time; by default one per core.",
    ),
]
EngineOption = Annotated[
    EngineChoice,
    typer.Option(
        "--engine",
        help="The library that runs the network; onnxruntime is the extra specfeat[onnxruntime].",
    ),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout-per-file",
        metavar="S",
        min=0,
        show_default=False,
        help="How many seconds it may take to read a file; 0 for no limit. Default: 600, plus 1 per 100 kB.",
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
        help="Replace an existing output. Also discard unfinished work; "
        "with --resume or --update, only if it cannot be continued.",
    ),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Continue an interrupted run, and keep its finished files.")
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
    typer.Option(
        "--retry-failed", help="With --resume or --update: also extract the files that failed before."
    ),
]
LockWaitOption = Annotated[
    float,
    typer.Option(
        "--lock-wait",
        metavar="S",
        min=0,
        help="How many seconds to wait while another run is writing OUTPUT.",
    ),
]

# --- what to print -------------------------------------------------------------------------------

LogOption = Annotated[
    str | None,
    typer.Option(
        "--log-json",
        metavar="FILE|-",
        show_default=False,
        help="Append each event of the run to FILE, as one line of JSON; - writes to stdout.",
    ),
]
ProgressOption = Annotated[
    ProgressChoice,
    typer.Option(
        "--progress",
        help="Show a bar, a line every 10 seconds, or nothing. auto shows a bar if stderr is a terminal.",
    ),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print each step, and the number of rows of each file.")
]
