"""Reads the headers of audio files: how many rows each file would give, and why some would give none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from specfeat.audio.audio_file import AudioFile
from specfeat.audio.channel_choice import choose_channels
from specfeat.audio.discovery import FoundSounds
from specfeat.config import Settings
from specfeat.convertible_files import list_convertible_files
from specfeat.errors import AudioError
from specfeat.inspection.config_description import BYTES_PER_VALUE
from specfeat.output.summary import list_visible_files

SurveyStatus = Literal["ok", "short", "empty", "failed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedFile:
    """What the header of a file says. Headers can be wrong, so a run can give other numbers.

    Attributes:
        path: the path of the file.
        status: "ok": it gives rows. "short": it is shorter than a clip, and such files are skipped. "empty":
            it has no samples. "failed": it cannot be read. "unknown": its header does not say how long it is.
        reason: why it gives no rows, without the path; "" if it gives rows.
        sample_rate: its sample rate in Hz; None if it cannot be read.
        channels: the number of its channels; None if it cannot be read.
        seconds: its length in seconds; None if that is not known.
        rows: the number of rows; None if that is not known.
        array_bytes: the size of these rows in an array of NumPy; None if that is not known.
    """

    path: str
    status: SurveyStatus
    reason: str = ""
    sample_rate: int | None = None
    channels: int | None = None
    seconds: float | None = None
    rows: int | None = 0
    array_bytes: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSurvey:
    """What a run would do with some inputs.

    Attributes:
        files: the files that would be read, in the order of their rows.
        convertible_files: the files in folders that are skipped because only FFmpeg reads them.
        other_files: the files in folders that are skipped because they are not audio.
        hidden_files: how many hidden files in folders are skipped.
    """

    files: tuple[SurveyedFile, ...]
    convertible_files: tuple[str, ...]
    other_files: tuple[str, ...]
    hidden_files: int

    @property
    def rows(self) -> int:
        """The number of rows of all files; files of unknown length are not counted."""
        return sum(file.rows or 0 for file in self.files)

    @property
    def array_bytes(self) -> int | None:
        """The size of all rows in an array of NumPy; None if the number of features is not known."""
        sizes = [file.array_bytes for file in self.files if file.rows]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def seconds(self) -> float:
        """The length of all files in seconds, as far as it is known."""
        return sum(file.seconds or 0.0 for file in self.files)

    def list_files(self, status: SurveyStatus) -> list[SurveyedFile]:
        """Return the files with a status."""
        return [file for file in self.files if file.status == status]


def survey_files(found: FoundSounds, settings: Settings, features: int | None) -> AudioSurvey:
    """Open each file, and compute from its header how many rows it would give.

    Args:
        found: the files.
        settings: the checked settings.
        features: the number of features in a row; None if it is not known.
    """
    visible = list_visible_files(found.skipped_files)
    convertible = set(list_convertible_files(visible))
    return AudioSurvey(
        files=tuple(_survey_files(found, settings, features)),
        convertible_files=tuple(path for path in visible if path in convertible),
        other_files=tuple(path for path in visible if path not in convertible),
        hidden_files=len(found.skipped_files) - len(visible),
    )


def _survey_files(found: FoundSounds, settings: Settings, features: int | None) -> Iterator[SurveyedFile]:
    for sound in found.sounds:
        try:
            with AudioFile(sound.path, sound.source) as file:
                yield _survey_open_file(sound.path, file, settings, features)
        except AudioError as e:
            yield SurveyedFile(path=sound.path, status="failed", reason=str(e))


def _survey_open_file(path: str, file: AudioFile, settings: Settings, features: int | None) -> SurveyedFile:
    audio = settings.audio
    check_channels(file, settings)
    samples = file.expected_samples
    if samples is None:
        return SurveyedFile(
            path=path,
            status="unknown",
            reason="its header does not say how long it is",
            sample_rate=file.rate,
            channels=file.channels,
            rows=None,
            array_bytes=None,
        )
    channels = file.channels if audio.channels == "each" else 1
    resampled = compute_resampled_length(samples, file.rate, audio.sample_rate)
    rows = channels * settings.count_rows(resampled)
    status: SurveyStatus = "ok" if rows else "short" if resampled else "empty"
    clip_s = settings.clip_grid.clip_samples / audio.sample_rate
    reasons = {
        "short": f"is shorter than a clip of {clip_s:.3g} s, and clips.short is skip",
        "empty": f"has no sample left at {audio.sample_rate:,} Hz" if samples else "has no samples",
    }
    return SurveyedFile(
        path=path,
        status=status,
        reason=reasons.get(status, ""),
        sample_rate=file.rate,
        channels=file.channels,
        seconds=samples / file.rate,
        rows=rows,
        array_bytes=None if features is None else rows * features * BYTES_PER_VALUE,
    )


def check_channels(file: AudioFile, settings: Settings) -> None:
    """Check that a file has the channels that the config wants.

    Raises:
        AudioError: it does not have them; the message is that of a run.
    """
    channel = 0 if settings.audio.channels == "each" else None
    silence = [np.zeros((1, file.channels), np.float32)]
    for _ in choose_channels(silence, settings.audio, channel, file.rate):
        pass


def compute_resampled_length(samples: int, rate: int, new_rate: int) -> int:
    """Return the number of samples after resampling by soxr: `samples * new_rate / rate`, rounded half up.

    Args:
        samples: the number of samples before.
        rate: their sample rate in Hz.
        new_rate: the sample rate after the resampling in Hz.
    """
    return (2 * samples * new_rate + rate) // (2 * rate)


def group_by_reason(files: Sequence[SurveyedFile]) -> dict[str, list[SurveyedFile]]:
    """Return files by the reason why they give no rows, the most frequent reason first."""
    groups: dict[str, list[SurveyedFile]] = {}
    for file in files:
        groups.setdefault(file.reason, []).append(file)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))
