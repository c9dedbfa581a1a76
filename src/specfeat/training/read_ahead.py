"""Reads the next batch while the network is busy with the one before."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")


def read_ahead(items: Iterator[_Item]) -> Generator[_Item, None, None]:
    """Yield the items of an iterator in their order; a thread reads one of them in advance.

    TensorFlow does not hold Python's lock while it computes, so reading takes little time from a training
    step. One item in advance is enough, because it is read faster than it is used. An error of the iterator
    is raised when its item is due.

    Args:
        items: the iterator; only the thread uses it from now on.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as executor:
        future = executor.submit(_read_next, items)
        while read := future.result():
            future = executor.submit(_read_next, items)
            yield read[0]


def _read_next(items: Iterator[_Item]) -> tuple[_Item] | tuple[()]:
    """Return a tuple with the next item, or an empty one at the end: a future cannot keep StopIteration."""
    for item in items:
        return (item,)
    return ()
