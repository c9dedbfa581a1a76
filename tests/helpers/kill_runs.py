"""Interrupts a run at every step; another run continues it, and is compared with one that was not interrupted.

    PYTHONPATH=tests python -m helpers.kill_runs FOLDER [EVERY [EVERY_PLACE]]

The run is killed, or the disk is full, at each step that writes to the disk; and SIGTERM comes at each place where Python
can answer it.

Each run is a child of this process, forked after all modules are loaded, so that it takes hundredths of a second. The
network is the one of `without_tensorflow`, and files are decoded in the process itself. Everything else is the real
command. EVERY: try only every EVERY-th step. EVERY_PLACE: try only every EVERY_PLACE-th of 10,000 places for SIGTERM; 0:
none. Prints how many runs were interrupted, for each way to begin and to continue.
"""

import errno
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

import specfeat
from helpers import without_tensorflow
from helpers.command_runs import Output, read_output
from helpers.interruption_points import at_place
from specfeat.audio import decode, worker_pool
from specfeat.audio.clip_stream import LocalClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.cli import main
from specfeat.cli.signals import handle_stop_signal
from specfeat.config.settings import Settings
from specfeat.output import work_folder
from specfeat.sound import Sound

STEPS = ("fsync", "pwrite", "ftruncate", "rename", "replace", "unlink", "mkdir", "rmdir")
PACKAGE = str(Path(specfeat.__file__).parent)
LENGTHS = (0.5, 2.0, 0.0, 0.9)  # seconds; one file is empty, and one is text


class LocalPool:
    """Decodes in this process, when a stream is iterated."""

    def __init__(self, settings: Settings, workers: int, **_: object) -> None:
        self._maker = ClipMaker(settings)

    def stream_clips(self, sounds: Sequence[Sound]) -> Iterator[LocalClipStream]:
        """Return the clips of the sounds, in order."""
        return (
            LocalClipStream(s, self._maker, partial(decode.read_samples, s, self._maker.settings.audio))
            for s in sounds
        )

    def __enter__(self) -> "LocalPool":
        return self

    def __exit__(self, *error: object) -> None:
        pass


def kill_at_step(number: int) -> None:
    """Have this process killed at its `number`-th step that writes to the disk, in the middle of a write."""
    steps = iter(range(1, 1_000_000))

    def wrap(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if next(steps) == number:
                if name == "pwrite":
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2], arguments[2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return step

    for name in STEPS:
        setattr(os, name, wrap(name, getattr(os, name)))


def fill_disk_from_step(number: int) -> None:
    """Have every write fail with a full disk, from the `number`-th one on."""
    steps = iter(range(1, 1_000_000))

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if next(steps) >= number:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **options)

        return step

    for name in ("pwrite", "fsync"):
        setattr(os, name, wrap(getattr(os, name)))


