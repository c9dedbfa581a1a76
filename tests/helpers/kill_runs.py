"""Ends a run everywhere; another one goes on, and is compared with one that was left alone.

    PYTHONPATH=tests python -m helpers.kill_runs FOLDER [EVERY [EVERY_PLACE]]

It is killed, or the disk is full, at every step that touches the disk; and SIGTERM comes wherever Python may answer it.

Each run is a child of this process, forked when all is loaded, so that a kill and what comes after it take
hundredths of a second; the network is the one of `without_tensorflow`, and files are decoded in the process itself. All else is
the real command. With EVERY, only each so many'th step is tried; with EVERY_PLACE, each so many'th place for SIGTERM,
0 for none: there are 10,000. Prints how many were ended, for each way of beginning and of going on.
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
    """Decodes in this process, when a track is iterated."""

    def __init__(self, settings: Settings, workers: int, **_: object) -> None:
        self._maker = ClipMaker(settings)

    def stream_clips(self, sounds: Sequence[Sound]) -> Iterator[LocalClipStream]:
        """Return the files' tracks in order."""
        return (
            LocalClipStream(s, self._maker, partial(decode.read_samples, s, self._maker.settings.audio))
            for s in sounds
        )

    def __enter__(self) -> "LocalPool":
        return self

    def __exit__(self, *error: object) -> None:
        pass


def killing_at(number: int) -> None:
    """Have this process killed at the `number`-th step that touches the disk; a write is half done by then."""
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


def full_from(number: int) -> None:
    """Have the disk full from the `number`-th step on that needs room there."""
    steps = iter(range(1, 1_000_000))

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if next(steps) >= number:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **options)

        return step

    for name in ("pwrite", "fsync"):
        setattr(os, name, wrap(getattr(os, name)))


def killing_after(seconds: float) -> None:
    """Have this process killed in so many seconds, wherever it is then."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()


def stopping_at(number: int) -> None:
    """Have this process get SIGTERM at the `number`-th place of specfeat where Python may answer it.

    And again and again from then on, as of somebody who cannot wait.
    """
    send = partial(os.kill, os.getpid(), signal.SIGTERM)

    def again() -> None:
        while True:
            send()
            time.sleep(0.0002)

    def answer() -> None:
        threading.Thread(target=again, daemon=True).start()
        send()

    at_place(number, PACKAGE, answer, lambda: signal.getsignal(signal.SIGTERM) is handle_stop_signal)


def child(arguments: Sequence[str], before: Callable[[], None] = lambda: None) -> int:
    """Run the command in a child; return its exit code, or minus the signal that ended it."""
    process = os.fork()
    if not process:
        try:
            os.dup2(os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
            sys.argv = ["specfeat", "extract", *arguments]
            before()
            os._exit(main())
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


Result = tuple[bytes, bytes, dict[str, Any]]


def result(output: str = "out") -> Result:
    """Return array, index, and the record without its times and its command."""
    record = json.loads(Path(f"{output}.run.json").read_text())
    for name in ("started", "seconds", "build_seconds", "command"):
        del record[name]
    for entry in record["files"]:
        del entry["seconds"]
    return Path(f"{output}.npy").read_bytes(), Path(f"{output}.index.csv").read_bytes(), record


def sounds(lengths: Sequence[float], folder: str = "in") -> None:
    """Make the inputs."""
    Path(folder).mkdir(exist_ok=True)
    for k, seconds in enumerate(lengths):
        noise = np.random.default_rng(k).normal(size=round(seconds * 16_000)) / 10
        soundfile.write(f"{folder}/{k}.wav", noise, 16_000)
    Path(folder, "2b.wav").write_text("no sound")


def clear(output: str = "out") -> None:
    """Remove an output, and what was left of it."""
    for path in Path().glob(f"{output}.*"):
        if path.is_dir():
            for inner in path.iterdir():
                inner.unlink()
            path.rmdir()
        else:
            path.unlink()


def check(wanted: Result) -> None:
    """What is there is the output, and nothing else is."""
    assert result() == wanted
    assert sorted(p.name for p in Path().glob("out*")) == ["out.index.csv", "out.npy", "out.run.json"]


def fresh() -> None:
    """Nothing is there."""
    clear()


def old() -> None:
    """An output of other files is there, some of which are the same now."""
    clear()
    for path in ("in/0.wav", "in/3.wav"):
        Path(path).rename(f"{path}.away")
    assert child(["in", "out.npy", "-q", "-c", "minimal", "--force"]) == 3
    for path in ("in/0.wav", "in/3.wav"):
        Path(f"{path}.away").rename(path)


def everywhere(prepare: Callable[[], None], begin: str, go_on: str, wanted: Result, every: int = 1) -> int:
    """Kill at every step in turn, until one run comes through; return how many were killed."""
    command = ["in", "out.npy", "-q", "-c", "minimal"]
    for kills, step in enumerate(range(1, 1_000, every)):
        prepare()
        before = Path("out.npy").read_bytes() if Path("out.npy").exists() else None
        ended = child([*command, *begin.split()], partial(killing_at, step))
        if ended != -signal.SIGKILL:
            assert ended == 3
            check(wanted)
            return kills
        assert not Path("out.npy").exists() or Path("out.npy").read_bytes() in (before, wanted[0])
        assert child([*command, *go_on.split()]) == 3, f"after step {step}"
        check(wanted)
    raise AssertionError("no run came through")


def out_of_disk(wanted: Result, every: int) -> int:
    """Have the disk be full from each step on; return how many runs that ended."""
    for fails, step in enumerate(range(1, 1_000, every)):
        old()
        before = result()
        Path("said.txt").write_text("")
        ended = child(["in", "out.npy", "-q", "-c", "minimal", "--force"], partial(full_from, step))
        if ended == 3:
            check(wanted)
            return fails
        said = [line for line in Path("said.txt").read_text().splitlines() if "2b.wav" not in line]
        assert (ended, len(said)) == (1, 1), said
        assert "No space left on device; free some space and run again" in said[0]
        assert result() == before
        assert child(["in", "out.npy", "-q", "-c", "minimal", "--resume", "--force"]) == 3
        check(wanted)
    raise AssertionError("no run came through")


def left_when(there: Callable[[], bool], name: str) -> Callable[[], None]:
    """Return what puts back what the first kill leaves behind which `there` is true."""
    for step in range(1, 1_000):
        fresh()
        assert child(["in", "out.npy", "-q", "-c", "minimal"], partial(killing_at, step)) == -signal.SIGKILL
        if there():
            break
    shutil.copytree("out.partial", name)

    def put_back() -> None:
        fresh()
        shutil.copytree(name, "out.partial")

    return put_back


def finished() -> int:
    """Return how many files a journal speaks of."""
    journal = Path("out.partial/journal")
    return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0


def stopped(prepare: Callable[[], None], begin: str, go_on: str, wanted: Result, every: int) -> int:
    """Send SIGTERM everywhere in turn; what is said is what is there, and a run that goes on makes it whole."""
    command = ["in", "out.npy", "-q", "-c", "minimal"]
    for stops, place in enumerate(range(1, 1_000_000, every)):
        prepare()
        before = there()
        Path("said.txt").write_text("")
        ended = child([*command, *begin.split()], partial(stopping_at, place))
        if ended != 143:
            assert ended == (1 if "stop" in begin else 3), f"at place {place}"
            return stops
        said = [line for line in Path("said.txt").read_text().splitlines() if "2b.wav" not in line]
        where = f"at place {place}: {said}"
        assert len(said) == 1 or (len(said) == 2 and "so the run stops" in said[0]), where
        _, _, outcome = said[-1].partition("stopped by SIGTERM; ")
        if outcome == "out.npy is complete":
            check(wanted)
            continue
        assert there()["out.npy"] == before["out.npy"], where
        if outcome == "nothing is written":
            assert there() == before, where
        else:
            assert outcome.startswith(f"{finished()} finished file"), where
        assert child([*command, *go_on.split()]) == 3, where
        check(wanted)
    raise AssertionError("no run came through")


def there() -> dict[str, bytes | None]:
    """Return the files of an output and of its work folder, but for the lock's, which names a process."""
    paths = [Path("out.npy"), *Path().glob("out.*"), *Path("out.partial").glob("*")]
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths if path.name != "lock"}


