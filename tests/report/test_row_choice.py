"""Rows for thumbnails are chosen so that little audio is read."""

import numpy as np

from specfeat.report.row_choice import choose_rows


def test_rows_are_spread_over_all_sounds() -> None:
    """If all audio may be read, the rows are spread evenly from the first to the last."""
    starts = np.tile(np.arange(10.0), 3)
    sounds = np.repeat([0, 4, 5], 10)

    assert choose_rows(starts, sounds, 5, 1000).tolist() == [0, 7, 14, 22, 29]
    assert choose_rows(starts, sounds, 99, 1000).tolist() == [*range(30)]
    assert choose_rows(starts, sounds, 0, 1000).tolist() == []
    assert choose_rows(starts[:0], sounds[:0], 5, 1000).tolist() == []


def test_long_sounds_are_read_only_at_their_start() -> None:
    """The limit of the audio is shared: short sounds are read whole, and long ones up to the same second."""
    starts = np.concatenate([np.arange(3.0), np.arange(100.0), np.arange(100.0)])
    sounds = np.repeat([0, 1, 2], [3, 100, 100])
    rows = choose_rows(starts, sounds, 99, 22)

    assert rows.tolist() == [0, 1, 2, *range(3, 14), *range(103, 114)]
    assert choose_rows(starts, sounds, 99, 0).tolist() == [0, 3, 103]
