"""What a training prints to stderr: lines, and a progress bar if stderr is a terminal."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from specfeat.cli.messages import print_message
from specfeat.cli.signals import raise_pending_signal
from specfeat.text import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tqdm import tqdm

    from specfeat.sound import Sound
    from specfeat.training.checkpoints import TrainingProgress
    from specfeat.training.summary import TrainingSummary
    from specfeat.training.training_data import TrainingData

_STAGES = {"clips": "making clips", "teacher": "computing the rows of a teacher"}


class TrainingReporter:
    """Prints how a training proceeds; a `TrainingListener`, to be used inside a `with` block.

    Args:
        quiet: print errors only.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._is_quiet = quiet
        self._has_bar = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self._bar: tqdm[None] | None = None
        self._saved_epochs = 0
        self._sounds = 0
        self._has_data = self._has_started = self._is_done = False
        self._epochs = 0
        self._started_s = time.perf_counter()

    def __enter__(self) -> "TrainingReporter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close_bar()

    def describe_state(self, resume_command: str) -> str:
        """Return what an early end leaves, and how to continue; "" if there is nothing to continue."""
        if self._is_done or not self._has_data:
            return ""
        if not self._has_started:
            return f"the clips made so far are kept; continue with {resume_command}"
        return f"{self._saved_epochs} of {self._epochs} epochs are done; continue with {resume_command}"

    def on_data(self, data: "TrainingData") -> None:
        """Print the number of sounds in each part, and the number of classes."""
        from specfeat.training.training_data import describe_parts

        classes = f", {len(data.classes)} classes" if data.classes else ""
        self._sounds = len(data.sounds)
        self._print(f"{describe_parts(data)}{classes}")

    def on_note(self, text: str) -> None:
        """Print what the user should know."""
        self._print(text)

    def on_stage(self, name: str, total: int) -> None:
        """Show the progress of a stage before the training. A random form of a sound counts as a sound."""
        self._has_data = True
        text = _STAGES[name] if total == self._sounds else f"{_STAGES[name]}, with the random forms"
        self._open_bar(total, "sound", text)

    def on_sound(self, sound: "Sound") -> None:
        """Show that one more sound is done."""
        raise_pending_signal()
        if self._bar is not None:
            self._bar.update()

    def on_start(self, progress: "TrainingProgress", steps: int, epochs: int) -> None:
        """Show the progress of the steps."""
        self._has_started, self._epochs, self._saved_epochs = True, epochs, progress.epoch
        self._open_bar(steps * epochs, "step", "training", done=progress.epoch * steps + progress.step)

    def on_step(self, progress: "TrainingProgress", logs: "Mapping[str, float]") -> None:
        """Show that one more step is done."""
        raise_pending_signal()
        if self._bar is not None:
            self._bar.set_postfix_str(f"epoch {progress.epoch + 1}, loss {logs['loss']:.4g}", refresh=False)
            self._bar.update()

    def on_epoch(self, progress: "TrainingProgress", logs: "Mapping[str, float]") -> None:
        """Print the values of an epoch."""
        self._saved_epochs = progress.epoch
        values = ", ".join(f"{name} {value:.4g}" for name, value in logs.items())
        best = " (best)" if progress.best_epoch == progress.epoch - 1 else ""
        self._print(f"epoch {progress.epoch} of {self._epochs}: {values}{best}")

    def on_results(self, summary: "TrainingSummary", folder: "Path") -> None:
        """Print where the results are, and how good they are."""
        self._is_done = True
        self._close_bar()
        seconds = time.perf_counter() - self._started_s
        if summary.failures:
            path, text = next(iter(summary.failures.items()))
            sounds = format_count(len(summary.failures), "sound", "sounds")
            self._print(f"{sounds} could not be used, e.g. {path}: {text}")
        for part, metrics in summary.metrics.items():
            self._print(
                f"{part}: accuracy {metrics['sounds']['accuracy']:.1%} of sounds, "
                f"{metrics['clips']['accuracy']:.1%} of clips; metrics.json has the scores of each class"
            )
        self._print(
            f"{folder}: best weights of epoch {summary.best_epoch} of {summary.epochs}, in {seconds:.0f} s; "
            f"extract features with -c {folder / 'config.yaml'}"
        )

    def _open_bar(self, total: int, unit: str, text: str, done: int = 0) -> None:
        self._close_bar()
        if self._has_bar:
            from tqdm import tqdm

            self._bar = tqdm(total=total, initial=done, unit=unit, desc=text, leave=False, dynamic_ncols=True)
        elif not self._is_quiet:
            self._print(f"{text}: {format_count(total, unit, f'{unit}s')}")

    def _close_bar(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()

    def _print(self, text: str) -> None:
        if self._is_quiet:
            return
        if self._bar is not None:
            self._bar.clear()
        print_message(text)
        if self._bar is not None:
            self._bar.refresh()
