"""What a run says: to stderr, one line at a time, a moving bar only on a terminal."""

import contextlib
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from specfeat import __version__
from specfeat.cli.json_log import JsonLog
from specfeat.cli.signals import raise_pending_signal
from specfeat.errors import escape_control_characters
from specfeat.output.summary import count_visible_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tqdm import tqdm

    from specfeat.config import Config
    from specfeat.events import SoundEndEvent
    from specfeat.network.build import Network
    from specfeat.output.summary import RunSummary
    from specfeat.run.plan import RunPlan
    from specfeat.sound import Sound

_BAR = "{percentage:3.0f}%|{bar}| {n:.0f} of about {total:.0f} s of audio{postfix}"
_BEFORE = "{n:.0f} s of audio{postfix}"  # until a file is done, from whose size the rest is estimated


class ProgressReporter:
    """Says what the user asked to hear.

    Args:
        quiet: nothing but failures.
        verbose: each step and each file.
        log: for machines, which hears all of it.
    """

    def __init__(self, *, quiet: bool, verbose: bool, log: JsonLog | None = None) -> None:
        self._log = log or JsonLog(None)
        self.quiet = quiet
        self.verbose = verbose and not quiet
        self._begun = time.perf_counter()
        self._bar: _Bar | None = None

    def on_plan(self, config: "Config", plan: "RunPlan") -> None:
        """Say what the run is going to do."""
        self._log.begin(config, plan)
        settings = config.settings
        if self.verbose:
            shape = zip(settings.input_shape, ("frame", "bin", "channel"), strict=True)
            clip = " x ".join(_count(number, thing) for number, thing in shape)
            self.say(f"specfeat {__version__}, config {config.name} ({settings.digest[:12]})")
            others = _count(count_visible_files(plan.skipped_files), "other")
            self.say(
                f"{_count(len(plan.sounds), 'file')}, {others} passed over; clips of {clip}, "
                f"every {settings.clip_grid.hop_samples / settings.audio.sample_rate:g} s"
            )
        if not self.quiet:
            self._say_plan(config, plan)

    def on_note(self, text: str) -> None:
        """Say what the user should know."""
        self._log.warning(text)
        if not self.quiet:
            self.say(text)

    def _say_plan(self, config: "Config", plan: "RunPlan") -> None:
        if plan.complete_record is not None:
            return
        cutter, rate = config.settings.clip_grid, config.settings.audio.sample_rate
        if cutter.hop_samples > cutter.clip_samples:
            clip, hop = (f"{samples / rate:g} s" for samples in (cutter.clip_samples, cutter.hop_samples))
            self.say(f"a clip of {clip} every {hop} leaves out what lies between; see clips.hop")
        finished, files = len(plan.finished), _count(len(plan.sounds), "file")
        if plan.previous_runs:
            earlier = {entry.key for run in plan.previous_runs for entry in run.entries}
            dropped = len(earlier - {sound.key for sound in plan.sounds})
            files_dropped = _count(dropped, "file")
            and_dropped = f"; the rows of {files_dropped} no longer given are dropped" if dropped else ""
            self.say(f"{finished} of {files} are done already{and_dropped}")
        if sys.stderr is not None and sys.stderr.isatty() and plan.remaining:
            self.say(f"{files}; TensorFlow is being loaded")

    def on_network(self, network: "Network") -> None:
        """Say what the network is."""
        raise_pending_signal()
        self._log.built(network)
        if "random" in network.weights:
            text = (
                f"the network's weights are random (seed {network.weights['random']}): "
                "its features are those of an untrained network; "
                "trained ones: --set model.weights.file=PATH"
            )
            self._log.warning(text)
            if not self.quiet:
                self.say(text)
        if self.verbose:
            self.say(
                f"network of {network.model.count_params():,} parameters, {network.width} features a row, "
                f"on {network.device.description}, built in {network.seconds:.1f} s"
            )

    def on_output(self, summary: "RunSummary", array: "Path", *, is_new: bool) -> None:
        """Say what the output holds."""
        self._log.summary = summary
        if self.quiet:
            return
        text = f"{array}: {_count(summary.rows, 'row')} x {_count(summary.width, 'feature')} from "
        text += _count(summary.files - summary.failed - summary.without_rows, "file")
        if is_new:
            whole = time.perf_counter() - self._begun
            text += f", {_duration(summary.heard_seconds)} of audio in {whole:.1f} s"
        else:
            text += ", up to date"
        if is_new and summary.seconds > 1:  # below, most was decoded while TensorFlow loaded: no speed
            text += f" ({summary.heard_seconds / summary.seconds:.0f} x real time after the start)"
        for number, thing, what in (
            (summary.without_rows, "file", "empty or too short"),
            (summary.silent, "file", "silent"),
            (summary.partial, "file", "broke half-way, see the record"),
            (summary.failed, "file", "failed, see the record"),
            (summary.passed_over, "other file", "passed over, see the record"),
        ):
            if number:
                text += f"; {_count(number, thing)} {what}"
        self.say(text)

    def on_audio_read(self, seconds: float) -> None:
        """Move the bar, and stop if a signal has come."""
        raise_pending_signal()
        if self._bar:
            self._bar.add_seconds(seconds)

    def on_sound_end(self, event: "SoundEndEvent") -> None:
        """Say that a file has failed or, if everything is to be said, how many rows it has."""
        self._log.file(event)
        path = event.sound.path
        if event.error:
            kept = f"; {_count(event.rows, 'row')} kept" if event.rows else ""
            self.say(f"{_printable(path)}: {event.error}{kept}")
        elif self.verbose:
            what = _count(event.rows, "row") if event.status == "ok" else event.status
            self.say(f"{_printable(path)}: {what}")
        if self._bar:
            self._bar.end_sound(path)

    def say(self, text: str) -> None:
        """Print one line to stderr, above the bar if there is one."""
        if sys.stderr is None:
            return
        from tqdm import tqdm  # here, for a mistake in the config is told without it

        with contextlib.suppress(OSError):  # nobody reads stderr, but the rows are still wanted
            tqdm.write(f"specfeat: {escape_control_characters(text)}", file=sys.stderr)

    @contextmanager
    def show_progress(self, sounds: "Sequence[Sound]") -> "Iterator[None]":
        """Show a bar while the sounds are extracted, if somebody can see it."""
        from tqdm import tqdm

        hidden = True if self.quiet or sys.stderr is None else None  # None: hidden unless a terminal
        with tqdm(total=1, disable=hidden, bar_format=_BEFORE, dynamic_ncols=True, leave=False) as moving:
            self._bar = None if moving.disable else _Bar(moving, sounds)
            try:
                yield
            finally:
                self._bar = None


