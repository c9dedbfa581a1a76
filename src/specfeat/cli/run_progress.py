"""Estimates how much of a run is done, and how long the rest will take."""

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specfeat.sound import Sound


class RunProgress:
    """Counts the audio and the sounds that a run has read, and estimates the rest.

    The total is estimated from the seconds read so far: they are multiplied by the size of all files, and
    divided by the size of the files that have ended. The lengths in the headers of the files are not used,
    because they can be wrong; only if there is one sound, nothing else is known before it ends.

    Args:
        sounds: the sounds that the run extracts.
        read_clock: the function that returns the time in seconds.
        header_seconds: if there is one sound, its length in seconds as its header gives it; None if that is
            not known.

    Attributes:
        audio_seconds: how many seconds of audio have been read.
        done_sounds: how many sounds have ended or failed.
        all_sounds: how many sounds the run extracts.
        total_seconds: the estimated seconds of audio of all sounds; None until the first sound has ended,
            unless there is one sound whose length is known.
    """

    def __init__(
        self,
        sounds: "Sequence[Sound]",
        read_clock: Callable[[], float] = time.perf_counter,
        header_seconds: float | None = None,
    ) -> None:
        parts = Counter(sound.path for sound in sounds)
        # Each part of a file counts as an equal share of the file.
        self._sizes = {sound.path: (sound.file.size or 0) / parts[sound.path] for sound in sounds}
        self._all_bytes = sum(self._sizes[path] * count for path, count in parts.items())
        self._done_bytes = 0.0
        self._read_clock = read_clock
        self._start_s = read_clock()
        self.audio_seconds = 0.0
        self.done_sounds = 0
        self.all_sounds = len(sounds)
        self.total_seconds = header_seconds

    def add_seconds(self, seconds: float) -> None:
        """Count audio that has been read."""
        self.audio_seconds += seconds
        if self.total_seconds is not None:
            # The estimate was too low if it is reached before the end.
            self.total_seconds = max(self.total_seconds, 1.02 * self.audio_seconds)

    def end_sound(self, path: str) -> None:
        """Count a sound that has ended or failed, and estimate the total again."""
        self.done_sounds += 1
        self._done_bytes += self._sizes.get(path, 0)
        if self._done_bytes:
            self.total_seconds = max(1.0, self.audio_seconds * self._all_bytes / self._done_bytes)

    @property
    def share(self) -> float | None:
        """How much of the audio has been read, 0..1; None if the total is not known yet."""
        return None if self.total_seconds is None else min(1.0, self.audio_seconds / self.total_seconds)

    @property
    def speed(self) -> float:
        """How many seconds of audio were read in each second since the start."""
        return self.audio_seconds / max(1e-9, self._read_clock() - self._start_s)

    @property
    def remaining_s(self) -> float | None:
        """The estimated time until the end, in seconds; None if the total is not known yet."""
        if self.total_seconds is None or not self.audio_seconds:
            return None
        return max(0.0, self.total_seconds - self.audio_seconds) / self.speed


def make_run_progress(sounds: "Sequence[Sound]") -> RunProgress:
    """Return the progress of a run; if it has one sound, with the length that the header gives.

    Args:
        sounds: the sounds that the run extracts.
    """
    if len(sounds) != 1:
        return RunProgress(sounds)
    # Imported here, because this module is loaded for --help, which reads no audio.
    from specfeat.audio.header_length import read_header_seconds

    return RunProgress(sounds, header_seconds=read_header_seconds(sounds[0]))


def format_remaining_time(seconds: float) -> str:
    """Return a time that remains, rounded as people say it: "40 s", "12 min" or "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def format_duration(seconds: float) -> str:
    """Return a length of audio in seconds, minutes or hours, with one decimal place."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
