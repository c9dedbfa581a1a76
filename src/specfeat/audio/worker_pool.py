"""Worker processes that decode ahead of the network, their results in the order of the files.

Each worker is asked for the next few short files, or one long one, as soon as it has finished the last; a
thread of its own takes what it sends into a queue of bounded size. Whoever iterates reads those queues in
the order in which the tasks were given, so nothing depends on which worker was faster.
"""

import contextlib
import json
import math
import os
import pickle
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from specfeat.audio.stft import FloatArray
from specfeat.audio.worker import compute_message_shape
from specfeat.audio.worker_process import WorkerProcess
from specfeat.config.settings import Settings
from specfeat.errors import AudioError, WorkerError
from specfeat.files import read_file_size

TASK_BYTES = 1_000_000  # of short files that travel together
TASK_FILES = 32
# Of clips that wait, for each worker and for all: with less, the others soon stand still beside a long file.
QUEUE_BYTES = 16 * 2**20
ALL_QUEUES_BYTES = 256 * 2**20
# What a file may take, unless it is said: far more than any takes that is worth waiting for.
PATIENCE_S = 600.0
PATIENCE_BYTES_PER_S = 100_000
LOOK_S = 0.25  # how often a worker that is silent is looked at


class WorkerClipStream:
    """The clips of one file on their way from a worker; see `track.Track`."""

    def __init__(self, path: str, worker: "_Worker") -> None:
        self.path = path
        self.samples = 0
        self.seconds = 0.0
        self.silent = False
        self.broken: AudioError | None = None
        self._worker = worker
        self._over = False

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield float32 arrays of shape (clips, *input_shape).

        Raises:
            AudioError: the file is broken, or its decoder was.
        """
        while not self._over:
            kind, *rest = self._worker.take()
            if kind == "clips":
                yield rest[0]
                continue
            self._over = True
            self.samples, self.seconds, self.silent, told, kept = rest
            error = AudioError(*told) if told else None
            if error and error.stage == "bug":
                raise RuntimeError(f"{self.path}: {error}")
            if error and not kept:
                raise error
            self.broken = error

    def drain(self) -> None:
        """Pass over what is left of it."""
        with contextlib.suppress(AudioError):
            for _ in self:
                pass


class WorkerPool:
    """Workers for one config; leaving the `with` block ends them.

    Args:
        settings: the config's settings.
        workers: how many processes, 1 or more; they start at once, while TensorFlow loads.
        timeout_s: that a file may take, waiting for who reads left aside; without it, ten minutes and a
            second for every 100 kB.
        keep_partial: a file that breaks half-way ends there and says why, instead of failing.

    Raises:
        WorkerError: the system does not let so many processes start.
    """

    def __init__(
        self, settings: Settings, workers: int, *, timeout_s: float | None = None, keep_partial: bool = False
    ) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._paths: deque[str] = deque()
        self._patience: dict[str, float] = {}  # of files that are given out, and not done
        self._given: queue.Queue[tuple[_Worker, list[str]]] = queue.Queue()
        queue_bytes = min(QUEUE_BYTES, ALL_QUEUES_BYTES // workers)
        self._workers: list[_Worker] = []
        try:
            for _ in range(workers):
                self._workers.append(_Worker(self, settings, queue_bytes, keep_partial=keep_partial))
        except WorkerError:
            self.close()
            raise

    def tracks(self, paths: Sequence[str]) -> Iterator[WorkerClipStream]:
        """Begin to decode, and return the files' tracks in order.

        Each must be iterated before the next one is asked for.
        """
        self._paths.extend(paths)
        for worker in self._workers:
            worker.start()
        return self._in_order(len(paths))

    def _in_order(self, count: int) -> Iterator[WorkerClipStream]:
        done = 0
        while done < count:
            worker, task = self._given.get()
            for path in task:
                track = WorkerClipStream(path, worker)
                yield track
                track.drain()
                self._patience.pop(path, None)
                done += 1

    def next_task(self, worker: "_Worker") -> list[str]:
        """Give a worker its next files; none when there are no more."""
        with self._lock:
            task: list[str] = []
            size = 0
            while self._paths and len(task) < TASK_FILES and size < TASK_BYTES:
                path = self._paths.popleft()
                task.append(path)
                bytes_ = read_file_size(path)
                self._patience[path] = self._patience_with(bytes_)
                size += bytes_
            if task:
                self._given.put((worker, task))
            return task

    def patience(self, path: str) -> float:
        """Return how many seconds a file that is given out may take, without asking a disk that may hang."""
        return self._patience.get(path, PATIENCE_S)

    def _patience_with(self, size: int) -> float:
        return PATIENCE_S + size / PATIENCE_BYTES_PER_S if self._timeout_s is None else self._timeout_s

    def close(self) -> None:
        """End the workers, whatever they are doing."""
        self._paths.clear()
        for worker in self._workers:  # all at first: those that cannot be ended are waited for together
            worker.kill()
        for worker in self._workers:
            worker.close()

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Worker:
    """One process, and the thread that reads from it."""

    def __init__(self, pool: WorkerPool, settings: Settings, queue_bytes: int, *, keep_partial: bool) -> None:
        self._pool = pool
        self._order = pickle.dumps((settings, keep_partial))
        self._shape = settings.input_shape
        message_bytes = 4 * math.prod(compute_message_shape(settings))
        # A message's events, or what went wrong; and those of the message that is being taken.
        self._messages: queue.Queue[list[list[Any]] | BaseException] = queue.Queue(
            max(2, queue_bytes // message_bytes)
        )
        self._events: deque[list[Any]] = deque()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._closing = False
        self._changing = threading.Lock()  # of the process: nobody starts one while it is being ended
        self._idle_deaths = 0
        self._late: int | None = None  # the number in the task of the file that a process was killed for
        self._environment = os.environ.copy()  # now, for loading Keras changes it beside this thread
        self._process = WorkerProcess(self._order, self._environment)

    def start(self) -> None:
        """Begin to give out tasks."""
        self._thread.start()

    def take(self) -> list[Any]:
        """Return the next event of this worker's files, in order."""
        while not self._events:
            message = self._messages.get()
            if isinstance(message, BaseException):
                raise message
            self._events.extend(message)
        return self._events.popleft()

    def kill(self) -> None:
        """End the process for good."""
        with self._changing:
            self._closing = True
            self._process.kill()

    def close(self) -> None:
        """Let the thread come to its end, after `kill`."""
        while self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                self._messages.get(timeout=0.01)
        self._process.close()

    def _read(self) -> None:
        try:
            while task := self._pool.next_task(self):
                while task:
                    task = self._run(task)
        except BaseException as e:  # for whoever takes the next event to see
            if not self._closing:
                self._messages.put(e)

    def _run(self, task: list[str]) -> list[str]:
        """Have a task done; return the rest of it if the process died over one of its files."""
        before, _ = self._process.progress()
        ended = 0
        try:
            self._process.send(pickle.dumps(task))
            while ended < len(task):
                self._await(task, before)
                ended += self._receive()
                self._idle_deaths = 0
        except (EOFError, OSError):
            if self._closing:
                raise
            return self._after_death(task, ended, self._process.progress()[0] - before - 1)
        return []

    def _await(self, task: list[str], before: int) -> None:
        """Wait for a message; kill the process if the file that it is at takes too long."""
        while not self._process.hears(LOOK_S):
            if self._closing:
                raise EOFError
            begun, since = self._process.progress()
            number = begun - before - 1
            if not since or not 0 <= number < len(task):
                continue
            if time.monotonic() - since > self._pool.patience(task[number]):
                self._late = number
                self._process.kill_and_wait()
                return

    def _after_death(self, task: list[str], ended: int, guilty: int) -> list[str]:
        """Replace the process, and return what is left of its task.

        Args:
            task: that it had.
            ended: how many of its files have ended here.
            guilty: the number of the file that it had in hand when it died.
        """
        late, self._late = self._late, None
        reason = self._replace()
        if late not in (None, guilty):  # it had come further when it was killed: no file is at fault
            return task[ended:]
        if guilty < ended:  # it had no file in hand
            self._idle_deaths += 1
            if self._idle_deaths > 2:
                raise WorkerError(f"a process that decodes {reason}, with no file in hand")
            return task[ended:]
        if guilty > ended:  # done, but not sent any more: once again
            redo = self._run(task[ended:guilty])
            if redo:
                return redo + task[guilty:]
        told = [f"the process that decodes it {reason}", "decode", "crash", None]
        if late is not None:
            patience = self._pool.patience(task[guilty])
            text = f"is not decoded within {patience:g} s; see --timeout-per-file"
            told = [text, "decode", "timeout", None]
        self._messages.put([["end", 0, 0.0, False, told, False]])
        return task[guilty + 1 :]

    def _receive(self) -> int:
        """Put one message into the queue; return how many files it ends."""
        events = json.loads(self._process.receive())
        count = sum(event[1] for event in events if event[0] == "clips")
        clips = np.frombuffer(self._process.receive() if count else b"", np.float32)
        clips = clips.reshape(count, *self._shape)
        start = 0
        for event in events:
            if event[0] == "clips":
                event[1], start = clips[start : start + event[1]], start + event[1]
        self._messages.put(events)
        return sum(event[0] == "end" for event in events)

    def _replace(self) -> str:
        """Put a new process in the place of the dead one; return how that died."""
        with self._changing:
            if self._closing:
                raise EOFError
            reason = self._process.bury()
            self._process = WorkerProcess(self._order, self._environment)
        return reason
