"""The supervisor of a worker, with a process that follows a script: what happens after each way to die."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pytest

from specfeat.audio import sound_timer, worker_supervisor
from specfeat.audio.messages import (
    ClipsEvent,
    DecodedSoundEnd,
    WorkerEvent,
    WorkerProgress,
    WorkerSetup,
    decode_task,
    send_message,
)
from specfeat.audio.worker_supervisor import WorkerSupervisor
from specfeat.config import load_config
from specfeat.errors import AudioError, Remedy, WorkerError
from specfeat.sound import Sound

ORDER = WorkerSetup(load_config("minimal").settings, keep_partial=False)
SHAPE = ORDER.settings.input_shape
LATE = 1e9  # longer ago than any limit, in seconds


@dataclass
class Life:
    """What one process does with its task before it dies; None: it does its task, and lives.

    Attributes:
        finished: how many sounds it finishes and sends.
        unsent: how many more it finishes, which are not sent any more.
        begins_next: whether it has begun one more sound when it dies.
        sends_part: whether it has sent a clip of the sound that it decodes last.
        hangs: whether it hangs instead of dying, until it is killed.
        finishes_before_kill: whether it finishes the late sound just before it is killed, and begins the next one.
    """

    finished: int = 0
    unsent: int = 0
    begins_next: bool = True
    sends_part: bool = False
    hangs: bool = False
    finishes_before_kill: bool = False


class ScriptedProcess:
    """Stands for `WorkerProcess`; each new one takes the next life of the script."""

    lives: deque[Life | None]
    tasks: list[list[str]]

    def __init__(self, setup: bytes, environment: Mapping[str, str]) -> None:
        self._life = self.lives.popleft() if self.lives else None
        self._data: deque[bytes] = deque()
        self._begun = 0
        self._since = 0.0
        self._is_dead = False

    def send(self, data: bytes) -> None:
        names = [sound.path for sound in decode_task(data)]
        self.tasks.append(names)
        life = self._life or Life(len(names), begins_next=False)
        for name in names[: life.finished]:
            self._send_sound(name)
        self._begun += life.finished + life.unsent + life.begins_next
        if life.sends_part and not life.finishes_before_kill:
            self._send_clip()
        self._late_name = names[life.finished] if life.hangs else ""
        self._since = time.monotonic() - LATE if life.hangs else time.monotonic()
        self._is_dead = self._life is not None and not life.hangs

    def _send_sound(self, name: str) -> None:
        end = DecodedSoundEnd(samples=int(name), seconds=0.0, silent=False, error=None, keeps_clips=True)
        self._send([end], np.empty((0, *SHAPE), np.float32))

    def _send_clip(self) -> None:
        clips = np.zeros((1, *SHAPE), np.float32)
        self._send([ClipsEvent(clips)], clips)

    def _send(self, events: list[WorkerEvent], clips: np.ndarray) -> None:
        send_message(lambda data: self._data.append(bytes(data)), events, clips)

    def wait_for_data(self, seconds: float) -> bool:
        return bool(self._data) or self._is_dead

    def receive(self) -> bytes:
        if not self._data:
            raise EOFError
        return self._data.popleft()

    def read_progress(self) -> WorkerProgress:
        return WorkerProgress(self._begun, self._since)

    def kill(self) -> None:
        self._is_dead = True

    def kill_and_wait(self) -> None:
        if self._life and self._life.finishes_before_kill:
            self._begun += 1
            if self._life.sends_part:
                self._send_sound(self._late_name)
                self._send_clip()
        self._is_dead = True

    def close(self) -> None:
        pass

    def close_and_describe_end(self) -> str:
        return "was ended by a test"


Outcomes = dict[str, str]  # by the name of the sound: "ok", or the cause of its error


@pytest.fixture
def run_script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Outcomes]]:
    """Give one task of five sounds to processes that live as a script says; return what comes of each sound."""
    monkeypatch.setattr(worker_supervisor, "WorkerProcess", ScriptedProcess)
    started: list[WorkerSupervisor] = []

    def run(*lives: Life) -> Outcomes:
        ScriptedProcess.lives, ScriptedProcess.tasks = deque(lives), []
        task = [Sound(str(k)) for k in range(5)]
        tasks = deque([task])
        supervisor = WorkerSupervisor(ORDER, lambda _: tasks.popleft() if tasks else [], None, 100)
        started.append(supervisor)
        supervisor.start()
        outcomes: Outcomes = {}
        for sound in task:
            while not isinstance(event := supervisor.take_event(), DecodedSoundEnd):
                pass
            outcomes[sound.path] = event.error.cause if event.error else "ok"
            assert event.error or event.samples == int(sound.path)  # the ends come in the order of the sounds
        return outcomes

    yield run
    for supervisor in started:
        supervisor.kill()
        supervisor.close()


def all_ok_but(**causes: str) -> Outcomes:
    return {str(k): "ok" for k in range(5)} | {name[1:]: cause for name, cause in causes.items()}


def test_a_crash_fails_the_sound_that_was_decoded(run_script: Callable[..., Outcomes]) -> None:
    """The sounds before it have arrived, those after it are decoded by the next process."""
    assert run_script(Life(finished=2)) == all_ok_but(_2="crash")
    assert ScriptedProcess.tasks == [["0", "1", "2", "3", "4"], ["3", "4"]]


def test_sounds_that_were_not_sent_are_decoded_again(run_script: Callable[..., Outcomes]) -> None:
    """They were finished, so they are not the reason for the crash; only the sound after them fails."""
    assert run_script(Life(finished=1, unsent=2)) == all_ok_but(_3="crash")
    assert ScriptedProcess.tasks[1:] == [["1", "2"], ["4"]]


def test_a_crash_while_sounds_are_decoded_again(run_script: Callable[..., Outcomes]) -> None:
    """Each of the two crashes fails its own sound."""
    assert run_script(Life(unsent=2), Life(finished=1)) == all_ok_but(_1="crash", _2="crash")


def test_two_idle_deaths_fail_nothing(run_script: Callable[..., Outcomes]) -> None:
    """A process can be killed by chance while it decodes nothing."""
    assert run_script(Life(begins_next=False), Life(finished=1, begins_next=False)) == all_ok_but()


def test_three_idle_deaths_end_the_run(run_script: Callable[..., Outcomes]) -> None:
    """If workers cannot even begin, the installation is broken, and no other sound would do better."""
    with pytest.raises(
        WorkerError,
        match="worker processes end before they decode anything; the last one was ended by a test",
    ):
        run_script(*[Life(begins_next=False)] * 3)


def test_idle_deaths_count_only_one_after_another(run_script: Callable[..., Outcomes]) -> None:
    """A message in between shows that workers can run."""
    lives = [Life(begins_next=False), Life(begins_next=False), Life(finished=1, begins_next=False)]

    assert run_script(*lives, Life(begins_next=False)) == all_ok_but()


def test_a_late_sound_fails_alone(run_script: Callable[..., Outcomes]) -> None:
    """Its process is killed, and the next sounds are decoded by another one."""
    assert run_script(Life(finished=1, hangs=True)) == all_ok_but(_1="timeout")
    assert ScriptedProcess.tasks[1:] == [["2", "3", "4"]]


def test_a_sound_that_finishes_just_before_the_kill_is_not_late(run_script: Callable[..., Outcomes]) -> None:
    """No sound is at fault, so all that have not arrived are decoded again."""
    assert run_script(Life(finished=1, hangs=True, finishes_before_kill=True)) == all_ok_but()
    assert ScriptedProcess.tasks[1:] == [["1", "2", "3", "4"]]


def test_a_sound_that_has_arrived_in_part_is_not_decoded_again(run_script: Callable[..., Outcomes]) -> None:
    """Its first clips would come twice, so it fails, even if another sound was late."""
    assert run_script(Life(sends_part=True, hangs=True)) == all_ok_but(_0="timeout")
    assert run_script(Life(sends_part=True, hangs=True, finishes_before_kill=True)) == all_ok_but(_1="crash")


def test_errors_of_the_supervisor_are_audio_errors(run_script: Callable[..., Outcomes]) -> None:
    """They have the attributes of an `AudioError`, and a late sound names its remedy."""
    task = deque([[Sound("0")]])
    ScriptedProcess.lives, ScriptedProcess.tasks = deque([Life(hangs=True)]), []
    supervisor = WorkerSupervisor(ORDER, lambda _: task.popleft() if task else [], 2.5, 100)
    supervisor.start()
    event = supervisor.take_event()
    supervisor.kill()
    supervisor.close()

    assert isinstance(event, DecodedSoundEnd)
    assert event.error is not None
    assert json.dumps(asdict(event.error))
    error = event.error.to_error()
    assert isinstance(error, AudioError)
    assert (str(error), error.remedy) == ("is not decoded within 2.5 s", Remedy.ALLOW_MORE_TIME)


class StoppedClock:
    """Stands for the module `time`: a monotonic clock that jumps while the whole job is stopped."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class StoppableProcess:
    """Stands for `WorkerProcess`: it hangs for some looks, and is stopped between two of them, with the whole job.

    After the last look it dies.
    """

    clock: StoppedClock
    looks: int
    stopped_s: float

    def __init__(self, setup: bytes, environment: Mapping[str, str]) -> None:
        self._is_dead = False
        self._progress = WorkerProgress(0, 0.0)

    def send(self, data: bytes) -> None:
        self._progress = WorkerProgress(1, self.clock.now)

    def wait_for_data(self, seconds: float) -> bool:
        self._is_dead = self._is_dead or self.looks == 0
        if self._is_dead:
            return True
        StoppableProcess.looks -= 1
        self.clock.now += seconds
        if self.looks == 20:
            self.clock.now += self.stopped_s
        return False

    def receive(self) -> bytes:
        raise EOFError

    def read_progress(self) -> WorkerProgress:
        return self._progress

    def kill(self) -> None:
        self._is_dead = True

    def kill_and_wait(self) -> None:
        self._is_dead = True

    def close(self) -> None:
        pass

    def close_and_describe_end(self) -> str:
        return "was ended by a test"


@pytest.mark.parametrize(
    ("looks", "stopped_s", "cause"),
    [(39, 0.0, "crash"), (39, 1e6, "crash"), (42, 0.0, "timeout"), (42, 1e6, "timeout")],
)
def test_the_time_while_the_job_is_stopped_does_not_count(
    monkeypatch: pytest.MonkeyPatch, looks: int, stopped_s: float, cause: str
) -> None:
    """A sound of ten seconds is late after some 40 looks of a quarter of a second, stopped in between or not."""
    clock = StoppedClock()
    StoppableProcess.clock, StoppableProcess.looks, StoppableProcess.stopped_s = clock, looks, stopped_s
    monkeypatch.setattr(sound_timer, "time", clock)
    monkeypatch.setattr(worker_supervisor, "WorkerProcess", StoppableProcess)
    tasks = deque([[Sound("0")]])
    supervisor = WorkerSupervisor(ORDER, lambda _: tasks.popleft() if tasks else [], 10.0, 100)
    clock.now += 500.0  # it waits for its first sound
    supervisor.start()
    event = supervisor.take_event()
    supervisor.kill()
    supervisor.close()

    assert isinstance(event, DecodedSoundEnd)
    assert event.error is not None
    assert event.error.cause == cause
