"""Measures the way of clips from a worker into batches: into a message, through the kernel, into a batch.

python -m benchmarks.copies CONFIG [CLIPS]
"""

import mmap
import statistics
import sys
import time
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np

from specfeat.audio.messages import PROGRESS_BYTES, ClipsEvent, receive_message
from specfeat.audio.worker import EventSender, compute_message_shape
from specfeat.config import load_config

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ROUNDS = 5


def _send_clips(connection: "Connection", config: str, count: int) -> None:
    """Send one clip `count` times, as a worker does, and then the CPU seconds that this took."""
    settings = load_config(config).settings
    progress = mmap.mmap(-1, PROGRESS_BYTES)
    sender = EventSender(connection, progress, compute_message_shape(settings))
    clip = np.ones(settings.input_shape, np.float32)  # it stays in the cache, like a clip that was just made
    begun = time.process_time()
    for _ in range(count):
        sender.add_clip(clip)
    sender.send()
    connection.send(time.process_time() - begun)


def _receive_clips(connection: "Connection", config: str, count: int) -> float:
    """Copy the clips into batches, as a run does; return the CPU seconds of both processes."""
    settings = load_config(config).settings
    shape = (settings.model.batch, *settings.input_shape)
    batch, filled = np.zeros(shape, np.float32), 0
    begun = time.process_time()
    while count:
        (event,) = receive_message(connection.recv_bytes, settings.input_shape)
        assert isinstance(event, ClipsEvent)  # noqa: S101  this sender sends only clips
        clips = event.clips
        count -= len(clips)
        while len(clips):
            taken = min(len(clips), len(batch) - filled)
            batch[filled : filled + taken] = clips[:taken]
            clips, filled = clips[taken:], filled + taken
            if filled == len(batch):
                batch, filled = np.zeros(shape, np.float32), 0
    seconds = time.process_time() - begun
    return seconds + float(connection.recv())


def measure_copies(config: str, count: int) -> float:
    """Return the CPU seconds that sending and receiving `count` clips takes."""
    context = get_context("spawn")
    receiver_end, sender_end = context.Pipe()
    sender = context.Process(target=_send_clips, args=(sender_end, config, count))
    sender.start()
    seconds = _receive_clips(receiver_end, config, count)
    sender.join()
    return seconds


def main(config: str, count: str = "7500") -> None:
    """Measure several times, and print the range and the median; 7,500 clips are an hour of `yamnet`."""
    seconds = [measure_copies(config, int(count)) for _ in range(ROUNDS)]
    size = int(count) * 4 * np.prod(load_config(config).settings.input_shape) / 1e6
    print(
        f"{config}, {count} clips, {size:.0f} MB: {min(seconds):.2f} to {max(seconds):.2f} s of CPU, "
        f"median {statistics.median(seconds):.2f}"
    )


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: python -m benchmarks.copies CONFIG [CLIPS]")
    main(*sys.argv[1:])
