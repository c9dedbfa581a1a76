"""The pipeline with a simple network: batches across sounds, in threads, and what can go wrong with them."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.sample_data import Float, examples
from helpers.waiting import wait_until
from specfeat import pipeline
from specfeat.errors import AudioError
from specfeat.events import Event, RowsEvent, SoundEndEvent
from specfeat.pipeline import extract_rows
from specfeat.sound import Sound


class _Stream:
    """A sound of so many clips, whose numbers are its own; it may break after them."""

    def __init__(self, path: str, clips: int, *, breaks: bool = False) -> None:
        self.sound = Sound(path)
        self.samples, self.seconds, self.silent = 10 * clips, 0.0, False
        self.too_loud = False
        self.break_error: AudioError | None = None
        self.decoder: str | None = None
        self._clips = np.arange(clips, dtype=np.float32)[:, np.newaxis] + 1000 * (ord(path) + 1)
        self._breaks = breaks

    def __iter__(self) -> Iterator[Float]:
        for start in range(0, len(self._clips), 2):
            yield self._clips[start : start + 2]
        if self._breaks:
            raise AudioError("broke off")


class _Network:
    """Returns the clips themselves, after a time that differs from batch to batch.

    Args:
        fails_at: the number of the call that fails; -1 for none.
        together: so many of the first calls wait for each other.
    """

    batch, places, parallel_batches, input_shape = 3, 3, 4, (1,)

    def __init__(self, fails_at: int = -1, together: int = 1) -> None:
        self.calls = 0
        self.running = self.most_running = 0
        self._barrier = threading.Barrier(together)
        self._fails_at = fails_at
        self._lock = threading.Lock()

    def compute_rows(self, clips: Float) -> Float:
        with self._lock:
            call, self.calls = self.calls, self.calls + 1
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        if call < self._barrier.parties:
            self._barrier.wait(10)
        time.sleep(0.002 * (3 - call % 4))
        with self._lock:
            self.running -= 1
        if call == self._fails_at:
            raise MemoryError("no room for the batch")
        return clips.copy()


class _GatedNetwork(_Network):
    """The first batch takes until all others are sent, and these take until the gate is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.all_sent, self.gate = threading.Event(), threading.Event()

    def compute_rows(self, clips: Float) -> Float:
        is_first = not clips[0] % 1000  # the clips of a stream are numbered
        rows = super().compute_rows(clips)
        (self.all_sent if is_first else self.gate).wait()
        return rows

    def make_streams(self) -> Iterator[_Stream]:
        """Yield a stream, and a second one when all batches of the first are sent."""
        yield _Stream("A", self.batch * (1 + self.parallel_batches))
        self.all_sent.set()
        yield _Stream("B", 30)


def _extract(streams: Any, network: Any) -> list[Event]:
    return list(extract_rows(streams, network))


@examples(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=9))
def test_every_sound_gets_its_own_rows(sounds: list[tuple[int, bool]]) -> None:
    """Whichever batch is finished first: each sound's rows come in order, before its end, and the ends in order."""
    streams = [_Stream(chr(65 + k), clips, breaks=breaks) for k, (clips, breaks) in enumerate(sounds)]
    rows: list[float] = []
    ended: list[Sound] = []
    for event in _extract(streams, _Network()):
        if isinstance(event, RowsEvent):
            rows += event.rows[:, 0].tolist()
            continue
        clips, breaks = sounds[len(ended)]
        expected = [1000.0 * (ord(event.sound.path) + 1) + k for k in range(clips)]
        assert (event.error is not None) == breaks
        if breaks:
            assert event.rows == 0
            assert rows == expected[: event.invalid_rows]
        else:
            assert rows == expected
            assert event.rows == clips
        ended.append(event.sound)
        rows = []

    assert ended == [stream.sound for stream in streams]
    assert rows == []


def test_batches_run_side_by_side() -> None:
    """As many run at once as the network allows, and no more."""
    network = _Network(together=_Network.parallel_batches)

    _extract([_Stream("A", 90)], network)

    assert network.calls == 30
    assert network.most_running == network.parallel_batches


class _RecordingExecutor(ThreadPoolExecutor):
    """Keeps what it was asked to do."""

    futures: list[Future[Any]]

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        type(self).futures = []

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        future = super().submit(function, *arguments, **options)
        self.futures.append(future)
        return future


def test_rows_are_passed_on_as_soon_as_they_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a slow file is read, the rows that the network has computed do not wait for more batches."""
    monkeypatch.setattr(pipeline, "ThreadPoolExecutor", _RecordingExecutor)
    ended: list[str] = []
    ended_before_slow: list[str] = []

    def stream_slowly() -> Iterator[Any]:
        yield _Stream("A", 3)
        yield _Stream("B", 3)
        assert not wait(_RecordingExecutor.futures, timeout=10).not_done
        yield _Stream("C", 1)
        yield _Stream("D", 1)
        ended_before_slow.extend(ended)

    network: Any = _Network()
    for event in extract_rows(stream_slowly(), network):
        if isinstance(event, SoundEndEvent):
            ended += [event.sound.path]

    assert ended_before_slow == ["A", "B"]


def test_an_error_of_the_network_is_raised() -> None:
    """An error in one of the threads reaches the caller, and the threads end."""
    threads = threading.active_count()

    with pytest.raises(MemoryError, match="no room for the batch"):
        _extract([_Stream("A", 90)], _Network(fails_at=7))

    assert threading.active_count() == threads


def test_a_caller_that_stops_early_waits_for_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that run come to their end, batches that are queued do not start, and no thread stays."""
    network, threads = _GatedNetwork(), threading.active_count()

    class Executor(ThreadPoolExecutor):
        """Lets the running batches end when the queued ones are cancelled."""

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            network.gate.set()
            super().shutdown(wait)

    monkeypatch.setattr(pipeline, "ThreadPoolExecutor", Executor)
    events = extract_rows(network.make_streams(), network)  # type: ignore[arg-type]  # they have what it needs
    next(events)
    wait_until(lambda: network.calls >= 1 + network.parallel_batches)
    events.close()

    assert network.calls == 1 + network.parallel_batches
    assert threading.active_count() == threads
