"""Interrupts a run at every step, continues it, and compares the output with that of a run without interruption.

    PYTHONPATH=tests python -m helpers.kill_runs FOLDER [EVERY [EVERY_POINT [MOMENTS]]]

The run is killed, or the disk is full, at each step that writes to the disk. It also gets SIGTERM at each point at
which Python can handle a signal.

Each run is a child of this process. It is forked after all modules are loaded, so it takes hundredths of a second.
The network is that of `without_tensorflow`, and the process itself decodes the files. Everything else is the real
command. With EVERY, only every EVERY-th step is tried. With EVERY_POINT, only every EVERY_POINT-th of about 10,000
points is tried for SIGTERM; 0 means no point. Runs are killed at MOMENTS random times. The program prints how many
runs were interrupted, for each way to begin and to continue a run.
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
from helpers.interruption_points import call_at_point
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
LENGTHS = (0.5, 2.0, 0.0, 0.9)  # lengths of the sounds in seconds; one has no samples


class LocalPool:
    """Replaces `WorkerPool`: a sound is decoded in this process when its stream is iterated."""

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
    """Kill this process at its `number`-th step that writes to the disk. A write is then half done."""
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
    """Let all writes of this process from the `number`-th one on fail with the error of a full disk."""
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
    """Kill this process after a number of seconds."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()


def stop_at_point(number: int) -> None:
    """Send SIGTERM to this process at the `number`-th point in specfeat at which Python can handle it.

    After that the signal is sent again and again, like the signals of an impatient user.
    """
    send = partial(os.kill, os.getpid(), signal.SIGTERM)

    def send_again() -> None:
        while True:
            send()
            time.sleep(0.0002)

    def send_signals() -> None:
        threading.Thread(target=send_again, daemon=True).start()
        send()

    call_at_point(
        number, PACKAGE, send_signals, lambda: signal.getsignal(signal.SIGTERM) is handle_stop_signal
    )


def run_child(arguments: Sequence[str], before: Callable[[], None] = lambda: None) -> int:
    """Run the command in a child process.

    Args:
        arguments: the arguments of `specfeat extract`.
        before: a function that the child calls before the command.

    Returns:
        The exit code; if a signal ended the child, minus the number of the signal.
    """
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
    """Write sounds of these lengths in seconds, and a file that is not audio, to a folder."""
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
    """Check that the output is equal to the expected one, and that no other file is there."""
    assert read_output(Path()) == expected
    assert sorted(p.name for p in Path().glob("out*")) == ["out.index.csv", "out.npy", "out.run.json"]


def prepare_nothing() -> None:
    """Prepare a folder without an output."""
    remove_output()


def prepare_old_output() -> None:
    """Prepare a folder with an output of some of the files."""
    remove_output()
    for path in ("in/0.wav", "in/3.wav"):
        Path(path).rename(f"{path}.away")
    assert run_child(["in", "out.npy", "-q", "-c", "minimal", "--force"]) == 3
    for path in ("in/0.wav", "in/3.wav"):
        Path(f"{path}.away").rename(path)


def kill_at_every_step(
    prepare: Callable[[], None], begin_with: str, continue_with: str, expected: Output, steps: range
) -> int:
    """Kill one run at its first step, the next run at its second step, and so on, until a run is not killed.

    Args:
        prepare: a function that prepares the folder before each run.
        begin_with: more arguments of the run that is killed.
        continue_with: more arguments of the run that continues it.
        expected: the output of a run without interruption.
        steps: the numbers of the steps.

    Returns:
        How many runs were killed.
    """
    command = ["in", "out.npy", "-q", "-c", "minimal"]
    for kills, step in enumerate(steps):
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
    """Let the disk be full from the first step on, then from the second step on, and so on.

    Args:
        expected: the output of a run without interruption.
        every: the difference between the numbers of two steps.

    Returns:
        How many runs failed.
    """
    for failures, step in enumerate(range(1, 1_000, every)):
        prepare_old_output()
        before = read_output(Path())
        Path("stderr.txt").write_text("")
        exit_code = run_child(
            ["in", "out.npy", "-q", "-c", "minimal", "--force"], partial(fill_disk_from_step, step)
        )
        if exit_code == 3:
            check_output(expected)
            return failures
        lines = [line for line in Path("stderr.txt").read_text().splitlines() if "2b.wav" not in line]
        assert (exit_code, len(lines)) == (1, 1), lines
        assert "No space left on device; free some space and run again" in lines[0]
        assert read_output(Path()) == before
        assert run_child(["in", "out.npy", "-q", "-c", "minimal", "--resume", "--force"]) == 3
        check_output(expected)
    raise AssertionError("every run was interrupted")


