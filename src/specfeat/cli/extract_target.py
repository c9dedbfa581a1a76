"""Where the output of `specfeat extract` goes: to a file, or to stdout."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from specfeat.cli.listener_group import ListenerGroup
from specfeat.cli.standard_streams import STDOUT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specfeat.cli.stdout_output import StdoutOutput
    from specfeat.output.paths import OutputPaths
    from specfeat.output.work_folder import WorkFolder
    from specfeat.run.listener import RunListener


@dataclass(frozen=True, slots=True)
class ExtractTarget:
    """Where the output goes.

    Attributes:
        paths: the paths of the output; those of temporary files if it is written to stdout.
        lock_wait_s: how many seconds to wait while another run is writing the output.
        stdout_output: the listener that writes the output to stdout; None if it is written to a file.
    """

    paths: "OutputPaths"
    lock_wait_s: float = 0.0
    stdout_output: "StdoutOutput | None" = None

    def make_work_folder(self) -> "WorkFolder":
        """Return the work folder of the output; this imports NumPy."""
        if self.stdout_output:
            return self.stdout_output.work_folder
        from specfeat.output.work_folder import WorkFolder

        return WorkFolder(self.paths, self.lock_wait_s)

    def make_listener(self, *listeners: "RunListener") -> ListenerGroup:
        """Return the listeners of the run as one."""
        if self.stdout_output is None:
            return ListenerGroup(*listeners)
        # First, so that a result is printed only after it has been written.
        return ListenerGroup(self.stdout_output, *listeners, array_name=Path(STDOUT_NAME))


@contextmanager
def open_extract_target(output: str, output_format: str, lock_wait_s: float) -> "Iterator[ExtractTarget]":
    """Check where the output goes; files for an output on stdout are removed at the end of the block.

    Args:
        output: the output as the user names it; "-" is stdout.
        output_format: the name of its format; "" for the format that belongs to the name.
        lock_wait_s: how many seconds to wait while another run is writing the output.

    Raises:
        UsageError: the output cannot be written there, or cannot have this format.
        OutputError: the folder cannot be written to.
    """
    from specfeat.output.paths import make_output_paths

    if output == STDOUT_NAME:
        from specfeat.cli.stdout_output import StdoutOutput, open_temporary_output

        with open_temporary_output(output_format) as paths:
            yield ExtractTarget(paths, stdout_output=StdoutOutput(paths))
        return
    paths = make_output_paths(output, output_format)
    paths.check_writable()
    yield ExtractTarget(paths, lock_wait_s)
