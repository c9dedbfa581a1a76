"""Rows of float16: every value is rounded once, and none becomes infinite."""

from collections.abc import Generator, Sequence

import numpy as np

from specfeat.errors import AudioError
from specfeat.events import Event, RowsEvent, SoundEndEvent
from specfeat.row_types import convert_rows
from specfeat.sound import make_file_sound

FLOAT16 = np.dtype("<f2")


def convert(events: Sequence[Event]) -> list[Event]:
    """Return the converted events."""

    def make_generator() -> Generator[Event, None, None]:
        yield from events

    return list(convert_rows(make_generator(), FLOAT16))


def make_rows(*values: float) -> RowsEvent:
    """Return an event with a row of one feature for each value."""
    return RowsEvent(np.array(values, np.float32)[:, np.newaxis])


def make_end(rows: int, **fields: object) -> SoundEndEvent:
    """Return the end of a sound."""
    return SoundEndEvent(sound=make_file_sound("a.wav"), status="ok", samples=7, rows=rows, **fields)  # type: ignore[arg-type]  # each field has its own type


def test_values_are_rounded_as_numpy_does() -> None:
    """The largest value of float16 is kept, and one that is only a little larger is rounded to it."""
    values = (0.1, -65504.0, 65519.0, 1e-7, 0.0)
    event, end = convert([make_rows(*values), make_end(5)])

    assert isinstance(event, RowsEvent)
    assert event.rows.dtype == FLOAT16
    np.testing.assert_array_equal(event.rows[:, 0], np.array(values, np.float16))
    assert end == make_end(5)


def test_a_sound_with_a_value_that_is_too_large_fails() -> None:
    """Its earlier rows are invalid, it has no later ones, and the next sound is not affected."""
    events: list[Event] = [
        make_rows(1, 2),
        make_rows(3, -65520),
        make_rows(4),
        make_end(5),
        make_rows(5),
        make_end(1),
    ]
    first, second, third, end, *next_sound = convert(events)

    assert [len(e.rows) for e in (first, second, third) if isinstance(e, RowsEvent)] == [2, 0, 0]
    assert [e.clips for e in (first, second, third) if isinstance(e, RowsEvent)] == [2, 2, 1]
    assert isinstance(end, SoundEndEvent)
    assert (end.status, end.rows, end.invalid_rows, end.samples) == ("failed", 0, 2, 7)
    assert isinstance(end.error, AudioError)
    assert (end.error.stage, end.error.cause) == ("network", "too large")
    assert str(end.error) == (
        "gives a feature of magnitude 65520, and float16 has at most 65504; write the features as float32 "
        "(rows.dtype)"
    )
    assert [len(e.rows) if isinstance(e, RowsEvent) else e.rows for e in next_sound] == [1, 1]
    broken = SoundEndEvent(
        sound=make_file_sound("a.wav"), status="failed", invalid_rows=3, error=AudioError("is broken")
    )
    end = convert([make_rows(1), make_rows(1e9), make_rows(1), broken])[-1]
    assert isinstance(end, SoundEndEvent)
    assert (end.invalid_rows, str(end.error)) == (1, "is broken")
