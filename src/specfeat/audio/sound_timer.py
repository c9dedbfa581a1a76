"""How long a sound takes in a worker, and how long it may take."""

import time

from specfeat.audio.messages import WorkerProgress
from specfeat.sound import Sound

# The time that a sound may take unless the user sets a limit. It is far more than a sound needs, unless its
# decoder or its disk hangs.
DEFAULT_TIMEOUT_S = 600.0
TIMEOUT_BYTES_PER_S = 100_000
CHECK_INTERVAL_S = 0.25  # how often the progress is read of a worker that sends nothing
# A longer time between two readings counts only as this: the whole job was stopped (Ctrl-Z, SIGSTOP, a paused
# container) and continued, or the machine had no time for it. No sound is at fault for that.
MAX_LOOK_GAP_S = 2 * CHECK_INTERVAL_S


class SoundTimer:
    """Measures how long a worker has worked on its current sound, by reading its progress again and again."""

    def __init__(self) -> None:
        self._looked_at = time.monotonic()
        self._begun_sounds = 0  # how many sounds the worker had begun at the last reading
        self._uncounted_s = 0.0  # of the time since the current sound was begun

    def measure_seconds(self, progress: WorkerProgress) -> float:
        """Return how long the worker has worked on its sound, without the time when the job was stopped.

        Args:
            progress: how far the worker is now; its `since` must not be 0.0 for the result to make sense.
        """
        now = time.monotonic()
        if progress.begun_sounds != self._begun_sounds:
            self._begun_sounds, self._uncounted_s = progress.begun_sounds, 0.0
        gap_s = now - max(self._looked_at, progress.since)
        self._uncounted_s += max(0.0, gap_s - MAX_LOOK_GAP_S)
        self._looked_at = now
        return now - progress.since - self._uncounted_s

    def forget_sound(self) -> None:
        """Begin again, with a new worker that has begun no sound."""
        self._begun_sounds, self._uncounted_s = 0, 0.0


def compute_timeout_s(sound: Sound, timeout_s: float | None) -> float:
    """Return how many seconds a sound may take.

    The size of its file was taken before the run, so this does not access a disk that may hang.

    Args:
        sound: the sound.
        timeout_s: the limit that the user has set; None for one that grows with the file.
    """
    return (
        DEFAULT_TIMEOUT_S + (sound.file.size or 0) / TIMEOUT_BYTES_PER_S if timeout_s is None else timeout_s
    )
