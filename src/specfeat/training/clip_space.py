"""How much space the clips of a training take on the disk: an estimate, and a limit."""

import shutil
from collections.abc import Callable
from pathlib import Path

from specfeat.errors import OutputError
from specfeat.files import format_path

FIRST_ESTIMATE_SOUNDS = 64  # the number of finished sounds from which the size of all is estimated
FREE_SHARE = 0.95  # the largest share of the free space on the disk that is used
GIGABYTE = 1e9


class ClipSpace:
    """Adds up the bytes of all clips of a training, and stops it before they take more than is allowed.

    Args:
        folder: the folder of the clips.
        max_bytes: how many bytes all clips may take together.
        sounds: the number of sounds from which clips are made. A sound counts once for each of its random
            forms.
        on_estimate: called once with the estimated size of all clips in bytes.
    """

    def __init__(
        self, folder: Path, max_bytes: float, sounds: int, on_estimate: Callable[[float], None]
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._sounds = sounds
        self._on_estimate = on_estimate
        self._done_sounds = 0
        self._done_bytes = 0

    def add_finished(self, sounds: int, size: int) -> None:
        """Count clips that are on the disk already.

        Args:
            sounds: the number of sounds.
            size: the size of their clips, in bytes.
        """
        self._done_sounds += sounds
        self._done_bytes += size

    def add_sound(self, size: int) -> None:
        """Count the clips of one more sound.

        Args:
            size: the size of its clips, in bytes.

        Raises:
            OutputError: all clips take more space than is allowed, or than is free.
        """
        previous_sounds, self._done_sounds = self._done_sounds, self._done_sounds + 1
        self._done_bytes += size
        wanted = min(FIRST_ESTIMATE_SOUNDS, self._sounds)
        if previous_sounds < wanted <= self._done_sounds:
            estimate = self._done_bytes / self._done_sounds * self._sounds
            self._on_estimate(estimate)
            free = shutil.disk_usage(self._folder).free
            if estimate > FREE_SHARE * (free + self._done_bytes):
                self._refuse(estimate, f"only {free / GIGABYTE:.3g} GB are free there")
            self._check_limit(estimate)
        self._check_limit(self._done_bytes)

    def _check_limit(self, size: float) -> None:
        if size > self._max_bytes:
            self._refuse(size, f"train.cache.max_gb allows {self._max_bytes / GIGABYTE:g} GB")

    def _refuse(self, size: float, reason: str) -> None:
        raise OutputError(
            f"{format_path(str(self._folder))}: the clips take about {size / GIGABYTE:.3g} GB, but {reason}; "
            "use train.cache.dtype: float16, fewer variants or fewer files"
        )
