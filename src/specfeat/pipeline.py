"""Connects the stages from sounds to rows; the rows come in the order of the inputs.

    sounds -> samples (decoded, mono, resampled) -> spectrogram -> clips -> batches filled across sounds
           -> network -> rows (`row_pooling` can make one row from all rows of a sound)

The stages do not import each other; only this module connects them. It yields a sequence of `events`: for
each sound its rows, and then its end.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.clip_stream import ClipStream
from specfeat.errors import AudioError
from specfeat.events import Event, RowsEvent, SoundEndEvent
from specfeat.row_pooling import pool_rows

if TYPE_CHECKING:
    from specfeat.network.ready_network import ReadyNetwork
    from specfeat.sound import SoundStatus

MAX_WAITING_BYTES = 64 * 2**20  # most memory for clips of full batches that wait for a thread


@dataclass(slots=True)
class _OpenSound:
    """A sound that has not ended yet.

    It ends when two things are true: its stream is read to the end, and none of its clips waits in a batch.

    Attributes:
        stream: the stream that its clips come from.
        pending_clips: clips of it in batches whose rows have not been passed on.
        emitted_rows: rows of it that have been passed on.
        error: the first reason why it fails; its later rows are not passed on.
        is_read: whether its stream has given all its clips, or has failed.
    """

    stream: ClipStream
    pending_clips: int = 0
    emitted_rows: int = 0
    error: AudioError | None = None
    is_read: bool = False

    @property
    def has_ended(self) -> bool:
        return self.is_read and not self.pending_clips

    def make_end_event(self) -> SoundEndEvent:
        stream, rows = self.stream, self.emitted_rows
        # A break that is allowed (keep_partial) is still a failure if there are no rows before it.
        error = self.error or (None if rows else stream.break_error)
        if error:
            return SoundEndEvent(
                sound=stream.sound,
                status="failed",
                samples=stream.samples,
                invalid_rows=rows,
                error=error,
                seconds=stream.seconds,
                decoder=stream.decoder,
            )
        complete_status: SoundStatus = "ok" if rows else "short" if stream.samples else "empty"
        return SoundEndEvent(
            sound=stream.sound,
            status="partial" if stream.break_error else complete_status,
            samples=stream.samples,
            rows=rows,
            error=stream.break_error,
            seconds=stream.seconds,
            silent=bool(stream.samples) and stream.silent,
            too_loud=stream.too_loud,
            decoder=stream.decoder,
        )


@dataclass(slots=True)
class _Batch:
    """Clips that go through the network together.

    Attributes:
        clips: shape (batch, *input_shape); the places that are not filled are zero.
        filled: how many clips it has.
        parts: the sounds that its clips belong to, in order, each with its number of clips.
    """

    clips: NDArray[np.float32]
    filled: int = 0
    parts: list[tuple[_OpenSound, int]] = field(default_factory=list)


class _BatchScheduler:
    """Fills batches with the clips of one sound after another, and yields the rows of each sound.

    A batch is filled (`_batch`), then waits or is computed (`_in_flight`), then it is emitted, i.e. its rows
    are yielded. Two invariants make the output independent of timing:

    - Batches are emitted in the order in which they were filled, and not in the order in which the threads
      finish. So the rows of a sound are in the order of its clips, and need not be sorted.
    - `_open_sounds` holds the sounds in the order of the inputs, and only the first may end. All events of a
      sound therefore come before those of the next one.
    """

    def __init__(self, network: "ReadyNetwork", threads: Executor) -> None:
        self._network = network
        self._threads = threads
        self._open_sounds: deque[_OpenSound] = deque()
        self._in_flight: deque[tuple[_Batch, Future[NDArray[np.float32]]]] = deque()
        self._batch = self._make_batch()
        # As many batches may wait as are computed at the same time. So a thread that has finished a batch can
        # begin the next one at once. More would only take memory, and large batches are limited by their
        # size.
        waiting = min(network.parallel_batches, MAX_WAITING_BYTES // self._batch.clips.nbytes)
        self._max_in_flight = network.parallel_batches + waiting

    def run(self, streams: Iterable[ClipStream]) -> Iterator[Event]:
        for stream in streams:
            sound = _OpenSound(stream)
            self._open_sounds.append(sound)
            yield from self._read(sound)
        if self._batch.filled:
            self._send_batch()
        while self._in_flight:
            yield from self._emit_oldest_batch()

    def _make_batch(self) -> _Batch:
        return _Batch(np.zeros((self._network.batch, *self._network.input_shape), np.float32))

    def _read(self, sound: _OpenSound) -> Iterator[Event]:
        try:
            for clips in sound.stream:
                # After a failure in the network the stream is still read to its end, because the record has
                # the length of the sound.
                if not sound.error:
                    yield from self._add_clips(sound, clips)
        except AudioError as e:
            sound.error = sound.error or e
        sound.is_read = True
        yield from self._end_sounds()

    def _add_clips(self, sound: _OpenSound, clips: NDArray[np.float32]) -> Iterator[Event]:
        while len(clips):
            batch = self._batch
            count = min(len(clips), self._network.places - batch.filled)
            batch.clips[batch.filled : batch.filled + count] = clips[:count]
            batch.filled += count
            batch.parts.append((sound, count))
            sound.pending_clips += count
            clips = clips[count:]
            if batch.filled == self._network.places:
                self._send_batch()
            yield from self._emit_finished_batches()

    def _send_batch(self) -> None:
        """Give the batch to a thread, and begin another one."""
        rows = self._threads.submit(self._network.compute_rows, self._batch.clips)
        self._in_flight.append((self._batch, rows))
        self._batch = self._make_batch()

    def _emit_finished_batches(self) -> Iterator[Event]:
        """Emit the batches that are finished, and wait for the oldest if too many are in flight."""
        while self._in_flight and (
            len(self._in_flight) > self._max_in_flight or self._in_flight[0][1].done()
        ):
            yield from self._emit_oldest_batch()

    def _emit_oldest_batch(self) -> Iterator[Event]:
        """Wait for the oldest batch, and yield its rows and the ends of the sounds that end with them."""
        batch, future = self._in_flight.popleft()
        rows = future.result()
        start = 0
        for sound, count in batch.parts:
            sound_rows = rows[start : start + count]
            start += count
            sound.pending_clips -= count
            if not np.isfinite(sound_rows).all():
                sound.error = sound.error or AudioError(
                    "gives features that are not finite", "network", "not finite"
                )
            if not sound.error:
                sound.emitted_rows += count
                yield RowsEvent(sound_rows)
            yield from self._end_sounds()

    def _end_sounds(self) -> Iterator[SoundEndEvent]:
        """Yield the end of each sound that has ended, up to the first that has not."""
        while self._open_sounds and self._open_sounds[0].has_ended:
            yield self._open_sounds.popleft().make_end_event()


def extract_rows(
    streams: Iterable[ClipStream], network: "ReadyNetwork", statistics: Sequence[str] = ()
) -> Generator[Event, None, None]:
    """Turn the clips of each sound into rows, in order; a sound that fails does not affect the others.

    The rows of a sound depend on that sound and the config alone: every batch has the same shape, and the
    last one is filled up with zeros.

    Args:
        streams: the clips of each sound; a stream is read to its end before the next one is asked for.
        network: the network that the clips go through.
        statistics: the statistics of all clips of a sound that make one row; empty for a row for each clip.

    Yields:
        The rows of each sound in pieces, followed by the event that the sound has ended.
    """
    events = _extract_clip_rows(streams, network)
    return pool_rows(events, statistics) if statistics else events


def _extract_clip_rows(
    streams: Iterable[ClipStream], network: "ReadyNetwork"
) -> Generator[Event, None, None]:
    threads = ThreadPoolExecutor(network.parallel_batches)
    try:
        yield from _BatchScheduler(network, threads).run(streams)
    finally:
        # A caller that stops early waits for the batches that run, but not for those that are queued.
        threads.shutdown(cancel_futures=True)
