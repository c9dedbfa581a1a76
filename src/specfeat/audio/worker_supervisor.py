"""Supervises one worker process: gives it tasks, receives its messages, replaces it if it dies or hangs."""

import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable

from specfeat.audio.messages import (
    ClipsEvent,
    DecodedSoundEnd,
    ErrorData,
    WorkerEvent,
    WorkerProgress,
    WorkerSetup,
    encode_setup,
    encode_task,
    receive_message,
)
from specfeat.audio.sound_timer import CHECK_INTERVAL_S, SoundTimer, compute_timeout_s
from specfeat.audio.worker_process import WorkerProcess
from specfeat.errors import AudioError, Remedy, WorkerError
from specfeat.sound import Sound

MAX_IDLE_DEATHS = 2  # if workers die more often, one after another, while they decode nothing, the run ends


class WorkerSupervisor:
    """One worker process after another, and the thread that gives it tasks and receives its messages.

    The states of the worker, as the thread sees them:

        starting --> waiting for a task --> decoding a sound --> sending a message
                             ^                     ^                     |
                             |                     +---- more sounds ----+
                             +------------- task is finished ------------+

        decoding a sound --> late (it takes too long) --> killed by this thread --> dead
        any state --------------------------------------> crashed ----------------> dead
        dead --> replaced by a new process --> starting
        any state --> closing: killed by the pool, and not replaced

    A process that has died is replaced. The sound that it was decoding fails. If two sounds of a file in a
    row end a process, the later sounds of the file fail, too. The new process decodes all others. This thread
    kills a process when a sound takes too long, and the pool may kill it at any time to close. So processes
    are replaced, and the supervisor is closed, only under `_process_lock`: none is started after the closing.

    Args:
        setup: the settings for the worker.
        take_task: a function that takes this object, and returns the next sounds to decode; none if there are
            no more.
        timeout_s: how many seconds a sound may take; None for a limit that grows with the file, see
            `compute_timeout_s`.
        queue_size: the largest number of messages in the queue. If the queue is full, the worker waits.

    Raises:
        WorkerError: the system does not let the process start.
    """

    def __init__(
        self,
        setup: WorkerSetup,
        take_task: Callable[["WorkerSupervisor"], list[Sound]],
        timeout_s: float | None,
        queue_size: int,
    ) -> None:
        self._setup = encode_setup(setup)
        self._input_shape = setup.settings.input_shape
        self._take_task = take_task
        self._timeout_s = timeout_s
        # The events of each message, or the error that has ended the thread.
        self._messages: queue.Queue[list[WorkerEvent] | BaseException] = queue.Queue(queue_size)
        self._events: deque[WorkerEvent] = deque()  # the events of one message that are not taken yet
        self._thread = threading.Thread(target=self._run_tasks, daemon=True)
        self._is_closing = False
        self._process_lock = threading.Lock()
        self._idle_deaths = 0
        self._timer = SoundTimer()
        self._late_sound: int | None = None  # the number of the sound in the task that took too long
        self._is_partly_received = False  # whether the last message ends in the middle of a sound
        self._fatal_path = ""  # the file of the last sound that ended a process
        # A copy, because the environment changes for a moment while the main thread imports Keras.
        self._environment = os.environ.copy()
        self._process = WorkerProcess(self._setup, self._environment)

    @property
    def pid(self) -> int:
        """The id of the worker process that is running now."""
        return self._process.pid

    @property
    def waiting_messages(self) -> int:
        """How many messages of the worker have been received and not been taken yet."""
        return self._messages.qsize()

    def read_progress(self) -> WorkerProgress:
        """Return what the worker process is doing now."""
        return self._process.read_progress()

    def start(self) -> None:
        """Begin to give tasks to the worker."""
        self._thread.start()

    def take_event(self) -> WorkerEvent:
        """Wait for the next event of the worker, and return it.

        Raises:
            WorkerError: the worker process dies again and again, or cannot be replaced.
        """
        while not self._events:
            message = self._messages.get()
            if isinstance(message, BaseException):
                raise message
            self._events.extend(message)
        return self._events.popleft()

    def kill(self) -> None:
        """Kill the worker process, and make sure that no other process is started."""
        with self._process_lock:
            self._is_closing = True
            self._process.kill()

    def close(self) -> None:
        """Wait until the thread has ended; to be called after `kill`."""
        while self._thread.is_alive():
            # The thread may be waiting until there is room in the queue.
            with contextlib.suppress(queue.Empty):
                self._messages.get(timeout=0.01)
        self._process.close()

    def _run_tasks(self) -> None:
        try:
            while task := self._take_task(self):
                while task:
                    task = self._run_task(task)
        except BaseException as e:  # `take_event` raises it in the main thread
            if not self._is_closing:
                self._messages.put(e)

    def _run_task(self, task: list[Sound]) -> list[Sound]:
        """Let the worker decode a task; return the sounds that another process must decode.

        Raises:
            WorkerError: the process dies again and again, or cannot be replaced.
            EOFError, OSError: the pool is closing.
        """
        begun_before = self._process.read_progress().begun_sounds
        received_count = 0
        self._is_partly_received = False
        try:
            self._process.send(encode_task(task))
            while received_count < len(task):
                self._wait_for_message(task, begun_before)
                received_count += self._receive_message()
                self._idle_deaths = 0
        except (EOFError, OSError):
            if self._is_closing:
                raise
            begun = self._process.read_progress().begun_sounds - begun_before
            return self._replace_dead_process(task, received_count, begun - 1)
        return []

    def _wait_for_message(self, task: list[Sound], begun_before: int) -> None:
        """Wait for a message or the end of the process; kill the process if a sound takes too long.

        Args:
            task: the task of the worker.
            begun_before: how many sounds the worker had begun before this task.

        Raises:
            EOFError: the pool is closing, or the process cannot be killed.
        """
        while not self._process.wait_for_data(CHECK_INTERVAL_S):
            if self._is_closing:
                raise EOFError
            progress = self._process.read_progress()
            number = progress.begun_sounds - begun_before - 1
            seconds = self._timer.measure_seconds(progress)
            if progress.sound_started_at == 0.0 or not 0 <= number < len(task):
                continue  # the worker waits to send, or has not begun the first sound of the task
            if seconds > compute_timeout_s(task[number], self._timeout_s):
                self._late_sound = number
                self._process.kill_and_wait()
                return

    def _receive_message(self) -> int:
        """Put a message into the queue; return how many sounds end in it."""
        events = receive_message(self._process.receive, self._input_shape)
        self._messages.put(events)
        self._is_partly_received = isinstance(events[-1], ClipsEvent)
        return sum(isinstance(event, DecodedSoundEnd) for event in events)

    def _replace_dead_process(self, task: list[Sound], received_count: int, current: int) -> list[Sound]:
        """Replace the process, find the sound that killed it, if any, and report it as failed.

        Args:
            task: the task of the process.
            received_count: how many sounds of the task have been received to their end.
            current: the number of the sound that the process was decoding, or that it decoded last.

        Returns:
            The sounds of the task that are still to be decoded.
        """
        late_sound, self._late_sound = self._late_sound, None
        description = self._replace_process()
        if late_sound not in (None, current) and not self._is_partly_received:
            # It finished the late sound just before it was killed, so no sound is at fault.
            return task[received_count:]
        if current < received_count:
            # It was not decoding. Another program may have killed it. But if this happens again and again, no
            # worker can run on this machine, e.g. because a library is missing.
            self._idle_deaths += 1
            if self._idle_deaths > MAX_IDLE_DEATHS:
                raise WorkerError(
                    f"worker processes end before they decode anything; the last one {description}"
                )
            return task[received_count:]
        if current > received_count:
            # These sounds were decoded, but the process died before it sent them. Nothing of them has been
            # received (see `EventSender.add_end`). So they are decoded again, before the sound that is at
            # fault is reported: the order of the sounds must stay.
            unfinished = self._run_task(task[received_count:current])
            if unfinished:
                return unfinished + task[current:]
        error = AudioError(f"the worker that decodes it {description}", "decode", "crash")
        if late_sound == current:
            text = f"is not decoded within {compute_timeout_s(task[current], self._timeout_s):g} s"
            error = AudioError(text, "decode", "timeout", remedy=Remedy.ALLOW_MORE_TIME)
        end = DecodedSoundEnd(0, 0.0, silent=False, error=ErrorData.from_error(error), keeps_clips=False)
        fatal_path, self._fatal_path = self._fatal_path, task[current].path
        next_number = current + 1
        while next_number < len(task) and task[next_number].path == task[current].path == fatal_path:
            next_number += 1
        self._messages.put([end] * (next_number - current))
        return task[next_number:]

    def _replace_process(self) -> str:
        """Start a new process in place of the dead one; return how the dead one ended.

        Raises:
            EOFError: the pool is closing, so no process is started.
        """
        with self._process_lock:
            if self._is_closing:
                raise EOFError
            description = self._process.close_and_describe_end()
            self._timer.forget_sound()
            self._process = WorkerProcess(self._setup, self._environment)
        return description
