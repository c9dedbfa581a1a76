"""Worker processes: the same clips in the same order, whatever happens to a worker."""

import os
import platform
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from specfeat.audio import decode, worker_pool, worker_process
from specfeat.audio.clips import ClipMaker
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config import load_config
from specfeat.config.settings import Settings
from specfeat.errors import AudioError, WorkerError

pytestmark = pytest.mark.slow

SETTINGS = load_config("minimal").settings

Results = dict[str, "np.ndarray | str"]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Forty files of many lengths: most short, one long enough for many messages, some broken."""
    rng = np.random.default_rng(0)
    paths = []
    for k in range(40):
        path = tmp_path / f"{k:02}.wav"
        if k % 9 == 4:
            path.write_text("no sound")
        else:
            soundfile.write(path, rng.normal(size=400_000 if k == 7 else 997 * k) / 10, 16_000)
        paths.append(str(path))
    return paths


def _here(paths: list[str], settings: Settings = SETTINGS) -> Results:
    """What this process makes of the files."""
    maker = ClipMaker(settings)
    results: Results = {}
    for path in paths:
        try:
            clips = [clip.copy() for clip in maker.clips(decode.read_samples(path, settings.audio))]
            results[path] = np.array(clips, np.float32).reshape(-1, *settings.input_shape)
        except AudioError as e:
            results[path] = str(e)
    return results


def _there(workers: WorkerPool, paths: list[str]) -> Results:
    """What the workers make of them."""
    results: Results = {}
    for track in workers.tracks(paths):
        try:
            pieces = [np.empty((0, *SETTINGS.input_shape), np.float32), *(clips.copy() for clips in track)]
            results[track.path] = np.concatenate(pieces)
        except AudioError as e:
            results[track.path] = str(e)
    return results


def _assert_same(one: Results, other: Results) -> None:
    assert list(one) == list(other)
    for path, result in one.items():
        np.testing.assert_array_equal(result, other[path], err_msg=path)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_any_number_of_workers_gives_the_same(files: list[str], workers: int) -> None:
    """Clips, errors and order are those of one process."""
    with WorkerPool(SETTINGS, workers) as crew:
        _assert_same(_there(crew, files), _here(files))


def test_samples_and_lengths_come_along(files: list[str]) -> None:
    """After its clips a track knows its length at the config's rate."""
    with WorkerPool(SETTINGS, 2) as crew:
        lengths = []
        for track in crew.tracks(files[:4]):
            list(track)
            lengths.append(track.samples)

    assert lengths == [0, 997, 2 * 997, 3 * 997]


def test_a_track_may_be_left(files: list[str]) -> None:
    """What is not taken of a track is passed over; the next one begins at its own beginning."""
    with WorkerPool(SETTINGS, 2) as crew:
        firsts = {}
        for track in crew.tracks(files):
            try:
                firsts[track.path] = next(iter(track), None)
            except AudioError:
                firsts[track.path] = None
    for path, clips in _here(files).items():
        if isinstance(clips, str) or not len(clips):
            assert firsts[path] is None
        else:
            first = firsts[path]
            assert first is not None
            np.testing.assert_array_equal(first[0], clips[0])


@pytest.fixture
def sabotage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the workers (not this process) run some code first, as a broken decoder would."""

    def plant(code: str) -> None:
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))

    return plant


CRASH = """
import os, sys, signal
if "specfeat.audio.worker" in " ".join(sys.orig_argv):
    import soundfile
    read = soundfile.SoundFile.read
    def broken(self, *arguments, **options):
        name = os.fsdecode(self.name)
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
        name = os.fsdecode(self.name)
        if name.endswith(("07.wav", "11.wav", "39.wav")) and (self.tell() > 200_000 or "07" not in name):
            {action}
        return read(self, *arguments, **options)
    soundfile.SoundFile.read = broken
