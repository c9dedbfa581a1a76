"""What it takes to bring clips from a worker into batches: into a message, through the kernel, into a batch.

python -m benchmarks.copies CONFIG [CLIPS]
"""

import json
import mmap
import statistics
import sys
import time
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np

from specfeat.audio.worker import PROGRESS_LAYOUT, EventSender, compute_message_shape
from specfeat.config import load_config

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ROUNDS = 5


def _send(connection: "Connection", config: str, count: int) -> None:
    """Send one clip so many times, as a worker does, and then the CPU seconds that this took."""
    settings = load_config(config).settings
    room = np.empty(compute_message_shape(settings), np.float32)
    sender = EventSender(connection, mmap.mmap(-1, PROGRESS_LAYOUT.size), room)
    clip = np.ones(settings.input_shape, np.float32)  # in the cache, as one is that has just been made
    begun = time.process_time()
    for _ in range(count):
        sender.clip(clip)
    sender.send()
    connection.send_bytes(json.dumps(time.process_time() - begun).encode())


def _receive(connection: "Connection", config: str, count: int) -> float:
    """Take the clips into batches, as a run does; return the CPU seconds of both ends."""
    settings = load_config(config).settings
    shape = (settings.model.batch, *settings.input_shape)
    batch, filled = np.zeros(shape, np.float32), 0
    begun = time.process_time()
    while count:
        json.loads(connection.recv_bytes())
        clips = np.frombuffer(connection.recv_bytes(), np.float32).reshape(-1, *shape[1:])
        count -= len(clips)
        while len(clips):
            taken = min(len(clips), len(batch) - filled)
            batch[filled : filled + taken] = clips[:taken]
            clips, filled = clips[taken:], filled + taken
            if filled == len(batch):
                batch, filled = np.zeros(shape, np.float32), 0
    mine = time.process_time() - begun
    return mine + float(json.loads(connection.recv_bytes()))


def measure(config: str, count: int) -> float:
    """Return the CPU seconds that the way of so many clips takes."""
    context = get_context("spawn")
    here, there = context.Pipe()
    sending = context.Process(target=_send, args=(there, config, count))
    sending.start()
    seconds = _receive(here, config, count)
    sending.join()
    return seconds


def main(config: str, count: str = "7500") -> None:
    """Measure several times and print the range; 7,500 clips are an hour of `yamnet`."""
    seconds = [measure(config, int(count)) for _ in range(ROUNDS)]
    size = int(count) * 4 * np.prod(load_config(config).settings.input_shape) / 1e6
    print(
        f"{config}, {count} clips, {size:.0f} MB: {min(seconds):.2f} to {max(seconds):.2f} s of CPU, "
        f"median {statistics.median(seconds):.2f}"
    )


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: python -m benchmarks.copies CONFIG [CLIPS]")
    main(*sys.argv[1:])
