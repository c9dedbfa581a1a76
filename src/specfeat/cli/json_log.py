"""`--log-json FILE|-`: writes the events of a run for other programs, one JSON object on each line."""

import contextlib
import datetime
import json
import math
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from specfeat import __version__
from specfeat.cli.messages import add_run_state, describe_error
from specfeat.cli.run_progress import RunProgress, make_run_progress
from specfeat.cli.signals import StoppedBySignal, describe_run_state
from specfeat.errors import OutputError, SpecfeatError, escape_control_characters
from specfeat.files import describe_os_error
from specfeat.output.summary import list_visible_files
from specfeat.text import make_path_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from specfeat.config import Config
    from specfeat.events import SoundEndEvent
    from specfeat.network.ready_network import ReadyNetwork
    from specfeat.output.summary import RunSummary
    from specfeat.run.plan import RunPlan
    from specfeat.sound import Sound, SoundPart

PROGRESS_INTERVAL_S = 2.0  # the least time between two events of progress


class JsonLog:
    """Writes each event of a run as a line of JSON; a `RunListener`. docs/running.md lists the events.

    The last event, "end", is written when the `with` block is left, however it is left.

    Args:
        target: a file, to which lines are appended; "-" for stdout; None to write nothing.

    Attributes:
        exit_code: the exit code of the command, unless an error ends it.

    Raises:
        OutputError: the file cannot be written; also raised by each method that writes an event.
        BrokenPipeError: the log is stdout, and its reader has gone; raised by these methods only.
    """

    def __init__(self, target: str | None) -> None:
        self.exit_code = 0
        self._summary: RunSummary | None = None
        # Returns the number of features in a row, for the number of features of a clip.
        self._count_features: Callable[[int], int] = int
        self._progress: RunProgress | None = None
        self._progress_written_at = -math.inf
        self._target = target
        self._file: IO[str] | None = None
        if target == "-":
            self._file = sys.stdout
        elif target is not None:
            try:
                self._file = Path(target).open("a", encoding="ascii")  # noqa: SIM115  `_close_file` closes it
            except (OSError, ValueError) as e:
                raise self._make_error(e) from e

    def on_plan(self, config: "Config", plan: "RunPlan") -> None:
        """Write what the run is going to do."""
        self._count_features = config.settings.rows.count_features
        self._write_event(
            "begin",
            specfeat=__version__,
            config=config.name,
            config_sha256=config.settings.digest,
            files=len(plan.sounds),
            to_do=len(plan.remaining),
            passed_over=len(list_visible_files(plan.skipped_files)),
        )

    def on_note(self, text: str) -> None:
        """Write a sentence for the user."""
        self._write_event("warning", message=text)

    def on_network(self, network: "ReadyNetwork") -> None:
        """Write what the network is, and a warning if it is not trained."""
        from specfeat.cli.progress import describe_random_weights

        self._write_event(
            "built",
            seconds=round(network.seconds, 3),
            parameters=network.parameters,
            features=self._count_features(network.width),
            weights=network.weights,
            device=network.device.description,
        )
        warning = describe_random_weights(network)
        if warning:
            self._write_event("warning", message=warning)

    @contextmanager
    def show_progress(self, sounds: "Sequence[Sound]") -> "Iterator[None]":
        """Write the progress while the sounds are extracted."""
        if self._file is not None:
            self._progress = make_run_progress(sounds)
        try:
            yield
        finally:
            self._progress = None

    def on_audio_read(self, seconds: float) -> None:
        """Write the progress, if the last time was `PROGRESS_INTERVAL_S` or more ago."""
        if self._progress is None:
            return
        self._progress.add_seconds(seconds)
        now = time.perf_counter()
        if now - self._progress_written_at < PROGRESS_INTERVAL_S:
            return
        self._progress_written_at = now
        remaining_s = self._progress.remaining_s
        self._write_event(
            "progress",
            done=self._progress.done_sounds,
            total=self._progress.all_sounds,
            audio_seconds=round(self._progress.audio_seconds, 3),
            eta_s=None if remaining_s is None else round(remaining_s, 1),
        )

    def on_sound_end(self, event: "SoundEndEvent") -> None:
        """Write that a file has ended or failed."""
        if self._file is None:  # it would take time to make the fields of a million files that nobody reads
            return
        if self._progress is not None:
            self._progress.end_sound(event.sound.path)
        fields = make_path_fields(event.sound.path) | _make_part_fields(event.sound.part)
        self._write_event("file", **fields, **event.to_entry().outcome)

    def on_output(self, summary: "RunSummary", array: "Path", *, is_new: bool) -> None:
        """Remember what the output contains, for the last event."""
        self._summary = summary

    def _write_end(self, error: BaseException | None) -> None:
        fields: dict[str, Any] = {"exit_code": _get_exit_code(error) if error else self.exit_code}
        if self._summary:
            names = ("files", "failed", "partial", "without_rows", "silent", "rows")
            fields |= {name: getattr(self._summary, name) for name in names}
            fields["features"] = self._summary.width
        if error:
            fields["error"] = escape_control_characters(describe_error(error))
        self._write_event("end", **fields)

    def _write_event(self, event: str, **fields: object) -> None:
        if self._file is None:
            return
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        try:
            self._file.write(json.dumps({"event": event, "time": now, **fields}) + "\n")
            self._file.flush()
        except OSError as e:
            is_stdout = self._file is sys.stdout
            self._close_file()
            if is_stdout and isinstance(e, BrokenPipeError):
                raise
            raise self._make_error(e) from e

    def _close_file(self) -> None:
        """Write nothing from now on, so that a failed write is not tried again."""
        file, self._file = self._file, None
        if file is not None and file is not sys.stdout:
            with contextlib.suppress(OSError):
                file.close()

    def _make_error(self, error: Exception) -> OutputError:
        target = escape_control_characters(str(self._target))
        return OutputError(f"--log-json {target}: cannot be written: {describe_os_error(error)}")

    def __enter__(self) -> "JsonLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._write_end(error)
        except (BrokenPipeError, OutputError) as e:
            if error is None:
                add_run_state(e, describe_run_state())
                raise
            # If an error ended the run, that error is reported, and not the one of the log.
        finally:
            self._close_file()


def _get_exit_code(error: BaseException) -> int:
    if isinstance(error, SpecfeatError):
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        return 128 + signal.SIGPIPE
    return 128 + error.number if isinstance(error, StoppedBySignal) else 1


def _make_part_fields(part: "SoundPart") -> dict[str, object]:
    """Return channel, times and id of a part of a file; no fields for a whole file."""
    names = ("channel", "start_s", "end_s", "id")
    return {name: value for name in names if (value := getattr(part, name)) is not None}
