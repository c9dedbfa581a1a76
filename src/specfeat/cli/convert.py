"""`specfeat convert SOURCE TARGET`: writes a finished output in another format."""

from pathlib import Path
from typing import Annotated

import typer

from specfeat.cli.messages import print_message
from specfeat.cli.options import FormatOption, LockWaitOption
from specfeat.cli.output_options import FINISHED_OUTPUT_HELP, ErrorsOnlyOption, ReplaceOutputOption
from specfeat.cli.standard_streams import STDOUT_NAME
from specfeat.process_state import resume_garbage_collection
from specfeat.text import format_count

Source = Annotated[
    str,
    typer.Argument(metavar="SOURCE", show_default=False, help=FINISHED_OUTPUT_HELP),
]
Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET", show_default=False, help="The array to write, e.g. out.parquet; - is stdout."
    ),
]


def convert_command(
    source: Source,
    target: Target,
    output_format: FormatOption = "",
    force: ReplaceOutputOption = False,
    lock_wait: LockWaitOption = 0.0,
    quiet: ErrorsOnlyOption = False,
) -> int:
    """Write the features of a finished output in another format.

    No audio is read. Index and record are written beside TARGET, too; the record says from what it was
    converted. SOURCE is not changed.

    Exit code: 0 written, 1 failed, 2 usage is wrong or SOURCE is not a complete output, 75 another run is
    writing TARGET, 130 and 143 stopped by a signal.
    """
    # Imported here, because --help needs none of these, and they take time to load.
    from specfeat.output.paths import make_output_paths
    from specfeat.run.convert import convert

    resume_garbage_collection()

    if target == STDOUT_NAME:
        from specfeat.cli.stdout_output import copy_to_stdout, open_temporary_output

        with open_temporary_output(output_format) as paths:
            summary = convert(Path(source), paths)
            copy_to_stdout(paths.array)
    else:
        paths = make_output_paths(target, output_format)
        paths.check_writable()
        summary = convert(Path(source), paths, force=force, lock_wait_s=lock_wait)
    if not quiet:
        shape = f"{format_count(summary.rows, 'row')} x {format_count(summary.width, 'feature')}"
        print_message(f"{target}: {shape}, from {source}")
    return 0
