"""Computes which samples of a file each row is made from."""

from collections.abc import Iterator
from typing import NamedTuple

from specfeat.config.clip_grid import ClipGrid, ClipSpan


class FileSpan(NamedTuple):
    """The samples of a row that is made from all clips of a file, at the config's sample rate.

    Attributes:
        start: the first sample, counted from 0.
        end: the sample after the last one: the end of the last clip, but not after the end of the file.
        padded: how much of all clips together, from 0 to 1, is silence after the end of the file.
    """

    start: int
    end: int
    padded: float

    def compute_padded_share(self, samples: int) -> float:
        """Return `padded`, as `ClipSpan.compute_padded_share` does; `samples` is not used."""
        return self.padded


RowSpan = ClipSpan | FileSpan


def iterate_file_span(grid: ClipGrid, samples: int) -> Iterator[FileSpan]:
    """Yield the samples of the one row of a file; nothing if the file has no clips.

    Args:
        grid: the grid of the clips.
        samples: the length of the file in samples.
    """
    clips, padded, end = 0, 0.0, 0
    for span in grid.iterate_spans(samples):
        clips += 1
        padded += span.compute_padded_share(samples)
        end = max(end, span.end)
    if clips:
        yield FileSpan(0, min(end, samples), padded / clips)