class _Bar:
    """Follows the run in seconds of audio; the total is estimated from the files' sizes.

    Headers may give wrong lengths, so the estimate uses the bytes that are done and those that remain.
    """

    def __init__(self, moving: "tqdm[None]", sounds: "Sequence[Sound]") -> None:
        self._moving = moving
        self._sizes = {sound.path: sound.file.size or 0 for sound in sounds}
        self._all_bytes = sum(self._sizes.values())
        self._done_bytes = 0
        self._files, self._of = 0, len(sounds)
        self._begun = time.perf_counter()

    def add_seconds(self, seconds: float) -> None:
        self._moving.n += seconds
        speed = self._moving.n / max(1e-9, time.perf_counter() - self._begun)
        self._moving.total = max(self._moving.total, 1.02 * self._moving.n)  # never all before the end
        self._moving.set_postfix_str(
            f"file {self._files + 1} of {self._of}, {speed:.0f} x real time", refresh=False
        )
        self._moving.update(0)

    def end_sound(self, path: str) -> None:
        self._files += 1
        self._done_bytes += self._sizes.get(path, 0)
        if self._done_bytes:
            self._moving.bar_format = _BAR
            self._moving.total = max(1.0, self._moving.n * self._all_bytes / self._done_bytes)


def _printable(path: str) -> str:
    from specfeat.files import format_path

    return format_path(path)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
