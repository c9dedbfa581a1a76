"""The next batch is read while the one before is used."""

import threading
from collections.abc import Iterator

import pytest

from specfeat.training.read_ahead import read_ahead


def _count(end: int, reads: list[int]) -> Iterator[int]:
    for number in range(end):
        reads.append(number)
        yield number


def test_items_keep_their_order() -> None:
    """All of them are there, also None and the last one; no items are none."""
    assert list(read_ahead(iter([3, None, 1, 0]))) == [3, None, 1, 0]
    assert list(read_ahead(iter([]))) == []


def test_the_next_item_is_read_while_one_is_used() -> None:
    """The reader of the second item begins while the first is used: this test waits for it. It reads no more."""
    has_begun = threading.Event()
    reads: list[int] = []

    def read() -> Iterator[int]:
        for number in _count(10, reads):
            if number == 1:
                has_begun.set()
            yield number

    items = read_ahead(read())
    assert next(items) == 0
    assert has_begun.wait(timeout=60)
    items.close()
    assert reads == [0, 1]


def test_an_error_is_raised_at_its_place() -> None:
    """The items before it are yielded, as without reading ahead."""

    def read() -> Iterator[int]:
        yield 1
        raise OSError("is gone")

    items = read_ahead(read())
    assert next(items) == 1
    with pytest.raises(OSError, match="is gone"):
        next(items)


def test_no_thread_is_left() -> None:
    """Neither at the end, nor after an interruption in the middle."""
    before = threading.active_count()
    list(read_ahead(iter([1, 2])))
    items = read_ahead(iter([1, 2, 3]))
    next(items)
    items.close()

    assert threading.active_count() == before
