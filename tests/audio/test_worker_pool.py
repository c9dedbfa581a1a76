"""Worker processes: the same clips in the same order, whatever happens to a worker."""

import os
import platform
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.waiting import wait_until
from specfeat.audio import decode, worker_pool, worker_process
from specfeat.audio.clip_stream import ClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.audio.sound_timer import compute_timeout_s
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config import load_config
from specfeat.config.settings import Settings
from specfeat.errors import AudioError, Remedy, WorkerError
from specfeat.sound import Sound, make_file_sound

pytestmark = pytest.mark.slow

SETTINGS = load_config("minimal").settings
# With many clips for each second, the clips of a task are more than the queue and the connection hold.
DENSE_SETTINGS = load_config("minimal", ["clips.hop=2"]).settings

Results = dict[str, "np.ndarray | str"]


@pytest.fixture
def sounds(tmp_path: Path) -> list[Sound]:
    """Forty files of many lengths: most short, one long enough for many messages, some broken."""
    rng = np.random.default_rng(0)
    sounds = []
    for k in range(40):
        path = tmp_path / f"{k:02}.wav"
        if k % 9 == 4:
            path.write_text("no sound")
        else:
            soundfile.write(path, rng.normal(size=400_000 if k == 7 else 997 * k) / 10, 16_000)
        sounds.append(make_file_sound(str(path)))
    return sounds


def compute_locally(sounds: Sequence[Sound], settings: Settings = SETTINGS) -> Results:
    """Return the clips of each sound, or its error, without workers."""
    maker = ClipMaker(settings)
    results: Results = {}
    for sound in sounds:
        try:
            clips = [clip.copy() for clip in maker.make_clips(decode.read_samples(sound, settings.audio))]
            results[sound.path] = np.array(clips, np.float32).reshape(-1, *settings.input_shape)
        except AudioError as e:
            results[sound.path] = str(e)
    return results


def collect_clips(streams: Iterator[ClipStream], settings: Settings = SETTINGS) -> Results:
    """Return the clips of each stream, or its error."""
    results: Results = {}
    for stream in streams:
        try:
            pieces = [np.empty((0, *settings.input_shape), np.float32), *(clips.copy() for clips in stream)]
            results[stream.sound.path] = np.concatenate(pieces)
        except AudioError as e:
            results[stream.sound.path] = str(e)
    return results


def assert_same(results: Results, expected: Results) -> None:
    assert list(results) == list(expected)
    for path, result in results.items():
        np.testing.assert_array_equal(result, expected[path], err_msg=path)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_any_number_of_workers_gives_the_same(sounds: list[Sound], workers: int) -> None:
    """Clips, errors and order are those without workers."""
    with WorkerPool(SETTINGS, workers) as pool:
        assert_same(collect_clips(pool.stream_clips(sounds)), compute_locally(sounds))


def test_values_of_a_file_and_its_dither_are_those_without_workers(sounds: list[Sound]) -> None:
    """They depend on the file alone, not on the files before it in the same worker."""
    changes = [
        "spectrogram.peak=0.5",
        "spectrogram.center=false",
        "spectrogram.padding=[100, 300]",
        "spectrogram.dither={std: 0.001, seed: 5}",
        "spectrogram.compress=[{pcen: {}}, {db: {ref: max, top_db: 40, per: file}}]",
        "spectrogram.normalize={file: mean_std, per: band}",
    ]
    settings = load_config("minimal", changes).settings

    with WorkerPool(settings, 2) as pool:
        results = collect_clips(pool.stream_clips(sounds), settings)

    assert_same(results, compute_locally(sounds, settings))


def test_a_stream_knows_its_length_after_its_clips(sounds: list[Sound]) -> None:
    """The length is in samples at the config's rate."""
    with WorkerPool(SETTINGS, 2) as pool:
        lengths = []
        for stream in pool.stream_clips(sounds[:4]):
            list(stream)
            lengths.append(stream.samples)

    assert lengths == [0, 997, 2 * 997, 3 * 997]


def test_a_stream_may_be_left_early(sounds: list[Sound]) -> None:
    """The rest of its clips is skipped; the next stream begins with its own first clip."""
    with WorkerPool(SETTINGS, 2) as pool:
        first_clips = {}
        for stream in pool.stream_clips(sounds):
            try:
                first_clips[stream.sound.path] = next(iter(stream), None)
            except AudioError:
                first_clips[stream.sound.path] = None
    for path, clips in compute_locally(sounds).items():
        if isinstance(clips, str) or not len(clips):
            assert first_clips[path] is None
        else:
            first = first_clips[path]
            assert first is not None
            np.testing.assert_array_equal(first[0], clips[0])


@pytest.fixture
def run_in_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the workers (not this process) run some code at their start, so that they behave like a broken decoder."""

    def write_code(code: str) -> None:
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))

    return write_code


CRASH = """
import os, sys, signal
if "specfeat.audio.worker" in " ".join(sys.orig_argv):
    import soundfile
    read = soundfile.SoundFile.read
    def broken(self, *arguments, **options):
        name = os.readlink(f"/proc/self/fd/{{self.name}}")  # it is opened by its descriptor
        if name.endswith(("07.wav", "11.wav", "12.wav", "39.wav")):
            block = read(self, 30_000, dtype="float32", always_2d=True)
            if len(block) < 30_000 or "07" not in name or self.tell() > 200_000:
                {action}
            return block
        return read(self, *arguments, **options)
    soundfile.SoundFile.read = broken