"""
HANGS = ["time.sleep(600)", "while True: pass", "import ctypes; ctypes.PyDLL(None).sleep(600)"]


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        ("os.abort()", "was ended by SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL, as Linux does when memory runs out"),
        ("os._exit(9)", "ended with exit code 9"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_decoder_that_crashes_costs_its_file(
    files: list[str], sabotage: Callable[[str], None], action: str, said: str, workers: int
) -> None:
    """In the middle of a file, twice in a row, in the last one: the others are as without them."""
    expected = _here(files)
    for k in (7, 11, 12, 39):
        expected[files[k]] = f"the process that decodes it {said}"
    sabotage(CRASH.format(action=action))
    with WorkerPool(SETTINGS, workers) as crew:
        _assert_same(_there(crew, files), expected)


def test_workers_that_cannot_start_are_no_files_fault(
    files: list[str], sabotage: Callable[[str], None]
) -> None:
    """An installation that is broken ends the run and shows why, instead of failing file after file."""
    sabotage("import sys; sys.orig_argv[-4:-3] == ['specfeat.audio.worker'] and sys.exit('no such library')")
    with WorkerPool(SETTINGS, 2) as crew, pytest.raises(WorkerError, match="with no file in hand"):
        _there(crew, files)


def test_a_bug_keeps_its_traceback(files: list[str], sabotage: Callable[[str], None]) -> None:
    """What is no AudioError is our mistake: it ends the run with the worker's traceback."""
    sabotage(CRASH.format(action="1 / 0"))
    with (
        WorkerPool(SETTINGS, 2) as crew,
        pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero"),
    ):
        _there(crew, files)


