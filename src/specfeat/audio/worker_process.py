"""One process that decodes, as its parent sees it, from its start to how it died."""

import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from mmap import mmap
from multiprocessing.connection import Connection
from typing import IO, Any

from specfeat.audio.worker import PROGRESS_LAYOUT
from specfeat.errors import WorkerError
from specfeat.files import describe_os_error

# One thread each, for there is a worker a core. And glibc is to keep what is freed: the arrays of each file
# would otherwise be new pages of the system, which took half of a worker's time over spoken digits.
WORKER_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(16 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
}
GONE_S = 5.0  # after which a process that was killed is given up


class WorkerProcess:
    """A process of `worker`, from its start to its end.

    Args:
        order: what it is to do, pickled; it is sent at once.
        environment: its variables; `ENVIRONMENT` comes on top.

    Attributes:
        pid: its number.

    Raises:
        WorkerError: the system does not let it start.
    """

    def __init__(self, order: bytes, environment: Mapping[str, str]) -> None:
        self._open = contextlib.ExitStack()
        self._killed: float | None = None  # when it was, on the monotonic clock
        try:
            self._start(self._open.enter_context, environment)
        except OSError as e:
            self._open.close()
            cure = "start fewer with --workers, or raise the limit with ulimit"
            raise WorkerError(
                f"a process that decodes cannot be started: {describe_os_error(e)}; {cure}"
            ) from e
        self.pid = self._process.pid
        with contextlib.suppress(OSError):  # if it is dead already, the first task will show it
            self.send(order)

    def _start(self, keep: Callable[[Any], Any], environment: Mapping[str, str]) -> None:
        ours, theirs = map(keep, socket.socketpair())
        _alive, lifeline = map(keep, socket.socketpair())  # kept open: its closing ends the process
        shared: IO[bytes] = keep(tempfile.TemporaryFile())  # noqa: SIM115  self._open closes it
        shared.truncate(PROGRESS_LAYOUT.size)
        self._progress: mmap = keep(mmap(shared.fileno(), PROGRESS_LAYOUT.size))
        self._said: IO[bytes] = keep(tempfile.TemporaryFile())  # noqa: SIM115  self._open closes it
        numbers = (theirs.fileno(), shared.fileno(), lifeline.fileno())
        # A plain child, not multiprocessing's: that would run the caller's main module once more.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "specfeat.audio.worker", *map(str, numbers)],
            pass_fds=numbers,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,  # decoders write there what is no error; it is shown if the process fails
            env={**environment, **WORKER_ENVIRONMENT},
        )
        theirs.close()
        lifeline.close()
        self._connection: Connection = keep(Connection(ours.detach()))

    def send(self, message: bytes) -> None:
        """Send a message.

        Raises:
            OSError: the process is gone.
        """
        self._connection.send_bytes(message)

    def hears(self, seconds: float) -> bool:
        """Return whether it sends something, or is gone, within some seconds."""
        return self._connection.poll(seconds)

    def receive(self) -> bytes:
        """Return the next message.

        Raises:
            EOFError: the process is gone.
            OSError: likewise.
        """
        return self._connection.recv_bytes()

    def progress(self) -> tuple[int, float]:
        """Return how many files it has begun, and when (monotonic s) it began the last; 0 if it waits."""
        begun, since = PROGRESS_LAYOUT.unpack_from(self._progress)
        return begun, since

    def kill(self) -> None:
        """End it, whatever it does."""
        self._killed = self._killed or time.monotonic()
        self._process.kill()

    def kill_and_wait(self) -> None:
        """Kill it, and wait until it is gone or something that it has sent is there to be received.

        Raises:
            EOFError: the system does not let go of it, as with a dead network disk.
        """
        self.kill()
        if not self.hears(GONE_S):
            raise EOFError

    def close(self) -> None:
        """Forget it, after it was killed; one that the system does not let go of is left behind."""
        self._wait()
        self._open.close()

    def bury(self) -> str:
        """Forget it, after it has closed its end of the connection; return how it died."""
        self._wait()
        self.kill()  # if it does not come to its end
        self._wait()
        self._said.seek(0)
        last = self._said.read().decode(errors="replace").strip().rpartition("\n")[2]
        self._open.close()
        code = self._process.returncode
        if code is None:
            return "cannot be ended"
        if code < 0:
            hint = ", as Linux does when memory runs out" if code == -signal.SIGKILL else ""
            return f"was ended by {signal.Signals(-code).name}{hint}"
        return f"ended with exit code {code}{': ' if last else ''}{last}"

    def _wait(self) -> None:
        left = GONE_S if self._killed is None else self._killed + GONE_S - time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, left))
