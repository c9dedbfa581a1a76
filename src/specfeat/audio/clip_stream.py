"""The clips of one sound, as the network takes them; they are made in this process or in a worker."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np

from specfeat.audio.clips import ClipMaker
from specfeat.audio.messages import ClipsEvent, WorkerEvent
from specfeat.audio.stft import FloatArray
from specfeat.errors import AudioError
from specfeat.sound import Sound


class ClipStream(Protocol):
    """The clips of one sound. A stream can be iterated once.

    All attributes except `sound` are valid only after the last clip.

    Attributes:
        sound: the sound.
        samples: how many samples were read, at the config's sample rate. If there was no error, this is the
            length of the sound.
        seconds: how long it took to decode the sound and to make its clips.
        silent: whether every sample is 0.
        too_loud: whether a sample is far beyond -1..1.
        break_error: why the sound ends early, if its file broke in the middle and the clips before the break
            are kept; otherwise None.
        decoder: the version of FFmpeg if it decoded the file; None if libsndfile decoded it.
    """

    sound: Sound
    samples: int
    seconds: float
    silent: bool
    too_loud: bool
    break_error: AudioError | None
    decoder: str | None

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield float32 arrays of shape (clips, *input_shape), once.

        Raises:
            AudioError: the sound cannot be used.
        """


class LocalClipStream:
    """A clip stream that this process makes while it is iterated.

    Args:
        sound: the sound.
        maker: the object that makes the clips from the samples.
        open_samples: a function that opens the sound, and returns its mono samples at the config's sample
            rate, in blocks.
    """

    def __init__(
        self, sound: Sound, maker: ClipMaker, open_samples: Callable[[], Iterable[FloatArray]]
    ) -> None:
        self.sound = sound
        self.samples = 0
        self.seconds = 0.0
        self.silent = False
        self.too_loud = False
        self.break_error: AudioError | None = None
        self.decoder: str | None = None
        self._maker = maker
        self._open_samples = open_samples

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield the clips one by one."""
        started_at = time.perf_counter()
        clips = self._maker.make_clips(self._open_samples())
        try:
            for clip in clips:
                # While the generator waits at `yield`, the receiver works: that time does not count.
                self.seconds += time.perf_counter() - started_at
                yield clip[np.newaxis]
                started_at = time.perf_counter()
        finally:
            self.samples, self.silent, self.too_loud = clips.samples, clips.silent, clips.too_loud
            self.seconds += time.perf_counter() - started_at


class WorkerClipStream:
    """A clip stream whose clips come from a worker.

    Args:
        sound: the sound.
        take_event: a function that waits for the next event of the worker, and returns it.

    Attributes:
        channels: the number of channels in the file, if the worker only counts them; otherwise None.
    """

    def __init__(self, sound: Sound, take_event: Callable[[], WorkerEvent]) -> None:
        self.sound = sound
        self.samples = 0
        self.seconds = 0.0
        self.silent = False
        self.too_loud = False
        self.break_error: AudioError | None = None
        self.decoder: str | None = None
        self.channels: int | None = None
        self._take_event = take_event
        self._has_ended = False

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield float32 arrays of shape (clips, *input_shape).

        Raises:
            AudioError: the sound cannot be used, or its worker crashed or took too long.
            RuntimeError: a bug in specfeat ended the decoding; the message has the worker's traceback.
        """
        while not self._has_ended:
            event = self._take_event()
            if isinstance(event, ClipsEvent):
                yield event.clips
                continue
            self._has_ended = True
            self.samples, self.seconds = event.samples, event.seconds
            self.silent, self.too_loud = event.silent, event.too_loud
            self.decoder, self.channels = event.decoder, event.channels
            if event.error is None:
                return
            error = event.error.to_error()
            if error.stage == "bug":
                raise RuntimeError(f"{self.sound.path}: {error}")
            if not event.keeps_clips:
                raise error
            self.break_error = error

    def skip_rest(self) -> None:
        """Take the events of this sound that are left, so that the next event is that of the next sound."""
        with contextlib.suppress(AudioError):
            for _ in self:
                pass
