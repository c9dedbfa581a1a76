"""The process that decodes: paths in, clips out, for `pool`.

It is a process of its own so that a decoder that hangs or crashes can be killed and costs one file, and it
never loads TensorFlow. What it sends is plain: JSON that says what follows, then the clips' bytes.
"""

import contextlib
import fcntl
import json
import math
import mmap
import os
import pickle
import select
import signal
import struct
import sys
import time
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from specfeat.audio import decode
from specfeat.audio.clips import ClipIterator, ClipMaker
from specfeat.audio.stft import FloatArray
from specfeat.config.settings import Settings
from specfeat.errors import AudioError

MESSAGE_BYTES = 262_144  # clips that travel together: short files many at a time, a long one in pieces
PROGRESS_LAYOUT = struct.Struct(
    "qd"
)  # how many files this process has begun, and when (0.0: it waits to send)


@dataclass(slots=True)
class EventSender:
    """Gathers what has been made until it is worth a message.

    A message is a list of events and the clips that they speak of, one after another: ["clips", how many],
    ["end", samples, seconds, silent, error or null, whether the clips count all the same], an error being
    [message, stage, cause, at_s].

    Attributes:
        clips: room for a message's clips, the first `filled` of which are there.
    """

    connection: Connection
    progress: mmap.mmap
    clips: FloatArray
    filled: int = 0
    events: list[list[Any]] = field(default_factory=list)
    begun: int = 0
    since: float = 0.0
    split: bool = False
    waited: float = 0.0

    def begin(self) -> None:
        """A file is begun: if the process dies now, it is this one's doing."""
        self.begun += 1
        self.split = False
        self.waited = 0.0
        self.since = time.monotonic()
        PROGRESS_LAYOUT.pack_into(self.progress, 0, self.begun, self.since)

    def clip(self, clip: FloatArray) -> None:
        """Take one clip; it is copied."""
        if self.events and self.events[-1][0] == "clips":
            self.events[-1][1] += 1
        else:
            self.events.append(["clips", 1])
        self.clips[self.filled] = clip
        self.filled += 1
        if self.filled == len(self.clips):
            self.send()

    def end(self, clips: ClipIterator, seconds: float, error: AudioError | None, *, kept: bool) -> None:
        """Take a file's end; the end of a file whose clips are partly sent goes off with the last of them.

        So when the process dies, a file of which the parent has a part is the one that it died over, and
        what else it has not sent can be done again from the beginning.
        """
        told = [str(error), error.stage, error.cause, error.at_s] if error else None
        self.events.append(["end", clips.samples, seconds, clips.silent, told, kept])
        if self.split:
            self.send()

    def send(self) -> None:
        """Send what there is; the time that this waits does not count as the file's."""
        if not self.events:
            return
        before = time.monotonic()
        PROGRESS_LAYOUT.pack_into(self.progress, 0, self.begun, 0.0)
        self.connection.send_bytes(json.dumps(self.events).encode())
        if self.filled:
            self.connection.send_bytes(self.clips[: self.filled].data.cast("B"))
        self.events, self.filled = [], 0
        self.split = True
        self.since += time.monotonic() - before
        self.waited += time.monotonic() - before
        PROGRESS_LAYOUT.pack_into(self.progress, 0, self.begun, self.since)


def compute_message_shape(settings: Settings) -> tuple[int, ...]:
    """Return the shape of the clips that fill a message."""
    clips = -(-MESSAGE_BYTES // (4 * math.prod(settings.input_shape)))
    return (clips, *settings.input_shape)


def run_tasks(connection: Connection, progress: mmap.mmap) -> None:
    """Do the tasks that come, each a list of paths, until there are no more."""
    settings, keep_partial = _received(connection)
    maker = ClipMaker(settings)
    sender = EventSender(connection, progress, np.empty(compute_message_shape(settings), np.float32))
    while True:
        try:
            paths: list[str] = _received(connection)
        except EOFError:
            return
        for path in paths:
            process_file(path, maker, sender, keep_partial=keep_partial)
        sender.send()


def _received(connection: Connection) -> Any:
    return pickle.loads(connection.recv_bytes())  # noqa: S301  our parent alone has the other end of the pair


def process_file(path: str, maker: ClipMaker, sender: EventSender, *, keep_partial: bool) -> None:
    """Take one file to its clips; whatever goes wrong with it is in its end."""
    sender.begin()
    begun = time.perf_counter()
    broken: list[AudioError] = []
    clips = maker.clips(
        decode.read_samples(path, maker.settings.audio, broken.append if keep_partial else None)
    )
    error: AudioError | None = None
    try:
        for clip in clips:
            sender.clip(clip)
    except AudioError as e:
        error = e
    except MemoryError:
        error = AudioError("needs more memory than there is", "decode", "memory")
    except Exception:  # a bug of ours: the parent shows it as one
        error = AudioError(traceback.format_exc(), "bug")
    seconds = time.perf_counter() - begun - sender.waited
    sender.end(clips, seconds, error or (broken[0] if broken else None), kept=error is None)


def end_with_parent(lifeline: int) -> None:
    """Have the system end this process, in whatever it hangs, when the other end of a socket is closed.

    Only the parent has that end, and it writes nothing. So the socket's first SIGIO, which ends a process
    that does not handle it, comes when the parent is gone, however it went.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:  # it was closed before
        os._exit(1)


def prefer_out_of_memory_kill() -> None:
    """Where memory runs out, Linux is to end this process rather than its parent: that costs one file."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def main(arguments: list[str]) -> None:
    """Run as a child of `pool`, which gives the numbers of a connection, a file of progress, a lifeline."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they go to the whole group, and are the parent's to answer
    descriptor, shared, lifeline = map(int, arguments)
    end_with_parent(lifeline)
    prefer_out_of_memory_kill()
    progress: Any = mmap.mmap(shared, PROGRESS_LAYOUT.size)
    with Connection(descriptor) as connection:
        try:
            run_tasks(connection, progress)
        except (BrokenPipeError, ConnectionResetError):  # the parent is gone
            os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