def kill_after(seconds: float) -> None:
    """Have this process killed after so many seconds."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()


def stop_at_place(number: int) -> None:
    """Have this process get SIGTERM at the `number`-th place in specfeat where Python can answer it.

    From then on the signal is repeated, as a user does who cannot wait.
    """
    send = partial(os.kill, os.getpid(), signal.SIGTERM)

    def send_again() -> None:
        while True:
            send()
            time.sleep(0.0002)

    def send_signals() -> None:
        threading.Thread(target=send_again, daemon=True).start()
        send()

    at_place(number, PACKAGE, send_signals, lambda: signal.getsignal(signal.SIGTERM) is handle_stop_signal)


def run_child(arguments: Sequence[str], before: Callable[[], None] = lambda: None) -> int:
    """Run the command in a child; return its exit code, or minus the signal that ended it."""
    process = os.fork()
    if not process:
        try:
            os.dup2(os.open("stderr.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
            sys.argv = ["specfeat", "extract", *arguments]
            before()
            os._exit(main())
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def write_sounds(lengths: Sequence[float], folder: str = "in") -> None:
    """Write the inputs, and a file that is not audio."""
    Path(folder).mkdir(exist_ok=True)
    for k, seconds in enumerate(lengths):
        noise = np.random.default_rng(k).normal(size=round(seconds * 16_000)) / 10
        soundfile.write(f"{folder}/{k}.wav", noise, 16_000)
    Path(folder, "2b.wav").write_text("no sound")


def remove_output(output: str = "out") -> None:
    """Remove an output and its work folder."""
    for path in Path().glob(f"{output}.*"):
        if path.is_dir():
            for inner in path.iterdir():
                inner.unlink()
            path.rmdir()
        else:
            path.unlink()


def check_output(expected: Output) -> None:
    """Check that the output is there, and nothing else."""
    assert read_output(Path()) == expected
    assert sorted(p.name for p in Path().glob("out*")) == ["out.index.csv", "out.npy", "out.run.json"]


def prepare_nothing() -> None:
    """Begin without an output."""
    remove_output()


def prepare_old_output() -> None:
    """Begin with an output of some of the files."""
    remove_output()
    for path in ("in/0.wav", "in/3.wav"):
        Path(path).rename(f"{path}.away")
    assert run_child(["in", "out.npy", "-q", "-c", "minimal", "--force"]) == 3
    for path in ("in/0.wav", "in/3.wav"):
        Path(f"{path}.away").rename(path)


def kill_at_every_step(
    prepare: Callable[[], None], begin_with: str, continue_with: str, expected: Output, every: int = 1
) -> int:
    """Kill a run at each step in turn, until one is not killed; return how many were."""
    command = ["in", "out.npy", "-q", "-c", "minimal"]
    for kills, step in enumerate(range(1, 1_000, every)):
        prepare()
        before = Path("out.npy").read_bytes() if Path("out.npy").exists() else None
        exit_code = run_child([*command, *begin_with.split()], partial(kill_at_step, step))
        if exit_code != -signal.SIGKILL:
            assert exit_code == 3
            check_output(expected)
            return kills
        assert not Path("out.npy").exists() or Path("out.npy").read_bytes() in (before, expected[0])
        assert run_child([*command, *continue_with.split()]) == 3, f"after step {step}"
        check_output(expected)
    raise AssertionError("every run was interrupted")


def fill_disk_at_every_step(expected: Output, every: int) -> int:
    """Have the disk full from each step on; return how many runs failed."""
    for fails, step in enumerate(range(1, 1_000, every)):
        prepare_old_output()
        before = read_output(Path())
        Path("stderr.txt").write_text("")
        exit_code = run_child(
            ["in", "out.npy", "-q", "-c", "minimal", "--force"], partial(fill_disk_from_step, step)
        )
        if exit_code == 3:
            check_output(expected)
            return fails
        lines = [line for line in Path("stderr.txt").read_text().splitlines() if "2b.wav" not in line]
        assert (exit_code, len(lines)) == (1, 1), lines
        assert "No space left on device; free some space and run again" in lines[0]
        assert read_output(Path()) == before
        assert run_child(["in", "out.npy", "-q", "-c", "minimal", "--resume", "--force"]) == 3
        check_output(expected)
    raise AssertionError("every run was interrupted")


def leave_work_when(is_there: Callable[[], bool], name: str) -> Callable[[], None]:
    """Return a function that restores what the first kill leaves after which `is_there` is true."""
    for step in range(1, 1_000):
        prepare_nothing()
        assert (
            run_child(["in", "out.npy", "-q", "-c", "minimal"], partial(kill_at_step, step))
            == -signal.SIGKILL
        )
        if is_there():
            break
    shutil.copytree("out.partial", name)

    def put_back() -> None:
        prepare_nothing()
        shutil.copytree(name, "out.partial")

    return put_back


def count_finished_files() -> int:
    """Return how many finished files the journal has."""
    journal = Path("out.partial/journal")
    return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0


def stop_at_every_place(
    prepare: Callable[[], None], begin_with: str, continue_with: str, expected: Output, every: int
) -> int:
    """Send SIGTERM at each place in turn; check what the run says, and that another run can continue it."""
    command = ["in", "out.npy", "-q", "-c", "minimal"]
    for stops, place in enumerate(range(1, 1_000_000, every)):
        prepare()
        before = read_files()
        Path("stderr.txt").write_text("")
        exit_code = run_child([*command, *begin_with.split()], partial(stop_at_place, place))
        if exit_code != 143:
            assert exit_code == (1 if "stop" in begin_with else 3), f"at place {place}"
            return stops
        lines = [line for line in Path("stderr.txt").read_text().splitlines() if "2b.wav" not in line]
        where = f"at place {place}: {lines}"
        assert len(lines) == 1 or (len(lines) == 2 and "so the run stops" in lines[0]), where
        _, _, outcome = lines[-1].partition("stopped by SIGTERM; ")
        if outcome == "out.npy is complete":
            check_output(expected)
            continue
        assert read_files()["out.npy"] == before["out.npy"], where
        if outcome == "nothing is written":
            assert read_files() == before, where
        else:
            assert outcome.startswith(f"{count_finished_files()} finished file"), where
        assert run_child([*command, *continue_with.split()]) == 3, where
        check_output(expected)
    raise AssertionError("every run was interrupted")


def read_files() -> dict[str, bytes | None]:
    """Return the files of the output and of its work folder, without the lock, which names a process."""
    paths = [Path("out.npy"), *Path().glob("out.*"), *Path("out.partial").glob("*")]
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths if path.name != "lock"}


def kill_at_random_moments(times: int, expected: Output) -> int:
    """Kill at random moments, up to three times in a row; return how many kills there were."""
    random_numbers, kills = random.Random(0), 0
    os.environ["FAKE_NETWORK_PAUSE_S"] = "0.02"
    while kills < times:
        remove_output()
        for _ in range(3):
            exit_code = run_child(
                ["in", "out.npy", "-q", "-c", "minimal", "--set", "model.batch=4", "--resume"],
                partial(kill_after, random_numbers.uniform(0, 0.25)),
            )
            assert exit_code in (-signal.SIGKILL, 3)
            kills += exit_code == -signal.SIGKILL
        assert run_child(["in", "out.npy", "-q", "-c", "minimal", "--set", "model.batch=4", "--resume"]) == 3
        check_output(expected)
    os.environ["FAKE_NETWORK_PAUSE_S"] = "0"
    return kills


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    without_tensorflow.install()
    worker_pool.WorkerPool = LocalPool  # type: ignore[assignment,misc]  # it does what a run needs
    work_folder.SYNC_INTERVAL_S = 0.0  # every file is brought to the disk
    write_sounds(LENGTHS)
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    prepare_nothing()
    assert run_child(["in", "out.npy", "-q", "-c", "minimal"]) == 3
    expected = read_output(Path())
    for prepare, begin_with, continue_with in (
        (prepare_nothing, "", "--resume"),
        (prepare_nothing, "", "--force"),
        (prepare_old_output, "--force", "--resume --force"),
        (prepare_old_output, "--update", "--update"),
        (prepare_old_output, "--update", "--resume --force"),
    ):
        kills = kill_at_every_step(prepare, begin_with, continue_with, expected, every)
        print(json.dumps({f"{prepare.__name__}: {begin_with}, then {continue_with}": kills}), flush=True)
    every_place = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    prepare_begun_work = leave_work_when(lambda: count_finished_files() > 1, "begun")
    prepare_decided_work = leave_work_when(Path("out.partial/run.json").exists, "decided")
    for name, prepare, begin_with, continue_with in (
        ("fresh", prepare_nothing, "", "--resume"),
        ("fresh", prepare_nothing, "--on-error stop", "--resume"),
        ("old", prepare_old_output, "--update", "--update"),
        ("begun", prepare_begun_work, "--resume", "--resume"),
        ("decided", prepare_decided_work, "--resume", "--resume"),
    ):
        stops = (
            stop_at_every_place(prepare, begin_with, continue_with, expected, every_place)
            if every_place
            else 0
        )
        print(json.dumps({f"SIGTERM: {name}: {begin_with}, then {continue_with}": stops}), flush=True)
    print(json.dumps({"full disk": fill_disk_at_every_step(expected, every)}), flush=True)
    prepare_nothing()
    assert run_child(["in", "out.npy", "-q", "-c", "minimal", "--set", "model.batch=4"]) == 3
    print(json.dumps({"random moments": kill_at_random_moments(40, read_output(Path()))}))
