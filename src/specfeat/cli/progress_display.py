"""The two forms in which the progress of a run is shown: a bar, and lines."""

import contextlib
import sys
import time
from typing import TYPE_CHECKING

from specfeat.cli.messages import format_message, print_message
from specfeat.cli.run_progress import format_duration, format_remaining_time, make_run_progress
from specfeat.text import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tqdm import tqdm

    from specfeat.sound import Sound

BAR_WITH_TOTAL = "{percentage:3.0f}%|{bar}| {n:.0f} of about {total:.0f} s of audio{postfix}"
BAR_WITHOUT_TOTAL = "{n:.0f} s of audio{postfix}"  # until the first file is done
LINE_INTERVAL_S = 10.0  # the time between two lines of progress


class ProgressBar:
    """A progress bar whose unit is one second of audio.

    Args:
        bar: the bar on the terminal; its unit is one second of audio.
        sounds: the sounds that the run extracts.
    """

    def __init__(self, bar: "tqdm[None]", sounds: "Sequence[Sound]") -> None:
        self._bar = bar
        self._progress = make_run_progress(sounds)

    def add_seconds(self, seconds: float) -> None:
        """Move the bar by the audio that has been read."""
        progress = self._progress
        progress.add_seconds(seconds)
        self._bar.n = progress.audio_seconds
        if progress.total_seconds is not None:
            self._bar.bar_format = BAR_WITH_TOTAL
            self._bar.total = progress.total_seconds
        self._bar.set_postfix_str(
            f"file {progress.done_sounds + 1} of {progress.all_sounds}, {progress.speed:.0f} x real time",
            refresh=False,
        )
        self._bar.update(0)

    def end_sound(self, path: str) -> None:
        """Count a file that has ended or failed."""
        self._progress.end_sound(path)

    def print_above(self, text: str) -> None:
        """Print one line above the bar."""
        with contextlib.suppress(OSError):  # the terminal has been closed, but the run continues
            self._bar.write(format_message(text), file=sys.stderr)


class ProgressLines:
    """Prints a line of progress every `LINE_INTERVAL_S` seconds, e.g. for the log of a batch job.

    Args:
        sounds: the sounds that the run extracts.
    """

    def __init__(self, sounds: "Sequence[Sound]") -> None:
        self._progress = make_run_progress(sounds)
        self._printed_at = time.perf_counter()

    def add_seconds(self, seconds: float) -> None:
        """Count audio that has been read."""
        self._progress.add_seconds(seconds)
        now = time.perf_counter()
        if now - self._printed_at >= LINE_INTERVAL_S:
            self._printed_at = now
            print_message(self._describe())

    def end_sound(self, path: str) -> None:
        """Count a file that has ended or failed."""
        self._progress.end_sound(path)

    def _describe(self) -> str:
        progress = self._progress
        # Of several files, the number of those that are done says more.
        is_known = progress.all_sounds == 1 and progress.share is not None
        share = f" ({progress.share:.0%})" if is_known else ""
        text = (
            f"{progress.done_sounds} of {format_count(progress.all_sounds, 'file')} done, "
            f"{format_duration(progress.audio_seconds)} of audio read{share}, "
            f"{progress.speed:.0f} x real time"
        )
        remaining_s = progress.remaining_s
        return text if remaining_s is None else f"{text}, about {format_remaining_time(remaining_s)} left"