def at_random(times: int, wanted: Result) -> int:
    """Kill at random moments, up to three times in one run; return how many kills there were."""
    chance, kills = random.Random(0), 0
    os.environ["FAKE_NETWORK_PAUSE_S"] = "0.02"
    while kills < times:
        clear()
        for _ in range(3):
            ended = child(
                ["in", "out.npy", "-q", "-c", "minimal", "--set", "model.batch=4", "--resume"],
                partial(killing_after, chance.uniform(0, 0.25)),
            )
            assert ended in (-signal.SIGKILL, 3)
            kills += ended == -signal.SIGKILL
        assert child(["in", "out.npy", "-q", "-c", "minimal", "--set", "model.batch=4", "--resume"]) == 3
        check(wanted)
    os.environ["FAKE_NETWORK_PAUSE_S"] = "0"
    return kills


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    without_tensorflow.install()
    worker_pool.WorkerPool = LocalPool  # type: ignore[assignment,misc]  # it does what the command asks of one
    work_folder.SYNC_INTERVAL_S = 0.0  # every file is brought to the disk
    sounds(LENGTHS)
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    fresh()
    assert child(["in", "out.npy", "-q", "-c", "minimal"]) == 3
    wanted = result()
    for prepare, begin, go_on in (
        (fresh, "", "--resume"),
        (fresh, "", "--force"),
        (old, "--force", "--resume --force"),
        (old, "--update", "--update"),
        (old, "--update", "--resume --force"),
    ):
        kills = everywhere(prepare, begin, go_on, wanted, every)
        print(json.dumps({f"{prepare.__name__}: {begin}, then {go_on}": kills}), flush=True)
    every_place = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    begun = left_when(lambda: finished() > 1, "begun")
    decided = left_when(Path("out.partial/run.json").exists, "decided")
    for what, prepare, begin, go_on in (
        ("fresh", fresh, "", "--resume"),
        ("fresh", fresh, "--on-error stop", "--resume"),
        ("old", old, "--update", "--update"),
        ("begun", begun, "--resume", "--resume"),
        ("decided", decided, "--resume", "--resume"),
    ):
        stops = stopped(prepare, begin, go_on, wanted, every_place) if every_place else 0
        print(json.dumps({f"SIGTERM: {what}: {begin}, then {go_on}": stops}), flush=True)
    print(json.dumps({"full disk": out_of_disk(wanted, every)}), flush=True)
    fresh()
    assert child(["in", "out.npy", "-q", "-c", "minimal", "--set", "model.batch=4"]) == 3
    print(json.dumps({"random moments": at_random(40, result())}))