def test_workers_wait_for_who_reads(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow reader is not flooded: what waits is bounded, and all of it comes."""
    monkeypatch.setattr(worker_pool, "QUEUE_BYTES", 1)
    with WorkerPool(SETTINGS, 2) as crew:
        tracks = crew.tracks(files)
        deadline = time.monotonic() + 30
        while any(worker._messages.qsize() < 2 for worker in crew._workers) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        waiting = [worker._messages.qsize() for worker in crew._workers]
        count = sum(1 for _ in tracks)

    assert max(waiting) == 2
    assert count == len(files)


def test_leaving_ends_everything(files: list[str]) -> None:
    """Leaving the block, done or not, leaves no process and no thread."""
    threads, children = threading.active_count(), _children()
    with WorkerPool(SETTINGS, 3) as crew:
        next(crew.tracks(files))

    assert _children() == children
    assert threading.active_count() == threads


@pytest.mark.parametrize("action", ["pass", *HANGS])
def test_a_worker_does_not_outlive_its_parent(
    files: list[str], sabotage: Callable[[str], None], action: str
) -> None:
    """When the parent is killed, its workers end by themselves, whatever they hang in."""
    sabotage(HANG.format(action=action))
    files = [files[11], files[39], *files]
    code = (
        "import sys, time; from specfeat.audio.worker_pool import Pool; from specfeat.config import load_config;"
        "crew = Pool(load_config('minimal').settings, 2); crew.tracks(sys.argv[1:]);"
        "print(*(worker._process.pid for worker in crew._workers), flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, *files], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pids = [int(word) for word in parent.stdout.readline().split()]
    time.sleep(1.5)  # until they are at their files
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    deadline = time.monotonic() + 20
    while any(_lives(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False


def test_a_worker_that_is_killed_while_it_waits_is_replaced(files: list[str]) -> None:
    """No file is at fault, and none is lost."""
    with WorkerPool(SETTINGS, 2) as crew:
        tracks = crew.tracks(files)
        next(tracks).drain()
        time.sleep(1)
        for worker in crew._workers:
            worker._process.kill()
        rest = {track.path: sum(len(clips) for clips in _quietly(track)) for track in tracks}

    expected = {path: 0 if isinstance(clips, str) else len(clips) for path, clips in _here(files[1:]).items()}
    lost = {path for path in rest if rest[path] != expected[path]}
    assert list(rest) == files[1:]
    assert len(lost) <= 2  # a file that a worker had in hand


def _quietly(track: worker_pool.WorkerClipStream) -> Iterator[np.ndarray]:
    try:
        yield from track
    except AudioError:
        return


@pytest.mark.parametrize("action", HANGS, ids=["sleeps", "spins", "holds the interpreter"])
def test_a_decoder_that_never_returns_costs_its_file(
    files: list[str], sabotage: Callable[[str], None], action: str
) -> None:
    """At its start, in the middle of a long file, in the last file: the others are as without them."""
    expected = _here(files)
    for k in (7, 11, 39):
        expected[files[k]] = "is not decoded within 1.5 s; see --timeout-per-file"
    sabotage(HANG.format(action=action))
    with WorkerPool(SETTINGS, 2, timeout_s=1.5) as crew:
        _assert_same(_there(crew, files), expected)


def test_waiting_for_who_reads_does_not_count(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose clips are not taken for longer than the limit has not taken long itself."""
    monkeypatch.setattr(worker_pool, "QUEUE_BYTES", 1)
    expected = _here(files)
    with WorkerPool(SETTINGS, 2, timeout_s=1.0) as crew:
        tracks = crew.tracks(files)
        first = next(tracks)
        time.sleep(2.5)
        first.drain()
        results: Results = {}
        for track in tracks:
            try:
                results[track.path] = np.concatenate(
                    [np.empty((0, *SETTINGS.input_shape), np.float32), *(clips.copy() for clips in track)]
                )
            except AudioError as e:
                results[track.path] = str(e)

    _assert_same(results, {path: expected[path] for path in files[1:]})


def test_patience_grows_with_the_file(tmp_path: Path) -> None:
    """Unless it is said, a file may take ten minutes and a second for each 100 kB."""
    with (tmp_path / "day.wav").open("wb") as file:
        file.truncate(10**10)
    with WorkerPool(SETTINGS, 1) as crew:
        crew._paths.extend([str(tmp_path / "day.wav"), "nowhere"])
        for path in (*crew.next_task(crew._workers[0]), *crew.next_task(crew._workers[0])):
            assert crew.patience(path) == (600 if path == "nowhere" else 600 + 100_000)


def test_a_process_that_cannot_be_ended_is_given_up(
    files: list[str], sabotage: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a dead network disk not even SIGKILL has an effect: its file fails, another process does the rest."""
    stuck: list[subprocess.Popen[bytes]] = []
    kill = subprocess.Popen.kill
    expected = _here(files)
    for k in (7, 11, 39):
        expected[files[k]] = "is not decoded within 1 s; see --timeout-per-file"
    sabotage(HANG.format(action="time.sleep(600)"))
    monkeypatch.setattr(worker_process, "GONE_S", 0.1)
    monkeypatch.setattr(subprocess.Popen, "kill", lambda each: stuck.append(each))
    with WorkerPool(SETTINGS, 2, timeout_s=1.0) as crew:
        _assert_same(_there(crew, files), expected)
    for each in stuck:
        kill(each)
        each.wait()


def test_leaving_does_not_wait_for_a_process_that_cannot_be_ended(
    files: list[str], sabotage: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C works even if the disk that is read from is dead."""
    stuck: list[subprocess.Popen[bytes]] = []
    kill = subprocess.Popen.kill
    sabotage(HANG.format(action="time.sleep(600)"))
    monkeypatch.setattr(worker_process, "GONE_S", 0.1)
    monkeypatch.setattr(subprocess.Popen, "kill", lambda each: stuck.append(each))
    with WorkerPool(SETTINGS, 4) as crew:
        crew.tracks(files[7:8] * 4 * worker_pool.TASK_FILES)
        workers = list(crew._workers)
        while any(worker._process.progress()[0] < 1 for worker in workers):  # then it hangs
            time.sleep(0.01)
        time.sleep(0.5)
        monkeypatch.setattr(worker_process, "GONE_S", 1.0)
        begun = time.monotonic()
    assert time.monotonic() - begun < 3
    assert not any(worker._thread.is_alive() for worker in workers)
    for each in stuck:
        kill(each)
        each.wait()


def test_too_few_files_may_be_open(files: list[str]) -> None:
    """With `ulimit -n` too low for the workers, it is one sentence, and those that were started are gone."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = _children()
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 40, hard))
    try:
        with pytest.raises(
            WorkerError, match="cannot be started: Too many open files; start fewer with --workers"
        ):
            WorkerPool(SETTINGS, 30)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert _children() == before


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_closing_does_not_wait_for_a_worker_that_is_being_replaced(files: list[str]) -> None:
    """A signal to the whole group kills workers while the pool is closing: it ends all the same."""
    for delay in (0.0, 0.002, 0.004, 0.008, 0.016):
        with WorkerPool(SETTINGS, 2) as crew:
            crew.tracks(files)
            time.sleep(0.4)
            for worker in crew._workers:
                worker._process.kill()
            time.sleep(delay)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the settings are those of glibc's malloc")
def test_a_worker_keeps_the_memory_of_a_file_for_the_next_one(tmp_path: Path) -> None:
    """Else every short file costs some 150 pages that are new from the system, which is slower than its samples."""
    for k in range(220):
        soundfile.write(tmp_path / f"{k:03}.wav", np.zeros(6000), 8000)
    paths = sorted(map(str, tmp_path.iterdir()))

    def faults(paths: list[str]) -> int:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
        with WorkerPool(SETTINGS, 1) as crew:
            _there(crew, paths)
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before

    assert (faults(paths) - faults(paths[:20])) / 200 < 30
