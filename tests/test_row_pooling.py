"""One row of a sound from all its clips: the statistics are NumPy's, and do not depend on batches."""

from collections.abc import Generator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.sample_data import Float, examples
from specfeat.architecture.feature_sources import STATISTICS
from specfeat.errors import AudioError
from specfeat.events import Event, RowsEvent, SoundEndEvent
from specfeat.row_pooling import RowPool, pool_rows
from specfeat.sound import Sound

POOL = ("std", "mean", "last", "first", "min", "max")  # in another order than in STATISTICS


def _make_rows(clips: int, width: int, offset: float = 0.0) -> Float:
    noise = np.random.default_rng(clips).normal(size=(clips, width))
    return (noise + offset).astype(np.float32)


@examples(max_examples=60)
@given(st.lists(st.integers(1, 70), min_size=1, max_size=8), st.sampled_from([1, 3, 17]))
def test_the_pieces_do_not_matter(pieces: list[int], width: int) -> None:
    """The clips of a sound give the same bits in one array, one by one, or in pieces of any size."""
    rows = _make_rows(sum(pieces), width)
    whole, in_pieces = RowPool(POOL), RowPool(POOL)
    whole.add(rows)
    for piece in np.split(rows, np.cumsum(pieces)[:-1]):
        in_pieces.add(piece)

    assert whole.compute_row().tobytes() == in_pieces.compute_row().tobytes()


@pytest.mark.parametrize("offset", [0.0, 3e4])
@pytest.mark.parametrize("clips", [1, 2, 1000])
def test_the_statistics_are_those_of_numpy(clips: int, offset: float) -> None:
    """Also where the mean is much larger than the deviation, no value differs from NumPy's by more than rounding."""
    rows = _make_rows(clips, 5, offset)
    pool = RowPool(POOL)
    pool.add(rows)
    exact = rows.astype(np.float64)
    expected = [exact.std(0), exact.mean(0), rows[-1], rows[0], rows.min(0), rows.max(0)]

    assert pool.compute_row().dtype == np.float32
    np.testing.assert_allclose(pool.compute_row(), np.concatenate(expected), rtol=1.2e-7, atol=1e-12)
    assert set(POOL) == set(STATISTICS)


def _make_events() -> Generator[Event, None, None]:
    error = AudioError("broke off")
    yield RowsEvent(np.array([[1, 5], [3, 4]], np.float32))
    yield RowsEvent(np.array([[5, 0]], np.float32))
    yield SoundEndEvent(sound=Sound("a"), status="ok", samples=30, rows=3)
    yield RowsEvent(np.array([[7, 7]], np.float32))
    yield SoundEndEvent(sound=Sound("fails"), status="failed", samples=9, invalid_rows=1, error=error)
    yield SoundEndEvent(sound=Sound("empty"), status="empty")
    yield RowsEvent(np.array([[2, 9]], np.float32))
    yield SoundEndEvent(sound=Sound("b"), status="partial", samples=10, rows=1, error=error)


def test_each_sound_has_one_row() -> None:
    """A sound that fails or has no clips has no row, and its clips are not in the row of another sound."""
    events = list(pool_rows(_make_events(), ["mean", "max"]))
    rows = [event.rows for event in events if isinstance(event, RowsEvent)]
    ends = [(e.sound.path, e.rows, e.invalid_rows) for e in events if isinstance(e, SoundEndEvent)]

    assert np.concatenate(rows).tolist() == [[3, 3, 5, 5], [2, 9, 2, 9]]
    assert ends == [("a", 1, 0), ("fails", 0, 0), ("empty", 0, 0), ("b", 1, 0)]
    assert [event.clips for event in events if isinstance(event, RowsEvent)] == [2, 1, 0, 1, 1, 0]


def test_closing_reaches_the_events() -> None:
    """If a run ends early, the extraction behind the pooling is closed, too, so that its threads end."""
    closed = []

    def make_events() -> Generator[Event, None, None]:
        try:
            yield from _make_events()
        finally:
            closed.append(True)

    events = pool_rows(make_events(), ["mean"])
    next(events)
    events.close()

    assert closed == [True]
