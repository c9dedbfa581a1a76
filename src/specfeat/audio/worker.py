"""The worker process: decodes the sounds that the pool gives it, and sends their clips.

It is a process of its own, so a decoder that hangs or crashes can be killed and costs only one file. It never
loads TensorFlow. `specfeat.audio.messages` describes what it receives and sends.
"""

import contextlib
import fcntl
import math
import mmap
import os
import select
import signal
import sys
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from specfeat.audio import decode
from specfeat.audio.clips import ClipIterator, ClipMaker
from specfeat.audio.messages import (
    PROGRESS_BYTES,
    ClipsEvent,
    ErrorData,
    SoundEnd,
    WorkerEvent,
    WorkerProgress,
    decode_setup,
    decode_task,
    send_message,
    write_progress,
)
from specfeat.audio.stft import FloatArray
from specfeat.config.settings import Settings
from specfeat.errors import AudioError
from specfeat.sound import Sound

# Clips are sent in messages of this size: many short files in one, a long file in pieces.
MESSAGE_BYTES = 262_144


class EventSender:
    """Collects events until they fill a message, sends the message, and reports the progress.

    Args:
        connection: the connection to the pool.
        progress: the memory that is shared with the pool.
        message_shape: see `compute_message_shape`.

    Attributes:
        waited_s: how long sending has waited since the present sound was begun.
    """

    def __init__(self, connection: Connection, progress: mmap.mmap, message_shape: tuple[int, ...]) -> None:
        self.waited_s = 0.0
        self._connection = connection
        self._progress = progress
        self._room: FloatArray = np.empty(message_shape, np.float32)
        self._filled = 0  # clips in the room
        self._in_events = 0  # of these, the clips that an event in the list has
        self._events: list[WorkerEvent] = []
        self._begun_sounds = 0
        self._since = 0.0
        self._is_partly_sent = False

    def begin_sound(self) -> None:
        """Note that a sound is begun: if the process dies from now on, this sound is the reason."""
        self._begun_sounds += 1
        self._is_partly_sent = False
        self.waited_s = 0.0
        self._since = time.monotonic()
        self._write_progress(self._since)

    def add_clip(self, clip: FloatArray) -> None:
        """Copy a clip into the message; send the message if it is full."""
        self._room[self._filled] = clip
        self._filled += 1
        if self._filled == len(self._room):
            self.send()

    def add_end(self, end: SoundEnd) -> None:
        """Add the end of the present sound.

        If clips of the sound have been sent already, the end is sent at once. So if the process dies later,
        only the sound that it was decoding can have arrived in part. The other sounds of its task have either
        arrived as a whole, or not at all, and can be decoded again from their beginning.
        """
        self._collect_clips()
        self._events.append(end)
        if self._is_partly_sent:
            self.send()

    def send(self) -> None:
        """Send what has been collected."""
        self._collect_clips()
        if not self._events:
            return
        begun = time.monotonic()
        self._write_progress(0.0)  # a pool that reads slowly must not make the sound seem slow
        send_message(self._connection.send_bytes, self._events, self._room[: self._filled])
        self._events, self._filled, self._in_events = [], 0, 0
        self._is_partly_sent = True
        waited_s = time.monotonic() - begun
        self._since += waited_s
        self.waited_s += waited_s
        self._write_progress(self._since)

    def _collect_clips(self) -> None:
        if self._filled > self._in_events:
            self._events.append(ClipsEvent(self._room[self._in_events : self._filled]))
            self._in_events = self._filled

    def _write_progress(self, since: float) -> None:
        write_progress(self._progress, WorkerProgress(self._begun_sounds, since))


def compute_message_shape(settings: Settings) -> tuple[int, ...]:
    """Return the shape of the clips that fill a message: (clips, *input_shape)."""
    clips = -(-MESSAGE_BYTES // (4 * math.prod(settings.input_shape)))
    return (clips, *settings.input_shape)


def run_tasks(connection: Connection, progress: mmap.mmap) -> None:
    """Decode the sounds of each task that arrives, until the pool closes the connection."""
    setup = decode_setup(connection.recv_bytes())
    maker = ClipMaker(setup.settings)
    sender = EventSender(connection, progress, compute_message_shape(setup.settings))
    while True:
        try:
            sounds = decode_task(connection.recv_bytes())
        except EOFError:
            return
        for sound in sounds:
            process_sound(sound, maker, sender, keep_partial=setup.keep_partial)
        sender.send()


def process_sound(sound: Sound, maker: ClipMaker, sender: EventSender, *, keep_partial: bool) -> None:
    """Decode one sound and send its clips and its end; an error of the sound is part of its end."""
    sender.begin_sound()
    begun = time.perf_counter()
    breaks: list[AudioError] = []
    samples = decode.read_samples(sound, maker.settings.audio, breaks.append if keep_partial else None)
    clips = maker.make_clips(samples)
    error = _send_clips(clips, sender)
    seconds = time.perf_counter() - begun - sender.waited_s
    reason = error or (breaks[0] if breaks else None)
    sender.add_end(
        SoundEnd(
            samples=clips.samples,
            seconds=seconds,
            silent=clips.silent,
            error=ErrorData.from_error(reason) if reason else None,
            keeps_clips=error is None,
        )
    )


def _send_clips(clips: ClipIterator, sender: EventSender) -> AudioError | None:
    try:
        for clip in clips:
            sender.add_clip(clip)
    except AudioError as e:
        return e
    except MemoryError:
        return AudioError("needs more memory than there is", "decode", "memory")
    except Exception:  # a bug in specfeat: the parent raises it again with this traceback
        return AudioError(traceback.format_exc(), "bug")
    return None


def end_with_parent(lifeline: int) -> None:
    """Make the system end this process when the parent ends, even while a decoder hangs.

    Only the parent has the other end of the lifeline, and it never writes to it. So the first SIGIO of this
    socket comes when the parent is gone, for any reason, and SIGIO ends a process that does not handle
    it.

    Args:
        lifeline: the file descriptor of a socket.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:  # the parent was gone before SIGIO was asked for
        os._exit(1)


def offer_to_out_of_memory_killer() -> None:
    """Ask Linux to end this process rather than its parent when memory runs out: that costs only one file."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def main(arguments: list[str]) -> None:
    """Run as a worker of the pool.

    Args:
        arguments: three file descriptors: the connection, the shared memory for the progress, the lifeline.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they reach the whole process group; the parent handles them
    descriptor, progress_file, lifeline = map(int, arguments)
    end_with_parent(lifeline)
    offer_to_out_of_memory_killer()
    progress = mmap.mmap(progress_file, PROGRESS_BYTES)
    with Connection(descriptor) as connection:
        try:
            run_tasks(connection, progress)
        except (BrokenPipeError, ConnectionResetError):  # the parent is gone
            os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
