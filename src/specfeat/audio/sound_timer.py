"""Measures how long a worker takes for a sound, and computes how long it may take."""

import time

from specfeat.audio.messages import WorkerProgress
from specfeat.sound import Sound

# How long a sound may take if the user sets no limit: far longer than any sound takes whose decoder and disk
# do not hang.
DEFAULT_TIMEOUT_S = 600.0
TIMEOUT_BYTES_PER_S = 100_000
CHECK_INTERVAL_S = 0.25  # how often the progress of a worker is read while the worker sends nothing
# If more time passes between two readings, only this much counts: all processes of the run were stopped
# (Ctrl-Z, SIGSTOP, a paused container) and continued, or the machine was overloaded. That is not the sound's
# fault.
MAX_READING_GAP_S = 2 * CHECK_INTERVAL_S


class SoundTimer:
    """Measures how long a worker has worked on its current sound, by reading its progress again and again."""

    def __init__(self) -> None:
        self._last_reading_at = time.monotonic()
        self._begun_sounds = 0  # how many sounds the worker had begun at the last reading
        self._uncounted_s = 0.0  # how many seconds since the start of the current sound do not count

    def measure_seconds(self, progress: WorkerProgress) -> float:
        """Return how many seconds the worker has worked on its sound, without the time when it was stopped.

        Args:
            progress: the progress of the worker now. If its `sound_started_at` is 0.0, the result has no
                meaning.
        """
        now = time.monotonic()
        if progress.begun_sounds != self._begun_sounds:
            self._begun_sounds, self._uncounted_s = progress.begun_sounds, 0.0
        gap_s = now - max(self._last_reading_at, progress.sound_started_at)
        self._uncounted_s += max(0.0, gap_s - MAX_READING_GAP_S)
        self._last_reading_at = now
        return now - progress.sound_started_at - self._uncounted_s

    def forget_sound(self) -> None:
        """Reset the timer, for a new worker that has begun no sound yet."""
        self._begun_sounds, self._uncounted_s = 0, 0.0


def compute_timeout_s(sound: Sound, timeout_s: float | None) -> float:
    """Return how many seconds a sound may take.

    The size of the file was read before the run, so this function does not access a disk that may hang.

    Args:
        sound: the sound.
        timeout_s: the limit that the user has set, in seconds; None for a limit that grows with the file.
    """
    return (
        DEFAULT_TIMEOUT_S + (sound.file.size or 0) / TIMEOUT_BYTES_PER_S if timeout_s is None else timeout_s
    )
