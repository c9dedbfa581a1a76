"""Starts one worker process, exchanges bytes with it, and finds out how it ended."""

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

# One thread for each worker, because there is a worker for each core. glibc keeps freed memory: otherwise the
# system must provide new pages for the arrays of every file, which took half of a worker's time with files of
# one spoken digit.
WORKER_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(16 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
}
# How long to wait until a killed process has ended. A process that waits for a dead network disk never ends.
KILL_WAIT_S = 5.0


class WorkerProcess:
    """A process that runs `specfeat.audio.worker`.

    Args:
        setup: the `WorkerSetup` as bytes; it is sent to the process before the first task.
        environment: the environment variables of the process; `WORKER_ENVIRONMENT` is added to them.

    Attributes:
        pid: the id of the process.

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

    def _start(self, register_resource: Callable[[Any], Any], environment: Mapping[str, str]) -> None:
        """Start the process.

        Args:
            register_resource: a function that returns its argument, and makes sure that it is closed together
                with this object.
            environment: see the class.
        """
        pool_end, worker_end = map(register_resource, socket.socketpair())
        # Nothing is sent over the lifeline. When this process ends, for any reason, the system closes its end
        # of the lifeline, and that ends the worker (see `worker.end_with_parent`).
        _unused, lifeline = map(register_resource, socket.socketpair())
        progress_file: IO[bytes] = register_resource(open_memory_file())
        progress_file.truncate(PROGRESS_BYTES)
        self._progress: mmap = register_resource(mmap(progress_file.fileno(), PROGRESS_BYTES))
        self._stderr: IO[bytes] = register_resource(open_memory_file())
        descriptors = (worker_end.fileno(), progress_file.fileno(), lifeline.fileno())
        # Not `multiprocessing.Process`, because that would run the caller's main module again.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "specfeat.audio.worker", *map(str, descriptors)],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,  # decoders write warnings to it; only if the process dies, they are shown
            env={**environment, **WORKER_ENVIRONMENT},
        )
        worker_end.close()
        lifeline.close()
        self._connection: Connection = register_resource(Connection(pool_end.detach()))

    def send(self, data: bytes) -> None:
        """Send a setup or a task.

        Raises:
            OSError: the process has ended.
        """
        self._connection.send_bytes(data)

    def wait_for_data(self, seconds: float) -> bool:
        """Wait for data or the end of the process; return False if neither comes within `seconds`."""
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
        """Kill the process, and wait until it has ended, or until there is data that it sent before.

        Raises:
            EOFError: the system cannot end the process, e.g. because it waits for a dead network disk.
        """
        self.kill()
        if not self.wait_for_data(KILL_WAIT_S):
            raise EOFError

    def close(self) -> None:
        """Close everything that was opened for the process, after `kill`.

        A process that the system cannot end is left.
        """
        self._wait()
        self._resources.close()

    def close_and_describe_end(self) -> str:
        """Close everything that was opened for a process that has died, and return how the process ended.

        Returns:
            The rest of a sentence that begins with "the worker", e.g. "ended with exit code 1".
        """
        self._wait()
        self.kill()  # only has an effect if the process has closed its connection but has not ended
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
