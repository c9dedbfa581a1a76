"""The messages between the pool and its workers, and their form as bytes.

    pool -> worker    `WorkerSetup` once, then one task (a list of sounds) after another: pickled
    worker -> pool    messages: a header in JSON, and the clips as plain bytes; never pickled
    worker -> pool    `WorkerProgress`, in memory that both processes share

A worker decodes files that may be hostile, so its messages must not be able to run code in the main process.
A pickle could do that; JSON and numbers cannot.

A message is a list of events in their order. It would take longer to send every event alone than to decode a
short file. Example of a header: `[{"clips": 3}, {"samples": 48000, ...}]`.
"""

import json
import pickle
import struct
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from mmap import mmap
from typing import Any

import numpy as np

from specfeat.audio.augmentation import SampleAugmentation
from specfeat.audio.stft import FloatArray
from specfeat.config.settings import Settings
from specfeat.errors import AudioError, Remedy
from specfeat.sound import Sound


@dataclass(frozen=True, slots=True)
class ClipsEvent:
    """The next clips of the current sound.

    Attributes:
        clips: float32, shape (n, *input_shape), n >= 1.
    """

    clips: FloatArray


@dataclass(frozen=True, slots=True)
class ErrorData:
    """The arguments of an `AudioError` in a form that JSON can hold; `remedy` is the name of the `Remedy`."""

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
class DecodedSoundEnd:
    """The result of decoding one sound; it follows the last clips of the sound.

    Attributes:
        samples: how many samples were read, at the config's sample rate.
        seconds: how long it took to decode the sound and to make its clips.
        silent: whether every sample is 0.
        too_loud: whether a sample is far beyond -1..1.
        error: what is wrong with the sound; None if nothing is wrong.
        keeps_clips: whether the clips of the sound are valid. With an error, they are valid only if the file
            broke in the middle and the caller wants the clips before the break.
        decoder: the version of FFmpeg if it decoded the file; None if libsndfile decoded it.
        channels: the number of channels in the file, if the worker only counts them; otherwise None.
    """

    samples: int
    seconds: float
    silent: bool
    error: ErrorData | None
    keeps_clips: bool
    too_loud: bool = False
    decoder: str | None = None
    channels: int | None = None


def make_count_end(channels: int) -> DecodedSoundEnd:
    """Return the result of a sound whose channels have only been counted."""
    return DecodedSoundEnd(0, 0.0, silent=False, error=None, keeps_clips=False, channels=channels)


WorkerEvent = ClipsEvent | DecodedSoundEnd


def send_message(
    send: Callable[[bytes | memoryview], None], events: Sequence[WorkerEvent], clips: FloatArray
) -> None:
    """Send one message.

    Args:
        send: a function that sends some bytes, which the other side receives as one piece.
        events: the events, in order.
        clips: the clips of all events, one after another in one array, so that sending copies nothing.
    """
    header = [{"clips": len(e.clips)} if isinstance(e, ClipsEvent) else asdict(e) for e in events]
    send(json.dumps(header).encode())
    if len(clips):
        send(clips.data.cast("B"))


def receive_message(receive: Callable[[], bytes], input_shape: tuple[int, ...]) -> list[WorkerEvent]:
    """Receive one message.

    Args:
        receive: a function that returns the bytes of one call of `send`.
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
            events.append(_decode_end(fields))
    return events


def _decode_end(fields: dict[str, Any]) -> DecodedSoundEnd:
    error = fields.pop("error")
    return DecodedSoundEnd(**fields, error=ErrorData(**error) if error else None)


# --- from the pool to a worker -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker needs to know before its first task.

    Attributes:
        settings: the config's settings.
        keep_partial: whether the clips before the break of a file that breaks in the middle are kept.
        augmentation: random changes of the samples, for training; None for none.
        counts_channels: whether the worker only opens each file and counts its channels.
    """

    settings: Settings
    keep_partial: bool
    augmentation: SampleAugmentation | None = None
    counts_channels: bool = False


def encode_setup(setup: WorkerSetup) -> bytes:
    """Return a setup as bytes."""
    return pickle.dumps(setup)


def encode_task(sounds: Sequence[Sound]) -> bytes:
    """Return a task, i.e. the next sounds of a worker, as bytes."""
    return pickle.dumps(list(sounds))


def decode_setup(data: bytes) -> WorkerSetup:
    """Return the setup in the bytes that `encode_setup` returned."""
    setup: WorkerSetup = _unpickle(data)
    return setup


def decode_task(data: bytes) -> list[Sound]:
    """Return the task in the bytes that `encode_task` returned."""
    sounds: list[Sound] = _unpickle(data)
    return sounds


def _unpickle(data: bytes) -> Any:
    return pickle.loads(data)  # noqa: S301  only the parent process has the other end of the connection


# --- progress, in shared memory ------------------------------------------------------------------

_PROGRESS = struct.Struct("qd")
PROGRESS_BYTES = _PROGRESS.size


@dataclass(frozen=True, slots=True)
class WorkerProgress:
    """What a worker is doing; the pool can read this even if the worker hangs or has died.

    Attributes:
        begun_sounds: how many sounds the worker has begun since its start.
        sound_started_at: when the worker began the current sound, on the monotonic clock, plus the seconds
            that it has waited to send clips of this sound: waiting does not count as time of the sound. 0.0
            while it waits.
    """

    begun_sounds: int
    sound_started_at: float


def write_progress(memory: mmap, progress: WorkerProgress) -> None:
    """Write the progress into the shared memory."""
    _PROGRESS.pack_into(memory, 0, progress.begun_sounds, progress.sound_started_at)


def read_progress(memory: mmap) -> WorkerProgress:
    """Read the progress from the shared memory."""
    return WorkerProgress(*_PROGRESS.unpack_from(memory))