def leave_work_when(is_there: Callable[[], bool], name: str, every: int) -> Callable[[], None]:
    """Save the work folder of the first killed run after which `is_there` returns true.

    Args:
        is_there: a function that returns whether the killed run has come far enough.
        name: the name of the folder for the saved work folder.
        every: the difference between the numbers of two steps.

    Returns:
        A function that puts the saved work folder back.
    """
    for step in range(1, 1_000, every):
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


def stop_at_every_point(
    prepare: Callable[[], None], begin_with: str, continue_with: str, expected: Output, points: range
) -> int:
    """Send SIGTERM at the first point, then at the second point, and so on, until a run ends without it.

    After each run, its message is checked, and another run continues it.

    Args:
        prepare: a function that prepares the folder before each run.
        begin_with: more arguments of the run that is stopped.
        continue_with: more arguments of the run that continues it.
        expected: the output of a run without interruption.
        points: the numbers of the points.

    Returns:
        How many runs were stopped.
    """
    command = ["in", "out.npy", "-q", "-c", "minimal"]
    for stops, point in enumerate(points):
        prepare()
        before = read_files()
        Path("stderr.txt").write_text("")
        exit_code = run_child([*command, *begin_with.split()], partial(stop_at_point, point))
        if exit_code != 143:
            assert exit_code == (1 if "stop" in begin_with else 3), f"at point {point}"
            return stops
        lines = [line for line in Path("stderr.txt").read_text().splitlines() if "2b.wav" not in line]
        where = f"at point {point}: {lines}"
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
    """Kill runs at random times, each output up to three times, and return how many runs were killed."""
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
    without_tensorflow.install_fake_network()
    # `LocalPool` is no subclass of the class that it replaces, but it has all methods that a run uses.
    worker_pool.WorkerPool = LocalPool  # type: ignore[assignment,misc]
    work_folder.SYNC_INTERVAL_S = 0.0  # every file is brought to the disk
    write_sounds(LENGTHS)
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    prepare_nothing()
    assert run_child(["in", "out.npy", "-q", "-c", "minimal"]) == 3
    expected = read_output(Path())
    # With a large EVERY, each way begins with another step, so that more steps are tried.
    for number, (prepare, begin_with, continue_with) in enumerate(
        (
            (prepare_nothing, "", "--resume"),
            (prepare_nothing, "", "--force"),
            (prepare_old_output, "--force", "--resume --force"),
            (prepare_old_output, "--update", "--update"),
            (prepare_old_output, "--update", "--resume --force"),
        )
    ):
        steps = range(1 + number * every // 5, 1_000, every)
        kills = kill_at_every_step(prepare, begin_with, continue_with, expected, steps)
        print(json.dumps({f"{prepare.__name__}: {begin_with}, then {continue_with}": kills}), flush=True)
    every_point = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    prepare_begun_work = leave_work_when(lambda: count_finished_files() > 1, "begun", min(every, 4))
    prepare_decided_work = leave_work_when(Path("out.partial/run.json").exists, "decided", min(every, 4))
    for number, (name, prepare, begin_with, continue_with) in enumerate(
        (
            ("decided", prepare_decided_work, "--resume", "--resume"),
            ("fresh", prepare_nothing, "", "--resume"),
            ("fresh", prepare_nothing, "--on-error stop", "--resume"),
            ("old", prepare_old_output, "--update", "--update"),
            ("begun", prepare_begun_work, "--resume", "--resume"),
        )
    ):
        points = range(1 + number * every_point // 5, 1_000_000, every_point) if every_point else range(0)
        stops = stop_at_every_point(prepare, begin_with, continue_with, expected, points) if points else 0
        print(json.dumps({f"SIGTERM: {name}: {begin_with}, then {continue_with}": stops}), flush=True)
    print(json.dumps({"full disk": fill_disk_at_every_step(expected, every)}), flush=True)
    prepare_nothing()
    assert run_child(["in", "out.npy", "-q", "-c", "minimal", "--set", "model.batch=4"]) == 3
    moments = int(sys.argv[4]) if len(sys.argv) > 4 else 40
    print(json.dumps({"random moments": kill_at_random_moments(moments, read_output(Path()))}))
