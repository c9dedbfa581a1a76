"""Prints the progress of a run to stderr: messages, and a progress bar or lines of progress."""

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from specfeat import __version__
from specfeat.audio.conversion import describe_convertible_files
from specfeat.cli.messages import describe_error, print_message
from specfeat.cli.progress_display import BAR_WITHOUT_TOTAL, ProgressBar, ProgressLines
from specfeat.cli.run_progress import format_duration
from specfeat.files import format_path
from specfeat.output.summary import list_visible_files
from specfeat.sound import format_sound
from specfeat.text import format_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from specfeat.config import Config
    from specfeat.events import SoundEndEvent
    from specfeat.network.ready_network import ReadyNetwork
    from specfeat.output.summary import RunSummary
    from specfeat.run.plan import RunPlan
    from specfeat.sound import Sound

# "auto" shows a bar if stderr is a terminal, and nothing otherwise.
ProgressForm = Literal["auto", "bar", "lines", "none"]


class ProgressReporter:
    """Prints how a run proceeds; a `RunListener`.

    Args:
        quiet: print failures only.
        verbose: also print each step and each file; has no effect together with `quiet`.
        form: how the progress of the extraction is shown.
    """

    def __init__(self, *, quiet: bool, verbose: bool, form: ProgressForm = "auto") -> None:
        self._is_quiet = quiet
        self._form = form
        self._is_verbose = verbose and not quiet
        self._start_s = time.perf_counter()
        # Returns the number of features in a row, for the number of features of a clip.
        self._count_features: Callable[[int], int] = int
        self._bar: ProgressBar | None = None
        self._lines: ProgressLines | None = None

    def on_plan(self, config: "Config", plan: "RunPlan") -> None:
        """Print what the run is going to do."""
        self._count_features = config.settings.rows.count_features
        if self._is_verbose:
            self._print_inputs(config, plan)
        if self._is_quiet or plan.complete_record is not None:
            return
        grid, sample_rate = config.settings.clip_grid, config.settings.audio.sample_rate
        if grid.hop_samples > grid.clip_samples:
            self._print_line(
                f"each clip is {grid.clip_samples / sample_rate:g} s long and the next one begins "
                f"{grid.hop_samples / sample_rate:g} s later, so the audio between them is not used; "
                "see clips.hop"
            )
        files = format_count(len(plan.sounds), "file")
        if plan.previous_runs:
            earlier_sounds = {entry.key for run in plan.previous_runs for entry in run.entries}
            dropped = len(earlier_sounds - {sound.key for sound in plan.sounds})
            dropped_files = f"{format_count(dropped, 'file')} no longer given"
            addition = f"; the rows of {dropped_files} are dropped" if dropped else ""
            self._print_line(f"{len(plan.finished)} of {files} are finished already{addition}")
        if sys.stderr is not None and sys.stderr.isatty() and plan.remaining:
            self._print_line(f"{files}; loading TensorFlow")

    def _print_inputs(self, config: "Config", plan: "RunPlan") -> None:
        settings = config.settings
        axes = zip(settings.input_shape, ("frame", "bin", "channel"), strict=True)
        clip_shape = " x ".join(format_count(size, axis) for size, axis in axes)
        skipped_files = format_count(len(list_visible_files(plan.skipped_files)), "other file")
        self._print_line(f"specfeat {__version__}, config {config.name} ({settings.digest[:12]})")
        self._print_line(
            f"{format_count(len(plan.sounds), 'file')}, {skipped_files} skipped; clips of {clip_shape}, "
            f"one every {settings.clip_grid.hop_samples / settings.audio.sample_rate:g} s"
        )

    def on_note(self, text: str) -> None:
        """Print a sentence for the user."""
        if not self._is_quiet:
            self._print_line(text)

    def on_network(self, network: "ReadyNetwork") -> None:
        """Print what the network is, and a warning if it is not trained."""
        warning = describe_random_weights(network)
        if warning and not self._is_quiet:
            self._print_line(warning)
        if self._is_verbose:
            features = self._count_features(network.width)
            self._print_line(
                f"network of {network.parameters:,} parameters, {features} features per row, "
                f"on {network.device.description}, built in {network.seconds:.1f} s"
            )

    def on_output(self, summary: "RunSummary", array: "Path", *, is_new: bool) -> None:
        """Print what the output contains."""
        if self._is_quiet:
            return
        sound_noun = "segment" if summary.has_segments else "file"
        files = summary.files - summary.failed - summary.without_rows
        text = (
            f"{array}: {format_count(summary.rows, 'row')} x {format_count(summary.width, 'feature')} "
            f"from {format_count(files, sound_noun)}"
        )
        if is_new:
            seconds = time.perf_counter() - self._start_s
            # "read": the rows are those of the whole output, but an update or a resumed run reads only a part
            # of the audio.
            text += f", {format_duration(summary.read_seconds)} of audio read in {seconds:.1f} s"
        else:
            text += ", up to date"
        if is_new and summary.seconds > 1:
            # In a shorter run, most of the audio was decoded while TensorFlow was loaded, so its speed has no
            # meaning.
            text += f" ({summary.read_seconds / summary.seconds:.0f} x real time after the start)"
        other_files = summary.skipped_files - len(summary.convertible_files)
        for count, noun, description in (
            (summary.without_rows, sound_noun, "empty or too short"),
            (summary.silent, sound_noun, "silent"),
            (summary.too_loud, sound_noun, "with samples far beyond -1..1, see the record"),
            (summary.partial, sound_noun, "broken in the middle, see the record"),
            (summary.failed, sound_noun, "failed, see the record"),
            (other_files, "other file", f"skipped ({summary.skipped_names}), see the record"),
        ):
            if count:
                text += f"; {format_count(count, noun)} {description}"
        if summary.convertible_files:  # the last part, because it ends with a command
            text += f"; {describe_convertible_files(summary.convertible_files)}"
        self._print_line(text)

    @contextmanager
    def show_progress(self, sounds: "Sequence[Sound]") -> "Iterator[None]":
        """Show the progress in the chosen form while the sounds are extracted."""
        if self._form == "lines" and not self._is_quiet:
            self._lines = ProgressLines(sounds)
        from tqdm import tqdm  # imported here, because an error in the config is reported without it

        is_hidden: bool | None = True
        if self._form in ("auto", "bar") and not self._is_quiet and sys.stderr is not None:
            is_hidden = None if self._form == "auto" else False  # None: unless it is a terminal
        with tqdm(
            total=1, disable=is_hidden, bar_format=BAR_WITHOUT_TOTAL, dynamic_ncols=True, leave=False
        ) as bar:
            self._bar = None if bar.disable else ProgressBar(bar, sounds)
            try:
                yield
            finally:
                self._bar = self._lines = None

    def on_audio_read(self, seconds: float) -> None:
        """Move the bar, or print a line of progress if it is time."""
        if self._bar:
            self._bar.add_seconds(seconds)
        if self._lines:
            self._lines.add_seconds(seconds)

    def on_sound_end(self, event: "SoundEndEvent") -> None:
        """Print that a file has failed; if verbose, print the number of rows of each file."""
        if event.error:
            addition = f"; {format_count(event.rows, 'row')} kept" if event.rows else ""
            # An error about the part itself describes the part.
            name = format_path(event.sound.path) if event.error.cause == "part" else format_sound(event.sound)
            self._print_line(f"{name}: {describe_error(event.error)}{addition}")
        elif self._is_verbose:
            result = format_count(event.rows, "row") if event.status == "ok" else event.status
            self._print_line(f"{format_sound(event.sound)}: {result}")
        if self._bar:
            self._bar.end_sound(event.sound.path)
        if self._lines:
            self._lines.end_sound(event.sound.path)

    def _print_line(self, text: str) -> None:
        """Print one line, above the bar if there is one."""
        if self._bar is None:
            print_message(text)
        else:
            self._bar.print_above(text)


def describe_random_weights(network: "ReadyNetwork") -> str:
    """Return a warning if the network has weights and they are random; else ""."""
    if "random" not in network.weights or not network.parameters:
        return ""
    return (
        f"the network's weights are random (seed {network.weights['random']}): "
        "its features are those of an untrained network; "
        "use --set model.weights.file=PATH for trained weights"
    )
