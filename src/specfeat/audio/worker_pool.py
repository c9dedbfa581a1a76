"""Worker processes that decode sounds while the network computes; clips arrive in the order of the sounds.

Each worker gets a task: a list of sounds that follow each other in the inputs, many if their files are
small. When it has finished the task, it gets the next one. Each worker has a supervisor, whose thread puts
the messages of the worker into a queue of limited size. The pool remembers the order in which it gave out
the tasks, and reads the queues in this order. So the order of the clips does not depend on which worker is
faster.

    sounds --> tasks --+--> supervisor 1: worker process --> queue --+--> clip streams, in order
                       +--> supervisor 2: worker process --> queue --+
"""

import math
import queue
import threading
from collections import deque
from collections.abc import Iterator, Sequence

from specfeat.audio.augmentation import SampleAugmentation
from specfeat.audio.clip_stream import WorkerClipStream
from specfeat.audio.messages import WorkerProgress, WorkerSetup
from specfeat.audio.worker import compute_message_shape
from specfeat.audio.worker_supervisor import WorkerSupervisor
from specfeat.config.settings import Settings
from specfeat.sound import Sound

# A task is complete when it has this many bytes or this many files. All sounds of one file that follow each
# other are in one task, so that the file is decoded once.
TASK_BYTES = 1_000_000
TASK_FILES = 32
# How many bytes of clips may wait in the queue of one worker, and in all queues together. But each queue has
# room for two messages, even if they are larger. The pool takes the clips of a long file from one worker;
# with smaller queues, all others would soon have to wait.
QUEUE_BYTES = 16 * 2**20
ALL_QUEUES_BYTES = 256 * 2**20


class WorkerPool:
    """Worker processes for one config; leaving the `with` block ends them.

    Args:
        settings: the config's settings.
        workers: the number of processes, 1 or more. They start at once, and decode as soon as
            `stream_clips` is called, e.g. while TensorFlow is loaded.
        timeout_s: how many seconds it may take to decode a sound, without the time that its worker waits for
            the network; None for 600, plus 1 per 100 kB of the file.
        keep_partial: whether the clips before the break of a file that breaks in the middle are kept.
        augmentation: random changes of the samples, for training; None for none.
        counts_channels: whether the workers only count the channels of each file; see `count_channels`.

    Raises:
        WorkerError: the system does not let so many processes start.
    """

    def __init__(
        self,
        settings: Settings,
        workers: int,
        *,
        timeout_s: float | None = None,
        keep_partial: bool = False,
        augmentation: SampleAugmentation | None = None,
        counts_channels: bool = False,
    ) -> None:
        self._lock = threading.Lock()
        self._sounds: deque[Sound] = deque()  # the sounds that are in no task yet
        self._given_tasks: queue.Queue[tuple[WorkerSupervisor, list[Sound]]] = queue.Queue()
        message_bytes = 4 * math.prod(compute_message_shape(settings))
        queue_size = max(2, min(QUEUE_BYTES, ALL_QUEUES_BYTES // workers) // message_bytes)
        setup = WorkerSetup(settings, keep_partial, augmentation, counts_channels)
        self._supervisors: list[WorkerSupervisor] = []
        try:
            for _ in range(workers):
                self._supervisors.append(WorkerSupervisor(setup, self._give_task, timeout_s, queue_size))
        except BaseException:  # also KeyboardInterrupt: no other code can end the workers that have started
            self.close()
            raise

    @property
    def process_ids(self) -> list[int]:
        """The ids of the worker processes that are running now."""
        return [supervisor.pid for supervisor in self._supervisors]

    @property
    def waiting_messages(self) -> list[int]:
        """For each worker, how many of its messages wait until their clips are taken."""
        return [supervisor.waiting_messages for supervisor in self._supervisors]

    def read_progress(self) -> list[WorkerProgress]:
        """Return for each worker what it is doing now."""
        return [supervisor.read_progress() for supervisor in self._supervisors]

    def stream_clips(self, sounds: Sequence[Sound]) -> Iterator[WorkerClipStream]:
        """Begin to decode, and return the clip streams of the sounds in order; can be called once.

        When the next stream is taken, the clips that are left in the stream before it are skipped.
        """
        self._sounds.extend(sounds)
        for supervisor in self._supervisors:
            supervisor.start()
        return self._iterate_streams(len(sounds))

    def _iterate_streams(self, count: int) -> Iterator[WorkerClipStream]:
        while count:
            supervisor, task = self._given_tasks.get()
            for sound in task:
                stream = WorkerClipStream(sound, supervisor.take_event)
                yield stream
                stream.skip_rest()
                count -= 1

    def _give_task(self, supervisor: WorkerSupervisor) -> list[Sound]:
        """Return the next sounds for the worker of a supervisor; nothing if there are no more."""
        # The supervisors call this at the same time. Taking the sounds and noting the task are one step, so
        # the noted tasks have the sounds in their order.
        with self._lock:
            task: list[Sound] = []
            files = size = 0
            while self._sounds:
                if not task or self._sounds[0].path != task[-1].path:
                    if files == TASK_FILES or size >= TASK_BYTES:
                        break
                    files += 1
                    size += self._sounds[0].file.size or 0
                task.append(self._sounds.popleft())
            if task:
                self._given_tasks.put((supervisor, task))
            return task

    def close(self) -> None:
        """End the workers, even those that hang."""
        self._sounds.clear()
        for supervisor in self._supervisors:  # first kill all, so that they end at the same time
            supervisor.kill()
        for supervisor in self._supervisors:
            supervisor.close()

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