"""


HANG = """
import os, sys, time
if "specfeat.audio.worker" in " ".join(sys.orig_argv):
    import soundfile
    read = soundfile.SoundFile.read
    def broken(self, *arguments, **options):
        name = os.readlink(f"/proc/self/fd/{{self.name}}")  # it is opened by its descriptor
        if name.endswith(("07.wav", "11.wav", "39.wav")) and (self.tell() > 200_000 or "07" not in name):
            open(os.path.join(os.path.dirname(name), "hangs-" + str(os.getpid())), "w").close()
            {action}
        return read(self, *arguments, **options)
    soundfile.SoundFile.read = broken
"""
HANGS = ["time.sleep(600)", "while True: pass", "import ctypes; ctypes.PyDLL(None).sleep(600)"]


def count_hanging_workers(folder: Path) -> int:
    """Count the workers that have come to the place where `HANG` lets them hang."""
    return len(list(folder.glob("hangs-*")))


@pytest.mark.parametrize(
    ("action", "description"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        ("os.abort()", "was ended by SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL, as Linux does when memory runs out"),
        ("os._exit(9)", "ended with exit code 9"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_decoder_that_crashes_costs_its_file(
    sounds: list[Sound], run_in_workers: Callable[[str], None], action: str, description: str, workers: int
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


def test_workers_wait_for_a_slow_reader(sounds: list[Sound], monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of messages that wait is limited, and in the end all sounds come."""
    monkeypatch.setattr(worker_pool, "QUEUE_BYTES", 1)
    with WorkerPool(DENSE_SETTINGS, 2) as pool:
        streams = pool.stream_clips(sounds)
        wait_until(lambda: min(pool.waiting_messages) >= 2)
        wait_until(lambda: count_workers_that_wait_to_send(pool) == 2)
        waiting = pool.waiting_messages
        count = sum(1 for _ in streams)

    assert waiting == [2, 2]
    assert count == len(sounds)


def count_workers_that_wait_to_send(pool: WorkerPool) -> int:
    return sum(
        progress.begun_sounds > 0 and progress.sound_started_at == 0.0 for progress in pool.read_progress()
    )


def test_leaving_the_block_ends_everything(sounds: list[Sound]) -> None:
    """No process and no thread is left, whether all sounds have come or not."""
    threads, children = threading.active_count(), list_children()
    with WorkerPool(SETTINGS, 3) as pool:
        next(pool.stream_clips(sounds))

    assert list_children() == children
    assert threading.active_count() == threads


@pytest.mark.parametrize("action", ["pass", *HANGS])
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


@pytest.mark.parametrize("action", HANGS, ids=["sleeps", "spins", "holds the interpreter"])
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


def test_the_wait_for_a_slow_reader_does_not_count(
    sounds: list[Sound], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sound is not late if its clips are not taken for longer than the limit."""
    monkeypatch.setattr(worker_pool, "QUEUE_BYTES", 1)
    timeout_s = 3.0  # a loaded machine, too, decodes each of the sounds in less
    with WorkerPool(DENSE_SETTINGS, 2, timeout_s=timeout_s) as pool:
        streams = pool.stream_clips(sounds)
        first = next(streams)
        wait_until(lambda: count_workers_that_wait_to_send(pool) == 2)
        time.sleep(1.3 * timeout_s)  # not evidence: it makes the wait longer than the limit
        first.skip_rest()
        results = collect_clips(streams)

    assert_same(results, compute_locally(sounds[1:], DENSE_SETTINGS))


def test_the_time_for_a_sound_grows_with_its_file(tmp_path: Path) -> None:
    """Unless the user sets a limit, a sound may take ten minutes, and a second more for each 100 kB."""
    with (tmp_path / "day.wav").open("wb") as file:
        file.truncate(10**10)
    sound = make_file_sound(str(tmp_path / "day.wav"))

    assert compute_timeout_s(sound, None) == 600 + 100_000
    assert compute_timeout_s(Sound("nowhere"), None) == 600
    assert compute_timeout_s(sound, 3.0) == 3


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
        monkeypatch.setattr(worker_process, "KILL_WAIT_S", 10.0)
        begun = time.monotonic()
    assert time.monotonic() - begun < 35  # all of them are waited for together, not one after another
    assert threading.active_count() == threads


def test_too_few_files_may_be_open() -> None:
    """With `ulimit -n` too low for the workers, the error is one sentence, and no process is left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    children = list_children()
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 40, hard))
    try:
        with pytest.raises(WorkerError, match="cannot be started: Too many open files") as caught:
            WorkerPool(SETTINGS, 30)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert caught.value.remedy == Remedy.START_FEWER_WORKERS
    assert list_children() == children


def list_children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_closing_does_not_wait_for_a_worker_that_is_being_replaced(sounds: list[Sound]) -> None:
    """A signal to the whole process group kills workers while the pool closes: it closes all the same."""
    for delay_s in (0.0, 0.002, 0.004, 0.008, 0.016):
        with WorkerPool(SETTINGS, 2) as pool:
            pool.stream_clips(sounds)
            wait_until(lambda: all(progress.begun_sounds > 0 for progress in pool.read_progress()))
            for pid in pool.process_ids:
                os.kill(pid, signal.SIGKILL)
            time.sleep(delay_s)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc's malloc has the settings that the workers change"
)
def test_a_worker_keeps_the_memory_of_a_file_for_the_next_one(tmp_path: Path) -> None:
    """Otherwise each short file costs some 150 new pages from the system, which take longer than its samples."""
    for k in range(220):
        soundfile.write(tmp_path / f"{k:03}.wav", np.zeros(6000), 8000)
    sounds = [make_file_sound(str(path)) for path in sorted(tmp_path.iterdir())]

    def count_page_faults(sounds: Sequence[Sound]) -> int:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
        with WorkerPool(SETTINGS, 1) as pool:
            collect_clips(pool.stream_clips(sounds))
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before

    assert (count_page_faults(sounds) - count_page_faults(sounds[:20])) / 200 < 30
