"""Measures the copies of clips on their way from a worker to a batch.

A clip is copied into a message, through the kernel, and into a batch.

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
    """Send one clip `count` times, as a worker does, and then send the CPU seconds that this took."""
    settings = load_config(config).settings
    progress = mmap.mmap(-1, PROGRESS_BYTES)
    sender = EventSender(connection, progress, compute_message_shape(settings))
    clip = np.ones(settings.input_shape, np.float32)  # in the processor's cache, like a new clip
    started_at = time.process_time()
    for _ in range(count):
        sender.add_clip(clip)
    sender.send()
    connection.send(time.process_time() - started_at)


def _receive_clips(connection: "Connection", config: str, count: int) -> float:
    """Copy the clips into batches, as a run does, and return the CPU seconds of both processes."""
    settings = load_config(config).settings
    shape = (settings.model.batch, *settings.input_shape)
    batch, filled = np.zeros(shape, np.float32), 0
    started_at = time.process_time()
    while count:
        (event,) = receive_message(connection.recv_bytes, settings.input_shape)
        if not isinstance(event, ClipsEvent):
            raise TypeError("`_send_clips` sends only clips")
        clips = event.clips
        count -= len(clips)
        while len(clips):
            taken = min(len(clips), len(batch) - filled)
            batch[filled : filled + taken] = clips[:taken]
            clips, filled = clips[taken:], filled + taken
            if filled == len(batch):
                batch, filled = np.zeros(shape, np.float32), 0
    seconds = time.process_time() - started_at
    return seconds + float(connection.recv())


def measure_copies(config: str, count: int) -> float:
    """Return how many CPU seconds it takes to send and to receive `count` clips."""
    context = get_context("spawn")
    receiver_end, sender_end = context.Pipe()
    sender = context.Process(target=_send_clips, args=(sender_end, config, count))
    sender.start()
    seconds = _receive_clips(receiver_end, config, count)
    sender.join()
    return seconds


def main(config: str, count: str = "7500") -> None:
    """Measure several times, and print the range and the median.

    Args:
        config: the config, whose clips are copied.
        count: the number of clips. The default is that of an hour of audio with `yamnet`.
    """
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
