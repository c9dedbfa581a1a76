"""The clips of one sound on their way to the network, made in this process or in a worker."""

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
    """The clips of one sound, to be iterated once; the other attributes are valid after the last clip.

    Attributes:
        sound: the sound.
        samples: how many samples were read, at the config's rate: the length of a sound without error.
        seconds: the time that decoding and the clips took.
        silent: whether every sample is 0.
        broken: why the sound ends early; None unless its file broke in the middle and the clips before the
            break are to be kept.
    """

    sound: Sound
    samples: int
    seconds: float
    silent: bool
    broken: AudioError | None

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield float32 arrays of shape (clips, *input_shape), once.

        Raises:
            AudioError: the sound cannot be used.
        """


class LocalClipStream:
    """A clip stream that is made in this process while it is iterated.

    Args:
        sound: the sound.
        maker: the object that makes the clips.
        open_samples: a function that begins to read the sound, and returns its mono samples at the config's
            rate, in blocks.
    """

    def __init__(
        self, sound: Sound, maker: ClipMaker, open_samples: Callable[[], Iterable[FloatArray]]
    ) -> None:
        self.sound = sound
        self.samples = 0
        self.seconds = 0.0
        self.silent = False
        self.broken: AudioError | None = None
        self._maker = maker
        self._open_samples = open_samples

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield the clips one by one."""
        begun = time.perf_counter()
        clips = self._maker.make_clips(self._open_samples())
        try:
            for clip in clips:
                self.seconds += time.perf_counter() - begun
                yield clip[np.newaxis]
                begun = time.perf_counter()
        finally:
            self.samples, self.silent = clips.samples, clips.silent
            self.seconds += time.perf_counter() - begun


class WorkerClipStream:
    """A clip stream that comes from a worker.

    Args:
        sound: the sound.
        take_event: waits for the next event of the worker, and returns it.
    """

    def __init__(self, sound: Sound, take_event: Callable[[], WorkerEvent]) -> None:
        self.sound = sound
        self.samples = 0
        self.seconds = 0.0
        self.silent = False
        self.broken: AudioError | None = None
        self._take_event = take_event
        self._has_ended = False

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield float32 arrays of shape (clips, *input_shape).

        Raises:
            AudioError: the sound cannot be used, or its worker crashed or took too long.
            RuntimeError: a bug in specfeat has ended the decoding; the message has the worker's traceback.
        """
        while not self._has_ended:
            event = self._take_event()
            if isinstance(event, ClipsEvent):
                yield event.clips
                continue
            self._has_ended = True
            self.samples, self.seconds, self.silent = event.samples, event.seconds, event.silent
            if event.error is None:
                return
            error = event.error.to_error()
            if error.stage == "bug":
                raise RuntimeError(f"{self.sound.path}: {error}")
            if not event.keeps_clips:
                raise error
            self.broken = error

    def skip_rest(self) -> None:
        """Skip the clips that have not been iterated, so that the worker's next sound can follow."""
        with contextlib.suppress(AudioError):
            for _ in self:
                pass
