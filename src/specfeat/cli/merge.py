"""`specfeat merge SHARDS... OUTPUT`: puts the outputs of all shards of a run together."""

from typing import TYPE_CHECKING, Annotated

import typer

from specfeat.cli.options import FormatOption, LockWaitOption
from specfeat.cli.output_options import FailuresOnlyOption, ReplaceOutputOption
from specfeat.errors import UsageError
from specfeat.process_state import resume_garbage_collection

if TYPE_CHECKING:
    from specfeat.cli.command_line import CommandLine

Shards = Annotated[
    list[str] | None,
    typer.Argument(metavar="SHARDS", show_default=False, help="The arrays of all shards, in any order."),
]
MergedOutput = Annotated[
    str,
    typer.Argument(metavar="OUTPUT", show_default=False, help="The array to write, e.g. out.npy."),
]


def merge_command(
    context: typer.Context,
    shards: Shards = None,
    output: MergedOutput = "",  # Python requires a default here; "" means that it is missing
    output_format: FormatOption = "",
    force: ReplaceOutputOption = False,
    lock_wait: LockWaitOption = 0.0,
    quiet: FailuresOnlyOption = False,
) -> int:
    """Put the outputs of all shards of a run together.

    The extension of OUTPUT or --format decides its format; the shards can have any formats. Array and
    index have the same bytes as those of a run that is not divided. First extract each shard, e.g. on a
    machine of its own:

    specfeat extract recordings/ part1.npy --shard 1/2

    specfeat extract recordings/ part2.npy --shard 2/2

    specfeat merge part1.npy part2.npy out.npy

    Exit code: 0 merged, 1 failed, 2 a shard is missing or wrong, 3 merged but some files failed, 75 another
    run is writing OUTPUT.
    """
    # Imported here, because --help needs none of these, and they take time to load.
    from specfeat.cli.progress import ProgressReporter
    from specfeat.output.paths import make_output_paths
    from specfeat.output.work_folder import WorkFolder
    from specfeat.run.merge import merge

    resume_garbage_collection()

    if not shards or not output:
        raise UsageError("SHARDS or OUTPUT is missing; e.g. specfeat merge part1.npy part2.npy out.npy")
    command_line: CommandLine = context.obj
    summary = merge(
        shards,
        WorkFolder(make_output_paths(output, output_format), lock_wait),
        command_line.list_recorded_words(),
        ProgressReporter(quiet=quiet, verbose=False),
        force=force,
    )
    return 3 if summary.failed or summary.partial else 0
