"""Workers that crash, hang, are killed or cannot be ended: at most the sound that they decode is lost."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from helpers.long_tests import IS_LONG_FORM, mark_long_cases
from helpers.pool_runs import (
    CRASH,
    HANG,
    HANGS,
    SETTINGS,
    assert_same,
    collect_clips,
    compute_locally,
    count_hanging_workers,
)
from helpers.waiting import wait_until
from specfeat.audio import worker_pool, worker_process
from specfeat.audio.worker_pool import WorkerPool
from specfeat.errors import AudioError, Remedy, WorkerError
from specfeat.sound import Sound, make_file_sound

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("workers", "action", "description"),
    [
        (1, "os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        (2, "os.abort()", "was ended by SIGABRT"),
        (
            2,
            "os.kill(os.getpid(), signal.SIGKILL)",
            "was ended by SIGKILL, as Linux does when memory runs out",
        ),
        (2, "os._exit(9)", "ended with exit code 9"),
    ],
)
def test_a_decoder_that_crashes_costs_its_file(
    sounds: list[Sound], run_in_workers: Callable[[str], None], workers: int, action: str, description: str
) -> None:
    """In the middle of a file, twice one after another, in the last file: the others are as without the crash."""
    expected = compute_locally(sounds)
    for k in (7, 11, 12, 39):
        expected[sounds[k].path] = f"the worker that decodes it {description}"
    run_in_workers(CRASH.format(action=action))
    with WorkerPool(SETTINGS, workers) as pool:
        assert_same(collect_clips(pool.stream_clips(sounds)), expected)


def test_workers_that_cannot_start_end_the_run(
    sounds: list[Sound], run_in_workers: Callable[[str], None]
) -> None:
    """A broken installation ends the run and shows the reason, instead of failing file after file."""
    run_in_workers(
        "import sys; sys.orig_argv[-4:-3] == ['specfeat.audio.worker'] and sys.exit('no such library')"
    )
    with (
        WorkerPool(SETTINGS, 2) as pool,
        pytest.raises(WorkerError, match=r"before they decode anything; the last one .*: no such library"),
    ):
        collect_clips(pool.stream_clips(sounds))


def test_a_bug_keeps_its_traceback(sounds: list[Sound], run_in_workers: Callable[[str], None]) -> None:
    """An exception that is not an AudioError is a bug: it ends the run with the traceback of the worker."""
    run_in_workers(CRASH.format(action="1 / 0"))
    with (
        WorkerPool(SETTINGS, 2) as pool,
        pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero"),
    ):
        collect_clips(pool.stream_clips(sounds))


@pytest.mark.parametrize("action", mark_long_cases(["pass", *HANGS], ["pass", HANGS[-1]]))
def test_a_worker_does_not_outlive_its_parent(
    sounds: list[Sound],
    tmp_path: Path,
    run_in_workers: Callable[[str], None],
    action: str,
) -> None:
    """When the parent is killed, its workers end by themselves, even while they hang."""
    run_in_workers(HANG.format(action=action))
    paths = [sound.path for sound in (sounds[11], sounds[39], *sounds)]
    code = (
        "import sys, time; from specfeat.audio.worker_pool import WorkerPool; from specfeat.config import load_config;"
        "from specfeat.sound import Sound;"
        "pool = WorkerPool(load_config('minimal').settings, 2); pool.stream_clips([Sound(p) for p in sys.argv[1:]]);"
        "print(*pool.process_ids, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, *paths], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2
    wait_until(lambda: count_hanging_workers(tmp_path) > 0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    wait_until(lambda: not any(is_running(pid) for pid in pids))


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False


def test_a_worker_that_is_killed_from_outside_is_replaced(sounds: list[Sound]) -> None:
    """At most the sounds that the killed workers were decoding fail, and none is lost."""
    with WorkerPool(SETTINGS, 2) as pool:
        streams = pool.stream_clips(sounds)
        next(streams).skip_rest()
        for pid in pool.process_ids:
            os.kill(pid, signal.SIGKILL)
        results = collect_clips(streams)

    expected = compute_locally(sounds[1:])
    assert list(results) == list(expected)
    different = [path for path in results if not np.array_equal(results[path], expected[path])]
    assert len(different) <= 2
    assert all("was ended by SIGKILL" in results[path] for path in different)


@pytest.mark.parametrize(
    "action", mark_long_cases(HANGS, HANGS[1:]), ids=["sleeps", "spins", "holds the interpreter"]
)
def test_a_decoder_that_never_returns_costs_its_file(
    sounds: list[Sound], run_in_workers: Callable[[str], None], action: str
) -> None:
    """At the start or in the middle of a long file, or in the last file: the others are as without the hang."""
    expected = compute_locally(sounds)
    for k in (7, 11, 39):
        expected[sounds[k].path] = "is not decoded within 4 s"
    run_in_workers(HANG.format(action=action))
    with WorkerPool(SETTINGS, 2, timeout_s=4) as pool:
        assert_same(collect_clips(pool.stream_clips(sounds)), expected)


def test_a_timeout_names_its_remedy(sounds: list[Sound], run_in_workers: Callable[[str], None]) -> None:
    """The error of a late file says that the user can allow more time."""
    run_in_workers(HANG.format(action="time.sleep(600)"))
    with WorkerPool(SETTINGS, 1, timeout_s=0.5) as pool, pytest.raises(AudioError) as caught:
        list(next(pool.stream_clips([sounds[11]])))

    assert (caught.value.cause, caught.value.remedy) == ("timeout", Remedy.ALLOW_MORE_TIME)


@pytest.fixture
def unkillable_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make `kill` have no effect until the test has ended, as for a process that waits for a dead network disk."""
    processes: list[subprocess.Popen[bytes]] = []
    kill = subprocess.Popen.kill
    monkeypatch.setattr(worker_process, "KILL_WAIT_S", 0.1)
    monkeypatch.setattr(subprocess.Popen, "kill", lambda process: processes.append(process))
    yield
    for process in processes:
        kill(process)
        process.wait()


