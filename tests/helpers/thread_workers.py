"""Runs the program of a worker in a thread of the test, because a worker process takes half a second to start.

Everything else is real: the messages, the order of the sounds, and the supervisors. A thread cannot be killed while it
decodes, so tests of workers that hang or crash need processes.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Mapping
from mmap import mmap
from multiprocessing.connection import Connection
from typing import Any

from specfeat.audio import worker_supervisor
from specfeat.audio.messages import PROGRESS_BYTES, WorkerProgress, read_progress
from specfeat.audio.worker import run_tasks


class ThreadWorker:
    """Has all methods of `WorkerProcess`."""

    def __init__(self, setup: bytes, environment: Mapping[str, str]) -> None:
        self.pid = os.getpid()
        self._progress = mmap(-1, PROGRESS_BYTES)
        self._socket, worker_socket = socket.socketpair()
        self._connection = Connection(os.dup(self._socket.fileno()))
        self._thread = threading.Thread(
            target=self._run, args=(Connection(worker_socket.detach()),), daemon=True
        )
        self._thread.start()
        self.send(setup)

    def _run(self, connection: Connection) -> None:
        with connection, contextlib.suppress(OSError):  # the pool has closed its end
            run_tasks(connection, self._progress)

    def send(self, data: bytes) -> None:
        """Send a setup or a task."""
        self._connection.send_bytes(data)

    def wait_for_data(self, seconds: float) -> bool:
        """Wait for data or the end of the thread; return False if neither comes within `seconds`."""
        return self._connection.poll(seconds)

    def receive(self) -> bytes:
        """Return the next bytes that the thread has sent."""
        return self._connection.recv_bytes()

    def read_progress(self) -> WorkerProgress:
        """Return how far the thread is."""
        return read_progress(self._progress)

    def kill(self) -> None:
        """End the connection in both directions, so that the thread ends when it sends or receives."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def kill_and_wait(self) -> None:
        """End the connection."""
        self.kill()

    def close(self) -> None:
        """Wait for the end of the thread, and close everything."""
        self._thread.join()
        self._connection.close()
        self._socket.close()
        self._progress.close()

    def close_and_describe_end(self) -> str:
        """Close everything, and return how the thread ended."""
        self.kill()
        self.close()
        return "ended with exit code 1"


def install_thread_workers(set_attribute: Callable[[Any, str, Any], None] = setattr) -> None:
    """Let pools start threads instead of processes.

    Args:
        set_attribute: a function that sets an attribute of a module. With pytest's `monkeypatch.setattr`, processes
            are started again after the test.
    """
    set_attribute(worker_supervisor, "WorkerProcess", ThreadWorker)
