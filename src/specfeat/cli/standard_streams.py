"""stdin, stdout and stderr that are closed, full, or that nobody reads."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def open_standard_streams() -> None:
    """Open the file descriptors 0 to 2 on /dev/null where the shell has closed them.

    Otherwise the next file that is opened would get such a number, and messages would be written into it.
    This is for a process that is ours alone; the descriptors stay open.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free


@contextmanager
def keep_stream_objects() -> Iterator[None]:
    """Put the objects `sys.stdout` and `sys.stderr` back after the block; Typer replaces them on EPIPE."""
    stdout, stderr = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout, sys.stderr = stdout, stderr


def discard_unwritten_output() -> None:
    """Discard what stdout and stderr could not write, for the end of a process.

    The text stays in the stream's buffer after an error. Python would try to write it once more when it
    exits, and would leave with exit code 120. So the descriptor is redirected to /dev/null for good.
    """
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, descriptor)
            os.close(null)


def is_stdout_unread() -> bool:
    """Return whether stdout is a pipe whose reader has gone."""
    poll = select.poll()
    poll.register(1, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def is_stdout_full() -> bool:
    """Return whether stdout cannot take one more line.

    It is tried, because a stream without a buffer does not keep what could not be written.
    """
    try:
        print(flush=True)
    except OSError:
        return True
    return False
