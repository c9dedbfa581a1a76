"""The time that belongs to each row of a sound. The times of rows do not overlap, even if their clips do."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specfeat.config.settings import Settings
from specfeat.files import wrap_os_errors
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.index_reader import IndexReader
from specfeat.output.records import SoundEntry

Times = NDArray[np.float64]
_BLOCK_LINES = 4096  # lines of the index that are Python objects at the same time


@dataclass(frozen=True, slots=True)
class RowTimes:
    """The times of the rows of one sound, in seconds from the start of its file.

    Attributes:
        clip_starts: the start of the clip of each row, as the index has it.
        starts: the start of the time that belongs to each row.
        ends: the end of this time.
    """

    clip_starts: Times
    starts: Times
    ends: Times


def iterate_row_times(output: FinishedOutput, settings: Settings) -> Iterator[tuple[SoundEntry, RowTimes]]:
    """Yield the sounds of an output that have rows, in order, with the times of their rows.

    Args:
        output: the output.
        settings: the settings with which it was made.

    Raises:
        OutputError: the index cannot be read.
    """
    with wrap_os_errors(output.paths.index, "read"), IndexReader(output.paths.index) as reader:
        for entry in output.record.files:
            if entry.rows:
                clip_starts, clip_ends = _read_clip_times(reader, entry.rows)
                yield entry, compute_row_times(entry, settings, clip_starts, clip_ends)


def _read_clip_times(reader: IndexReader, rows: int) -> tuple[Times, Times]:
    starts, ends = np.empty(rows), np.empty(rows)
    for first in range(0, rows, _BLOCK_LINES):
        lines = reader.read_lines(min(_BLOCK_LINES, rows - first))
        starts[first : first + _BLOCK_LINES] = lines["start_s"]
        ends[first : first + _BLOCK_LINES] = lines["end_s"]
    return starts, ends


def compute_row_times(
    entry: SoundEntry, settings: Settings, clip_starts: Times, clip_ends: Times
) -> RowTimes:
    """Return the time that belongs to each row of a sound.

    It is the part of the row's clip that is nearer to the middle of this clip than to the middle of the clips
    before and after it. So it is the whole clip if clips do not overlap. With `clips.edges: repeat`, the time
    of row k is hop k of the sound. No time is after the end of the sound.

    Args:
        entry: the sound.
        settings: the settings with which its rows were made.
        clip_starts: the start of each row's clip, in seconds from the start of the file.
        clip_ends: the end of each row's clip, in seconds from the start of the file.
    """
    rate, offset_s = settings.audio.sample_rate, entry.start_s or 0.0
    if settings.clips.edges == "repeat" and settings.rows.per == "clip":
        hops = np.arange(len(clip_starts) + 1) * settings.clip_grid.hop_samples
        starts, ends = hops[:-1], hops[1:]
    else:
        # In whole samples, because the borders between equal clips are then exact.
        first = np.rint((clip_starts - offset_s) * rate)
        last = np.rint((clip_ends - offset_s) * rate)
        middles = (first + last) / 2
        borders = (middles[:-1] + middles[1:]) / 2
        starts = np.maximum(first, np.concatenate([first[:1], borders]))
        ends = np.minimum(last, np.concatenate([borders, last[-1:]]))
    length = max(entry.samples, 1)  # in samples
    return RowTimes(
        clip_starts,
        offset_s + np.minimum(starts, length) / rate,
        offset_s + np.minimum(ends, length) / rate,
    )
