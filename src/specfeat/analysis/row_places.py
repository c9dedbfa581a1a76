"""Where the rows of a finished output are: their audio files, times and channels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.audio_events import AudioEvent
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.records import SoundEntry


@dataclass(frozen=True, slots=True)
class RowPlaces:
    """Where the rows of an output are.

    Attributes:
        entries: the entries of all sounds.
        entry_numbers: for each row, the position of its sound in `entries`.
        start_s: for each row, where it begins, in seconds from the start of the file.
        end_s: for each row, where it ends.
        files: for each row, a number that is the same for all rows of one file.
        tracks: for each row, a number that is the same for all rows of one channel of one file.
    """

    entries: tuple[SoundEntry, ...]
    entry_numbers: NDArray[np.int64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    files: NDArray[np.int64]
    tracks: NDArray[np.int64]

    def get_entry(self, row: int) -> SoundEntry:
        """Return the entry of the sound of a row."""
        return self.entries[int(self.entry_numbers[row])]

    def find_overlaps(self, track: int, start_s: float, end_s: float) -> NDArray[np.bool_]:
        """Return for each row whether it is in this track and has a time in common with this range."""
        overlaps: NDArray[np.bool_] = (self.tracks == track) & (self.start_s < end_s) & (self.end_s > start_s)
        return overlaps

    def make_event(self, row: int, label: str, values: tuple[str, ...]) -> AudioEvent:
        """Return the event that has file, channel and times of a row."""
        entry = self.get_entry(row)
        return AudioEvent(
            name=entry.path,
            start_s=float(self.start_s[row]),
            end_s=float(self.end_s[row]),
            label=label,
            channel=entry.channel,
            values=values,
        )


def read_row_places(output: FinishedOutput) -> RowPlaces:
    """Read from index and record where the rows of an output are.

    Raises:
        OutputError: the index cannot be read.
    """
    entries, index = output.record.files, output.read_index()
    numbers = output.list_row_entries()
    file_numbers: dict[str, int] = {}
    track_numbers: dict[tuple[str, int | None], int] = {}
    files = [file_numbers.setdefault(entry.path, len(file_numbers)) for entry in entries]
    tracks = [track_numbers.setdefault((entry.path, entry.channel), len(track_numbers)) for entry in entries]
    return RowPlaces(
        entries=entries,
        entry_numbers=numbers,
        start_s=index["start_s"],
        end_s=index["end_s"],
        files=np.array(files, np.int64)[numbers],
        tracks=np.array(tracks, np.int64)[numbers],
    )


def get_sample_rate(output: FinishedOutput) -> int:
    """Return the sample rate of the config of an output, in Hz."""
    audio: Any = output.record.provenance.config.resolved["audio"]
    rate: int = audio["sample_rate"]
    return rate
