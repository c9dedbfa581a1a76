"""One worker process as the pool sees it, from its start until it is known how it ended."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from mmap import mmap
from multiprocessing.connection import Connection
from typing import IO, Any

from specfeat.anonymous_file import open_memory_file
from specfeat.audio.messages import PROGRESS_BYTES, WorkerProgress, read_progress
from specfeat.errors import Remedy, WorkerError
from specfeat.files import describe_os_error

# One thread each, because there is a worker for each core. And glibc is told to keep freed memory: otherwise
# the arrays of every file are new pages from the system, which took half of a worker's time with spoken
# digits.
WORKER_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(16 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
}
# How long the end of a killed process is waited for. One that waits for a dead network disk never ends.
KILL_WAIT_S = 5.0


class WorkerProcess:
    """A process that runs `specfeat.audio.worker`.

    Args:
        setup: the `WorkerSetup` as bytes, which is sent first.
        environment: the environment variables of the process; `WORKER_ENVIRONMENT` is added to them.

    Attributes:
        pid: the process id.

    Raises:
        WorkerError: the system does not let the process start.
    """

    def __init__(self, setup: bytes, environment: Mapping[str, str]) -> None:
        self._resources = contextlib.ExitStack()
        self._killed_at: float | None = None  # on the monotonic clock
        try:
            self._start(self._resources.enter_context, environment)
        except OSError as e:
            self._resources.close()
            raise WorkerError(
                f"a worker process cannot be started: {describe_os_error(e)}; raise the limit with ulimit",
                remedy=Remedy.START_FEWER_WORKERS,
            ) from e
        self.pid = self._process.pid
        with contextlib.suppress(OSError):  # if the process has died already, its first task will show it
            self.send(setup)

    def _start(self, keep: Callable[[Any], Any], environment: Mapping[str, str]) -> None:
        """Start the process.

        Args:
            keep: a function that returns its argument and closes it together with this object.
            environment: see the class.
        """
        pool_end, worker_end = map(keep, socket.socketpair())
        # This end of the lifeline is never used: the system closes it when this process ends, however it
        # ends.
        _unused, lifeline = map(keep, socket.socketpair())
        progress_file: IO[bytes] = keep(open_memory_file())
        progress_file.truncate(PROGRESS_BYTES)
        self._progress: mmap = keep(mmap(progress_file.fileno(), PROGRESS_BYTES))
        self._stderr: IO[bytes] = keep(open_memory_file())
        descriptors = (worker_end.fileno(), progress_file.fileno(), lifeline.fileno())
        # Not a process of multiprocessing, which would run the caller's main module once more.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "specfeat.audio.worker", *map(str, descriptors)],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,  # decoders write warnings there; they are shown only if the process dies
            env={**environment, **WORKER_ENVIRONMENT},
        )
        worker_end.close()
        lifeline.close()
        self._connection: Connection = keep(Connection(pool_end.detach()))

    def send(self, data: bytes) -> None:
        """Send a setup or a task.

        Raises:
            OSError: the process has ended.
        """
        self._connection.send_bytes(data)

    def wait_for_data(self, seconds: float) -> bool:
        """Wait for data or the end of the process; return False if neither comes within some seconds."""
        return self._connection.poll(seconds)

    def receive(self) -> bytes:
        """Return the next bytes that the process has sent.

        Raises:
            EOFError: the process has ended.
            OSError: the process has ended.
        """
        return self._connection.recv_bytes()

    def read_progress(self) -> WorkerProgress:
        """Return how far the process is, or was when it ended."""
        return read_progress(self._progress)

    def kill(self) -> None:
        """Kill the process, even if it hangs."""
        self._killed_at = self._killed_at or time.monotonic()
        self._process.kill()

    def kill_and_wait(self) -> None:
        """Kill the process, and wait until it has ended or until there is data that it had sent before.

        Raises:
            EOFError: the system cannot end the process, e.g. because it waits for a dead network disk.
        """
        self.kill()
        if not self.wait_for_data(KILL_WAIT_S):
            raise EOFError

    def close(self) -> None:
        """Release what belongs to a process that was killed; a process that the system cannot end is left."""
        self._wait()
        self._resources.close()

    def close_and_describe_end(self) -> str:
        """Release what belongs to a process that has closed its connection, and say how it ended.

        Returns:
            The second part of a sentence that begins with "the worker".
        """
        self._wait()
        self.kill()  # if the process has not ended by itself
        self._wait()
        self._stderr.seek(0)
        last_line = self._stderr.read().decode(errors="replace").strip().rpartition("\n")[2]
        self._resources.close()
        code = self._process.returncode
        if code is None:
            return "cannot be ended"
        if code < 0:
            hint = ", as Linux does when memory runs out" if code == -signal.SIGKILL else ""
            return f"was ended by {signal.Signals(-code).name}{hint}"
        return f"ended with exit code {code}{': ' if last_line else ''}{last_line}"

    def _wait(self) -> None:
        remaining_s = (
            KILL_WAIT_S if self._killed_at is None else self._killed_at + KILL_WAIT_S - time.monotonic()
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, remaining_s))
