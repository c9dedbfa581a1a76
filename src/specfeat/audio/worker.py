"""The program of a worker process: it decodes the sounds that the pool gives it, and sends their clips.

Decoders run in processes of their own because they may hang or crash: then the process is killed, and only
one file fails. A worker never loads TensorFlow. `specfeat.audio.messages` describes what it receives and
sends.
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
from itertools import groupby
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from specfeat.audio.audio_file import count_channels
from specfeat.audio.augmentation import augment_samples
from specfeat.audio.clips import ClipIterator, ClipMaker
from specfeat.audio.messages import (
    PROGRESS_BYTES,
    ClipsEvent,
    DecodedSoundEnd,
    ErrorData,
    WorkerEvent,
    WorkerProgress,
    WorkerSetup,
    decode_setup,
    decode_task,
    make_count_end,
    send_message,
    write_progress,
)
from specfeat.audio.sound_reader import SoundReader
from specfeat.audio.stacked_clips import StackedClips
from specfeat.audio.stft import FloatArray
from specfeat.config.settings import Settings
from specfeat.errors import AudioError

# The size of a message with clips. One message has the clips of many short files, or of a part of a long one.
MESSAGE_BYTES = 262_144


class EventSender:
    """Collects events until they fill a message, sends the message, and reports the progress.

    Args:
        connection: the connection to the pool.
        progress: the memory that is shared with the pool.
        message_shape: see `compute_message_shape`.

    Attributes:
        waited_s: how many seconds sending has waited since the current sound was begun. This time depends on
            the network, so it does not count as time of the sound.
    """

    def __init__(self, connection: Connection, progress: mmap.mmap, message_shape: tuple[int, ...]) -> None:
        self.waited_s = 0.0
        self._connection = connection
        self._progress = progress
        self._message_clips: FloatArray = np.empty(message_shape, np.float32)
        self._clip_count = 0  # how many clips of the message are filled
        self._assigned_count = 0  # how many of them belong to an event in `_events`
        self._events: list[WorkerEvent] = []
        self._begun_sounds = 0
        self._sound_started_at = 0.0
        self._is_partly_sent = False

    def begin_sound(self) -> None:
        """Report that the next sound is begun. If the process dies from now on, this sound is the reason."""
        self._begun_sounds += 1
        self._is_partly_sent = False
        self.waited_s = 0.0
        self._sound_started_at = time.monotonic()
        self._write_progress(self._sound_started_at)

    def add_clip(self, clip: FloatArray) -> None:
        """Copy a clip into the message; send the message if it is full."""
        self._message_clips[self._clip_count] = clip
        self._clip_count += 1
        if self._clip_count == len(self._message_clips):
            self.send()

    def add_end(self, end: DecodedSoundEnd) -> None:
        """Add the end of the current sound.

        If clips of the sound have been sent already, the end is sent at once. So if the process dies later,
        the pool has received only a part of one sound at most: the sound that the process was decoding. Of
        each other sound, it has received everything or nothing, and a sound of which it has nothing can be
        decoded again from its beginning.
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
        begun_at = time.monotonic()
        self._write_progress(0.0)  # time that the worker waits for the pool does not count as the sound's
        send_message(self._connection.send_bytes, self._events, self._message_clips[: self._clip_count])
        self._events, self._clip_count, self._assigned_count = [], 0, 0
        self._is_partly_sent = True
        waited_s = time.monotonic() - begun_at
        self._sound_started_at += waited_s
        self.waited_s += waited_s
        self._write_progress(self._sound_started_at)

    def _collect_clips(self) -> None:
        if self._clip_count > self._assigned_count:
            self._events.append(ClipsEvent(self._message_clips[self._assigned_count : self._clip_count]))
            self._assigned_count = self._clip_count

    def _write_progress(self, sound_started_at: float) -> None:
        write_progress(self._progress, WorkerProgress(self._begun_sounds, sound_started_at))


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
        if setup.counts_channels:
            for sound in sounds:
                sender.begin_sound()
                sender.add_end(make_count_end(count_channels(sound.path, sound.source)))
            sender.send()
            continue
        for _, sounds_of_file in groupby(sounds, key=lambda sound: sound.path):
            with SoundReader(list(sounds_of_file), setup.settings.audio) as reader:
                for number in range(len(reader.sounds)):
                    process_sound(reader, number, maker, sender, setup)
        sender.send()


def process_sound(
    reader: SoundReader, number: int, maker: ClipMaker, sender: EventSender, setup: WorkerSetup
) -> None:
    """Decode one sound, and send its clips and its end. The end contains the error if the sound fails.

    Args:
        reader: reads the sounds of one file.
        number: the number of the sound among them.
        maker: makes the clips.
        sender: sends them.
        setup: says how the samples are read.
    """
    sender.begin_sound()
    begun_at = time.perf_counter()
    breaks: list[AudioError] = []
    sound, audio = reader.sounds[number], maker.settings.audio
    versions: list[str | None] = []
    on_break = breaks.append if setup.keep_partial else None
    samples = reader.read_samples(number, on_break, versions.append)
    if setup.augmentation is not None:
        samples = augment_samples(samples, sound, setup.augmentation, audio)
    clips = maker.make_clips(samples)
    error = _send_clips(clips, sender)
    seconds = time.perf_counter() - begun_at - sender.waited_s
    reason = error or (breaks[0] if breaks else None)
    sender.add_end(
        DecodedSoundEnd(
            samples=clips.samples,
            seconds=seconds,
            silent=clips.silent,
            too_loud=clips.too_loud,
            error=ErrorData.from_error(reason) if reason else None,
            keeps_clips=error is None,
            decoder=versions[0] if versions else None,
        )
    )


def _send_clips(clips: ClipIterator | StackedClips, sender: EventSender) -> AudioError | None:
    try:
        for clip in clips:
            sender.add_clip(clip)
    except AudioError as e:
        return e
    except MemoryError:
        return AudioError("needs more memory than there is", "decode", "memory")
    except Exception:  # this is a bug in specfeat; the main process raises an error with this traceback
        return AudioError(traceback.format_exc(), "bug")
    return None


def end_with_parent(lifeline: int) -> None:
    """Make the system end this process when the parent ends, even while a decoder hangs.

    Only the parent has the other end of the lifeline, and it never writes to it. So the system sends the
    first SIGIO for this socket when the parent has ended, for any reason. SIGIO ends a process that has no
    handler for it.

    Args:
        lifeline: the file descriptor of a socket.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:  # the parent was gone before SIGIO was asked for
        os._exit(1)


def offer_to_out_of_memory_killer() -> None:
    """Ask Linux to end this process, and not its parent, when memory runs out: then only one file fails."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def main(arguments: list[str]) -> None:
    """Run as a worker of the pool.

    Args:
        arguments: three file descriptors as text: the connection, the file of the shared memory for the
            progress, and the lifeline.
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
