"""The journey with a network that is not one: batches across files, in threads, and what goes wrong with them."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.sample_data import Float, examples
from specfeat.errors import AudioError
from specfeat.pipeline import RowsEvent, SoundEndEvent, extract_rows
from specfeat.sound import Sound


class _Track:
    """A file of so many clips, whose numbers are its own; it may break after them."""

    def __init__(self, path: str, clips: int, *, breaks: bool = False) -> None:
        self.sound, self.samples, self.seconds = Sound(path), 10 * clips, 0.0
        self.silent = False
        self.broken: AudioError | None = None
        self._clips = np.arange(clips, dtype=np.float32)[:, np.newaxis] + 1000 * (ord(path) + 1)
        self._breaks = breaks

    def __iter__(self) -> Iterator[Float]:
        for start in range(0, len(self._clips), 2):
            yield self._clips[start : start + 2]
        if self._breaks:
            raise AudioError("broke off")


class _Network:
    """Answers with the clips themselves, after a while that differs from batch to batch."""

    batch, parallel_batches, input_shape = 3, 4, (1,)

    def __init__(self, fails_at: int = -1, together: int = 1) -> None:
        self.calls = 0
        self.at_once = self.most = 0
        self.first = threading.Barrier(together)  # so many batches wait for each other
        self._fails_at = fails_at
        self._lock = threading.Lock()

    def compute_rows(self, clips: Float) -> Float:
        with self._lock:
            call, self.calls = self.calls, self.calls + 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        if call < self.first.parties:
            self.first.wait(10)
        time.sleep(0.002 * (3 - call % 4))
        with self._lock:
            self.at_once -= 1
        if call == self._fails_at:
            raise MemoryError("no room for the batch")
        return clips.copy()


class _Slow(_Network):
    """The first batch takes until there are others for all threads, and these till the gate is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.others, self.gate = threading.Event(), threading.Event()

    def compute_rows(self, clips: Float) -> Float:
        first = not clips[0] % 1000  # the clips of a track are numbered
        rows = super().compute_rows(clips)
        (self.others if first else self.gate).wait()
        return rows

    def feed(self) -> Iterator[_Track]:
        """Yield a track, and then one that comes when its batches are all on their way."""
        yield _Track("A", self.batch * (1 + self.parallel_batches))
        self.others.set()
        yield _Track("B", 30)


def _go(tracks: list[_Track], network: Any) -> list[RowsEvent | SoundEndEvent]:
    return list(extract_rows(tracks, network))


@examples(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=9))
def test_every_file_gets_its_own_rows(files: list[tuple[int, bool]]) -> None:
    """Whatever the batches' order of arrival: each file's rows, in order, before its end; the ends in order."""
    tracks = [_Track(chr(65 + k), clips, breaks=breaks) for k, (clips, breaks) in enumerate(files)]
    rows: list[float] = []
    ends: list[str] = []
    for event in _go(tracks, _Network()):
        if isinstance(event, RowsEvent):
            rows += event.rows[:, 0].tolist()
            continue
        clips, breaks = files[len(ends)]
        wanted = [1000.0 * (ord(event.path) + 1) + k for k in range(clips)]
        assert (event.error is not None) == breaks
        if breaks:
            assert event.rows == 0
            assert rows == wanted[: event.take_back]
        else:
            assert rows == wanted
            assert event.rows == clips
        ends.append(event.path)
        rows = []

    assert ends == [track.sound.path for track in tracks]
    assert rows == []


def test_batches_run_side_by_side() -> None:
    """As many at once as the network bears, no more."""
    network = _Network(together=_Network.parallel_batches)

    _go([_Track("A", 90)], network)

    assert network.calls == 30
    assert network.most == network.parallel_batches


def test_rows_are_given_as_soon_as_they_are_there() -> None:
    """While a slow file is read, what the network has done already does not wait for more batches."""
    network = _Network()
    ended: list[str] = []
    known: list[str] = []

    def slow() -> Iterator[Any]:
        yield _Track("A", 3)
        yield _Track("B", 3)
        while network.calls < 2 or network.at_once:
            time.sleep(0.001)
        time.sleep(0.05)  # the threads have handed over what they had
        yield _Track("C", 1)
        yield _Track("D", 1)
        known.extend(ended)

    for event in extract_rows(slow(), network):  # type: ignore[arg-type]  # it has what the journey asks for
        if isinstance(event, SoundEndEvent):
            ended += [event.path]

    assert known == ["A", "B"]


def test_a_network_that_fails_is_heard() -> None:
    """An error in one of the threads reaches whoever follows, and the threads end."""
    threads = threading.active_count()

    with pytest.raises(MemoryError, match="no room for the batch"):
        _go([_Track("A", 90)], _Network(fails_at=7))

    assert threading.active_count() == threads


def test_who_stops_in_the_middle_waits_for_little() -> None:
    """What is under way comes to its end, what is queued does not begin, and no thread stays."""
    network, threads = _Slow(), threading.active_count()
    journey = extract_rows(network.feed(), network)  # type: ignore[arg-type]  # it has what the journey asks for
    next(journey)
    while network.calls < 1 + network.parallel_batches:
        time.sleep(0.001)
    opener = threading.Timer(0.1, network.gate.set)
    opener.start()
    journey.close()
    opener.join()

    assert network.calls == 1 + network.parallel_batches
    assert threading.active_count() == threads
