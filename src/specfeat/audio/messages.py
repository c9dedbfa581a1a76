"""The messages between the pool and its workers, and how they are written as bytes.

    pool -> worker    `WorkerSetup` once, then one task (a list of sounds) after another: pickled
    worker -> pool    messages: a header in JSON, and the clips as plain bytes; never pickled
    worker -> pool    `WorkerProgress` in memory that both share

A worker decodes files that nobody has checked, so what it sends must not be able to run code in the parent. A
pickle could; JSON and numbers cannot.

A message is a list of events in their order. To send every event alone would cost more than decoding a short
file. Example of a header: `[{"clips": 3}, {"samples": 48000, ...}]`.
"""

import json
import pickle
import struct
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from mmap import mmap
from typing import Any

import numpy as np

from specfeat.audio.stft import FloatArray
from specfeat.config.settings import Settings
from specfeat.errors import AudioError, Remedy
from specfeat.sound import Sound


@dataclass(frozen=True, slots=True)
class ClipsEvent:
    """Clips of the sound that the worker decodes, float32, shape (n, *input_shape)."""

    clips: FloatArray


@dataclass(frozen=True, slots=True)
class ErrorData:
    """An `AudioError` as data: the arguments of `AudioError`; `remedy` is the name of the `Remedy`."""

    message: str
    stage: str
    cause: str
    at_s: float | None
    remedy: str | None

    @classmethod
    def from_error(cls, error: AudioError) -> "ErrorData":
        """Return the data of an error."""
        remedy = error.remedy.name if error.remedy else None
        return cls(str(error), error.stage, error.cause, error.at_s, remedy)

    def to_error(self) -> AudioError:
        """Return the `AudioError`."""
        remedy = Remedy[self.remedy] if self.remedy else None
        return AudioError(self.message, self.stage, self.cause, self.at_s, remedy=remedy)


@dataclass(frozen=True, slots=True)
class SoundEnd:
    """The end of a sound, after its last clip.

    Attributes:
        samples: how many samples were read, at the config's rate.
        seconds: the time that decoding and the clips took.
        silent: whether every sample is 0.
        error: what is wrong with the sound; None if nothing is.
        keeps_clips: whether the clips count although there is an error: the file broke in the middle, and the
            clips before the break are wanted.
    """

    samples: int
    seconds: float
    silent: bool
    error: ErrorData | None
    keeps_clips: bool


WorkerEvent = ClipsEvent | SoundEnd


def send_message(
    send: Callable[[bytes | memoryview], None], events: Sequence[WorkerEvent], clips: FloatArray
) -> None:
    """Send one message.

    Args:
        send: sends some bytes, which arrive together.
        events: the events, in order.
        clips: the clips of all events one after another, in one piece of memory, so that they are not copied.
    """
    header = [{"clips": len(e.clips)} if isinstance(e, ClipsEvent) else asdict(e) for e in events]
    send(json.dumps(header).encode())
    if len(clips):
        send(clips.data.cast("B"))


def receive_message(receive: Callable[[], bytes], input_shape: tuple[int, ...]) -> list[WorkerEvent]:
    """Receive one message.

    Args:
        receive: returns the bytes of one call of `send`.
        input_shape: the shape of a clip.
    """
    header = json.loads(receive())
    count = sum(fields.get("clips", 0) for fields in header)
    clips = np.frombuffer(receive() if count else b"", np.float32).reshape(count, *input_shape)
    events: list[WorkerEvent] = []
    start = 0
    for fields in header:
        if "clips" in fields:
            end = start + fields["clips"]
            events.append(ClipsEvent(clips[start:end]))
            start = end
        else:
            events.append(_decode_sound_end(fields))
    return events


def _decode_sound_end(fields: dict[str, Any]) -> SoundEnd:
    error = fields.pop("error")
    return SoundEnd(**fields, error=ErrorData(**error) if error else None)


# --- from the pool to a worker -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker needs to know before its first task.

    Attributes:
        settings: the config's settings.
        keep_partial: whether a file that breaks in the middle keeps the clips before the break.
    """

    settings: Settings
    keep_partial: bool


def encode_setup(setup: WorkerSetup) -> bytes:
    """Write a setup as bytes."""
    return pickle.dumps(setup)


def encode_task(sounds: Sequence[Sound]) -> bytes:
    """Write a task, the next sounds of a worker, as bytes."""
    return pickle.dumps(list(sounds))


def decode_setup(data: bytes) -> WorkerSetup:
    """Return the setup that `encode_setup` has written."""
    setup: WorkerSetup = pickle.loads(data)  # noqa: S301  only the parent has the other end of the connection
    return setup


def decode_task(data: bytes) -> list[Sound]:
    """Return the task that `encode_task` has written."""
    sounds: list[Sound] = pickle.loads(data)  # noqa: S301  only the parent has the other end of the connection
    return sounds


# --- progress, in shared memory ------------------------------------------------------------------

_PROGRESS = struct.Struct("qd")
PROGRESS_BYTES = _PROGRESS.size


@dataclass(frozen=True, slots=True)
class WorkerProgress:
    """How far a worker is; the pool can read it even if the worker hangs or has died.

    Attributes:
        begun_sounds: how many sounds the worker has begun since its start.
        since: when it began the last one, on the monotonic clock, later by the time that it has waited to
            send; 0.0 while it waits to send, because this time does not count as the sound's.
    """

    begun_sounds: int
    since: float


def write_progress(memory: mmap, progress: WorkerProgress) -> None:
    """Write the progress into the shared memory."""
    _PROGRESS.pack_into(memory, 0, progress.begun_sounds, progress.since)


def read_progress(memory: mmap) -> WorkerProgress:
    """Read the progress from the shared memory."""
    return WorkerProgress(*_PROGRESS.unpack_from(memory))
