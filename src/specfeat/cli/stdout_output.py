"""The output `-`: the features are written to stdout, and nothing else is kept."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from specfeat.errors import OutputError, UsageError
from specfeat.files import describe_os_error
from specfeat.output.formats import DEFAULT_FORMAT, check_installed, get_format
from specfeat.output.paths import OutputPaths
from specfeat.output.row_stream import RowStream
from specfeat.output.text_format import StreamedFormat
from specfeat.output.work_folder import WorkFolder
from specfeat.run.listener import SilentListener

if TYPE_CHECKING:
    from specfeat.config import Config
    from specfeat.events import SoundEndEvent
    from specfeat.output.summary import RunSummary
    from specfeat.run.plan import RunPlan


class StdoutOutput(SilentListener):
    """An output in a temporary folder whose array is written to stdout; a `RunListener` of its run.

    In a format of text, the rows of each file are written when the file is finished. In any other format,
    the whole array is written when it is complete.

    Args:
        paths: the paths of the output in the temporary folder.

    Attributes:
        work_folder: the work folder of the run.
    """

    def __init__(self, paths: OutputPaths) -> None:
        self._stream: RowStream | None = None
        self._text_format = paths.format if isinstance(paths.format, StreamedFormat) else None
        # The array of a streamed output is not needed, and `.npy` is written at no cost.
        self.work_folder = WorkFolder(
            OutputPaths(paths.array, DEFAULT_FORMAT) if self._text_format else paths
        )

    def on_plan(self, config: "Config", plan: "RunPlan") -> None:
        """Take over which sounds will be written."""
        if self._text_format:
            folder = self.work_folder.paths.array.parent
            self._stream = RowStream(_get_stdout(), self._text_format, self.work_folder, folder)
            self._stream.begin(config.settings, plan.sounds, plan.columns)

    def on_sound_end(self, event: "SoundEndEvent") -> None:
        """Write the rows of a finished sound, if the format is text."""
        if self._stream:
            self._stream.write_sound(event.to_entry())

    def on_output(self, summary: "RunSummary", array: Path, *, is_new: bool) -> None:
        """Write the complete array, unless its rows have been written."""
        if not self._text_format:
            copy_to_stdout(self.work_folder.paths.array)


@contextmanager
def open_temporary_output(format_name: str) -> Iterator[OutputPaths]:
    """Return the paths of an output in a temporary folder, which is removed at the end of the block.

    Args:
        format_name: the name of a format that stdout is to have; "" for `.npy`.

    Raises:
        UsageError: the format does not exist or is a folder, or it is not text and stdout is a terminal.
        InstallError: the package that the format needs is missing.
        OutputError: no temporary folder can be made.
    """
    format_name = format_name or DEFAULT_FORMAT
    _check_format(format_name)
    try:
        temporary = tempfile.TemporaryDirectory(prefix="specfeat-")
    except OSError as e:
        reason = f"-: no temporary folder can be made: {describe_os_error(e)}"
        raise OutputError(f"{reason}; set TMPDIR to a folder that can be written") from e
    with temporary as folder:
        yield OutputPaths(Path(folder, "out"), format_name)


def _check_format(format_name: str) -> None:
    check_installed(format_name)
    output_format = get_format(format_name)
    if output_format.is_folder:
        raise UsageError(
            f"-: the format {format_name} is a folder, which stdout cannot have; name a folder, e.g. "
            f"out.{format_name}"
        )
    if not isinstance(output_format, StreamedFormat) and sys.stdout is not None and sys.stdout.isatty():
        raise UsageError(
            f"-: stdout is a terminal, and the format {format_name} is no text; use --format csv, a pipe or "
            "a file"
        )


def copy_to_stdout(path: Path) -> None:
    """Write the bytes of a file to stdout.

    Raises:
        OSError: stdout cannot be written.
        BrokenPipeError: nobody reads stdout any more.
    """
    with path.open("rb") as file:
        stdout = _get_stdout()
        shutil.copyfileobj(file, stdout)
        stdout.flush()


def _get_stdout() -> BinaryIO:
    stdout: BinaryIO | None = getattr(sys.stdout, "buffer", None)
    if stdout is None:  # it is closed, or Python code has replaced it by an object that takes only text
        raise OutputError("-: stdout cannot take bytes; name a file, e.g. out.npy")
    return stdout
