"""`--log-json FILE|-`: what happens, for machines, one JSON object a line."""

import contextlib
import datetime
import json
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from specfeat import __version__
from specfeat.cli.remedies import add_options
from specfeat.cli.signals import StoppedBySignal, append_to_error, describe_run_state
from specfeat.errors import OutputError, SpecfeatError, escape_control_characters
from specfeat.files import describe_os_error
from specfeat.output.summary import count_visible_files

if TYPE_CHECKING:
    from specfeat.config import Config
    from specfeat.events import SoundEndEvent
    from specfeat.network.build import Network
    from specfeat.output.summary import RunSummary
    from specfeat.run.plan import RunPlan


class JsonLog:
    """Writes events as they come; docs/running.md lists them. Leaving the `with` block writes the last.

    Args:
        target: a file, to which is added; "-" for stdout; None for no log.

    Attributes:
        exit_code: that the command will leave with, unless it fails.
        summary: of the run, if it has one.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, target: str | None) -> None:
        self.exit_code = 0
        self.summary: RunSummary | None = None
        self._target = target
        self._file: IO[str] | None = None
        if target == "-":
            self._file = sys.stdout
        elif target is not None:
            try:
                self._file = Path(target).open("a", encoding="ascii")  # noqa: SIM115  _drop closes it
            except (OSError, ValueError) as e:
                raise self._failed(e) from e

    def begin(self, config: "Config", plan: "RunPlan") -> None:
        """The checks have passed."""
        self._write(
            "begin",
            specfeat=__version__,
            config=config.name,
            config_sha256=config.settings.digest,
            files=len(plan.sounds),
            to_do=len(plan.remaining),
            passed_over=count_visible_files(plan.skipped_files),
        )

    def built(self, network: "Network") -> None:
        """The network is ready."""
        self._write(
            "built",
            seconds=round(network.seconds, 3),
            parameters=network.model.count_params(),
            features=network.width,
            weights=network.weights,
            device=network.device.description,
        )

    def warning(self, message: str) -> None:
        """Something that the user should know."""
        self._write("warning", message=message)

    def file(self, end: "SoundEndEvent") -> None:
        """A file is done or has failed."""
        self._write("file", **_named(end.sound.path), **end.to_entry().outcome)

    def _end(self, error: BaseException | None) -> None:
        told: dict[str, Any] = {"exit_code": _code(error) if error else self.exit_code}
        if self.summary:
            names = ("files", "failed", "partial", "without_rows", "silent", "rows")
            told |= {name: getattr(self.summary, name) for name in names} | {"features": self.summary.width}
        if error:
            told["error"] = escape_control_characters(str(error)) or type(error).__name__
        self._write("end", **told)

    def _write(self, event: str, **told: object) -> None:
        if self._file is None:
            return
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        try:
            self._file.write(json.dumps({"event": event, "time": now, **told}) + "\n")
            self._file.flush()
        except OSError as e:
            is_stdout = self._file is sys.stdout
            self._drop()
            if is_stdout and isinstance(e, BrokenPipeError):
                raise
            raise self._failed(e) from e

    def _drop(self) -> None:
        """Write no more; what could not be written is not tried again."""
        file, self._file = self._file, None
        if file is not None and file is not sys.stdout:
            with contextlib.suppress(OSError):
                file.close()

    def _failed(self, error: Exception) -> OutputError:
        reason = describe_os_error(error)
        return OutputError(
            f"--log-json {escape_control_characters(str(self._target))}: cannot be written: {reason}"
        )

    def __enter__(self) -> "JsonLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            add_options(error)
        try:
            self._end(error)
        except (BrokenPipeError, OutputError) as e:
            if error is None:
                append_to_error(e, describe_run_state())
                raise  # else the first error is the one to tell
        finally:
            self._drop()


def _code(error: BaseException) -> int:
    if isinstance(error, SpecfeatError):
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        return 128 + signal.SIGPIPE
    return 128 + error.number if isinstance(error, StoppedBySignal) else 1


def _named(path: str) -> dict[str, str]:
    """Return a file's name as text; JSON cannot hold what is not UTF-8, which comes as digits besides."""
    name = os.fsencode(path)
    text = name.decode("utf-8", "replace")
    return {"path": text} if text.encode() == name else {"path": text, "path_hex": name.hex()}
