"""Handles stdin, stdout and stderr that are closed or cannot be written."""

import os
import select
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from specfeat.errors import UsageError

STDOUT_NAME = "-"  # the name of an output that means stdout


def open_standard_streams() -> None:
    """Open the file descriptors 0 to 2 on /dev/null where the shell has closed them.

    Otherwise the next file that is opened would get one of these descriptors, and messages would be written
    into it. Call this only in the console script, because the descriptors stay open.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free


@contextmanager
def keep_stream_objects() -> Iterator[None]:
    """Restore the objects `sys.stdout` and `sys.stderr` after the block; Typer replaces them on EPIPE."""
    stdout, stderr = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout, sys.stderr = stdout, stderr


def discard_unwritten_output() -> None:
    """Discard what stdout and stderr could not write, for the end of a process.

    After an error, the text stays in the buffer of the stream. At its exit, Python would try to write it
    again and would return the exit code 120. So the descriptor is redirected to /dev/null, and not restored.
    """
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, descriptor)
            os.close(null)


def write_to_stdout(pieces: Iterable[bytes]) -> None:
    """Write text in UTF-8 to stdout as bytes, because the names of files in it need not be UTF-8.

    If a program has replaced stdout by a stream that takes only text, the other bytes become U+FFFD.

    Args:
        pieces: the bytes of the text, in pieces.
    """
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is not None:
        sys.stdout.flush()
        for piece in pieces:
            buffer.write(piece)
        buffer.flush()
    elif sys.stdout is not None:
        sys.stdout.write(b"".join(pieces).decode("utf-8", "replace"))


def is_stdout_unread() -> bool:
    """Return whether stdout is a pipe that nobody reads any more."""
    poll = select.poll()
    poll.register(1, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def can_be_write_error(error: BaseException) -> bool:
    """Return whether an error can be that of a stream that cannot be written, other than a broken pipe.

    The error of a stream names no file; that of a file that cannot be opened, made or removed does.
    """
    is_other = isinstance(error, BrokenPipeError | FileNotFoundError | PermissionError)
    return isinstance(error, OSError) and error.filename is None and not is_other


def is_stdout_full() -> bool:
    """Return whether stdout cannot take one more line; call it only if `can_be_write_error`.

    A line is written to find this out, because a stream without a buffer does not keep what it could not
    write.
    """
    try:
        print(flush=True)
    except OSError:
        return True
    return False


def check_stdout_options(**options: bool) -> None:
    """Check that no option is given that an output on stdout cannot have.

    Args:
        options: whether each option is given, by its name without the hyphens before it.

    Raises:
        UsageError: one of them is given.
    """
    for name, is_given in options.items():
        if is_given:
            raise UsageError(
                f"--{name.replace('_', '-')} cannot be used with the output -, because a run that writes to "
                "stdout leaves no file that could be continued or replaced; name a file, e.g. out.npy"
            )