@pytest.mark.usefixtures("unkillable_workers")
def test_a_process_that_cannot_be_ended_is_given_up(
    sounds: list[Sound], run_in_workers: Callable[[str], None]
) -> None:
    """Its sound fails, and another process decodes the other sounds."""
    expected = compute_locally(sounds)
    for k in (7, 11, 39):
        expected[sounds[k].path] = "is not decoded within 4 s"
    run_in_workers(HANG.format(action="time.sleep(600)"))
    with WorkerPool(SETTINGS, 2, timeout_s=4) as pool:
        assert_same(collect_clips(pool.stream_clips(sounds)), expected)


@pytest.mark.usefixtures("unkillable_workers")
def test_leaving_does_not_wait_for_a_process_that_cannot_be_ended(
    sounds: list[Sound],
    tmp_path: Path,
    run_in_workers: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C ends the run even if a dead network disk is read."""
    run_in_workers(HANG.format(action="time.sleep(600)"))
    threads = threading.active_count()
    # Different files, because all sounds of one file go to one worker.
    links = [tmp_path / f"{number}-11.wav" for number in range(4 * worker_pool.TASK_FILES)]
    for link in links:
        link.hardlink_to(sounds[11].path)
    with WorkerPool(SETTINGS, 4) as pool:
        pool.stream_clips([make_file_sound(str(link)) for link in links])
        wait_until(lambda: count_hanging_workers(tmp_path) == 4)
        monkeypatch.setattr(worker_process, "KILL_WAIT_S", 5.0)
        begun = time.monotonic()
    assert time.monotonic() - begun < 18  # all of them are waited for together, not one after another
    assert threading.active_count() == threads


def test_closing_does_not_wait_for_a_worker_that_is_being_replaced(sounds: list[Sound]) -> None:
    """A signal to the whole process group kills workers while the pool closes: it closes all the same."""
    for delay_s in (0.0, 0.001, 0.002, 0.004, 0.008, 0.016) if IS_LONG_FORM else (0.0, 0.004):
        with WorkerPool(SETTINGS, 2) as pool:
            pool.stream_clips(sounds)
            wait_until(lambda: all(progress.begun_sounds > 0 for progress in pool.read_progress()))
            for pid in pool.process_ids:
                os.kill(pid, signal.SIGKILL)
            time.sleep(delay_s)
