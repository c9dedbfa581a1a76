"""How much space the clips of a training take on the disk: an estimate for the user, and a limit."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from specfeat.errors import OutputError
from specfeat.files import format_path

FIRST_ESTIMATE_SOUNDS = 64  # the number of finished sounds from which the size of all is estimated
FREE_SHARE = 0.95  # the largest share of the free space on the disk that is used
GIGABYTE = 1e9
MEGABYTE = 1e6


class ClipSpace:
    """Adds up the bytes of all clips of a training, and stops it if they take more than is allowed.

    The estimate is only a message. A training is stopped when the clips on the disk take too much, or when it
    is certain that they will.

    Args:
        folder: the folder of the clips.
        max_bytes: how many bytes all clips may take together.
        sounds: the number of sounds from which clips are made. A sound counts once for each of its random
            forms.
        file_bytes: the size of the files of these sounds, counted in the same way.
        on_note: called once with a sentence about the estimated size of all clips.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: float,
        sounds: int,
        file_bytes: int,
        on_note: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._sounds = sounds
        self._file_bytes = file_bytes
        self._on_note = on_note
        self._done_sounds = 0
        self._done_file_bytes = 0
        self._done_bytes = 0

    @property
    def done_bytes(self) -> int:
        """The size of the clips that are on the disk, in bytes."""
        return self._done_bytes

    def add_clips(self, sounds: int, file_bytes: int, size: int) -> None:
        """Count the clips of sounds.

        Args:
            sounds: the number of sounds.
            file_bytes: the size of the files of these sounds.
            size: the size of their clips, in bytes.

        Raises:
            OutputError: all clips take more space than is allowed.
        """
        previous_sounds, self._done_sounds = self._done_sounds, self._done_sounds + sounds
        self._done_file_bytes += file_bytes
        self._done_bytes += size
        if previous_sounds < min(FIRST_ESTIMATE_SOUNDS, self._sounds) <= self._done_sounds:
            self._tell_estimate()
        if self._done_bytes > self._max_bytes:
            self._refuse(f"take {_format_size(self._done_bytes)}", self._describe_limit())

    def check_future_bytes(self, size: float) -> None:
        """Stop the training if clips that are certainly still to be made cannot be kept.

        Args:
            size: the smallest size of these clips, in bytes.

        Raises:
            OutputError: they take more space than is allowed, or than is free.
        """
        total = self._done_bytes + size
        if total > self._max_bytes:
            self._refuse(f"will take {_format_size(total)} or more", self._describe_limit())
        free = self._measure_free_bytes()
        if size > FREE_SHARE * free:
            self._refuse(
                f"will take {_format_size(size)} or more beside those that are there",
                f"only {_format_size(free)} are free",
            )

    def _tell_estimate(self) -> None:
        """Estimate the size of all clips from the files so far: clips grow with the size of the file.

        Files of several formats have different numbers of clips for a byte. So the estimate refuses nothing.
        """
        if not self._done_file_bytes:
            return
        estimate = self._done_bytes / self._done_file_bytes * self._file_bytes
        folder = format_path(str(self._folder))
        text = f"the clips take about {_format_size(estimate)} in {folder} until the training ends"
        free = self._measure_free_bytes()
        if estimate > self._max_bytes:
            text += f"; {self._describe_limit()}, and the training stops with an error if they take more"
        elif estimate - self._done_bytes > FREE_SHARE * free:
            text += f", and only {_format_size(free)} are free there"
        self._on_note(text)

    def _measure_free_bytes(self) -> int:
        return shutil.disk_usage(self._folder).free

    def _describe_limit(self) -> str:
        return f"train.cache.max_gb allows {self._max_bytes / GIGABYTE:g} GB"

    def _refuse(self, problem: str, reason: str) -> NoReturn:
        raise OutputError(
            f"{format_path(str(self._folder))}: the clips {problem}, but {reason}; "
            "use train.cache.dtype: float16, fewer variants or fewer files"
        )


def _format_size(size: float) -> str:
    return f"{size / GIGABYTE:.3g} GB" if size >= GIGABYTE else f"{size / MEGABYTE:.3g} MB"
