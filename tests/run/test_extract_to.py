"""`extract_to`: the command's output from a Python program, which stays as it was."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from helpers.command_runs import FILE_COUNT, OUTPUT_NAMES, list_outputs, read_output, run_extract
from helpers.without_tensorflow import FakeNetwork
from specfeat import RunSummary, SpecfeatError, UsageError, extract_to
from specfeat.events import SoundEndEvent
from specfeat.run.listener import SilentListener

pytestmark = pytest.mark.slow

OPTIONS: dict[str, Any] = {"config": "minimal", "workers": 1}


@pytest.fixture(autouse=True)
def network_without_tensorflow(monkeypatch: pytest.MonkeyPatch, sound_folder: Path) -> None:
    """Have runs take the network that needs no TensorFlow, in the folder of the inputs."""
    module: Any = ModuleType("specfeat.network.build")
    module.build_network = lambda config, *_: FakeNetwork(config)
    monkeypatch.setitem(sys.modules, "specfeat.network.build", module)
    monkeypatch.chdir(sound_folder)


def _list_children() -> list[str]:
    """List the processes that this one has started and that still run."""
    tasks = Path("/proc/self/task").iterdir()
    children: list[str] = []
    for task in tasks:
        with contextlib.suppress(FileNotFoundError):  # a thread that has ended meanwhile
            children += (task / "children").read_text().split()
    command = ["ps", "-o", "args=", "-p", ",".join(children)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def _worker_count() -> int:
    return sum("specfeat.audio" in command for command in _list_children())


class Interrupter(SilentListener):
    """Raises an exception when so many sounds have ended."""

    def __init__(self, exception: BaseException, sounds: int) -> None:
        self.workers = 0
        self._exception = exception
        self._sounds = sounds

    def on_sound_end(self, event: SoundEndEvent) -> None:
        self.workers = max(self.workers, _worker_count())
        self._sounds -= 1
        if not self._sounds:
            raise self._exception


def test_the_output_is_the_commands(sound_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Array, index and record have the same bytes, but for what the record says of the command and of times."""
    (sound_folder / "in/05.wav").write_text("no sound")
    assert run_extract(sound_folder, "in", "out.npy").returncode == 3
    expected = read_output(sound_folder)
    summary = extract_to("in", "python.npy", **OPTIONS)

    assert read_output(sound_folder, "python") == expected
    assert (summary.files, summary.failed) == (FILE_COUNT, 1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("exception", [RuntimeError("a mistake"), KeyboardInterrupt()], ids=repr)
def test_a_run_that_ends_early_is_continued(sound_folder: Path, exception: BaseException) -> None:
    """The workers are gone, the finished files are kept, and to resume gives the bytes of an unbroken run."""
    extract_to("in", "unbroken.npy", **OPTIONS)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    listener = Interrupter(exception, 3)
    with pytest.raises(type(exception)) as caught:
        extract_to("in", "out.npy", listener=listener, **OPTIONS)
    workers = _worker_count()
    names = list_outputs(sound_folder)
    with pytest.raises(UsageError, match=r"3 finished files of an unfinished run; pass resume=True"):
        extract_to("in", "out.npy", **OPTIONS)
    resumed = run_extract(sound_folder, "in", "out.npy", "--resume")

    assert (listener.workers, workers) == (1, 0)
    assert names == ["out.partial"]
    assert caught.value.__notes__ == ["3 finished files are kept in out.partial; continue with resume=True"]
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert read_output(sound_folder) == read_output(sound_folder, "unbroken")
    assert {number: signal.getsignal(number) for number in handlers} == handlers


def test_a_complete_output_is_found(sound_folder: Path) -> None:
    """With nothing to do, nothing is written and no network is built; what the output holds is returned."""
    first = extract_to(sound_folder / "in", sound_folder / "out.npy", **OPTIONS)
    times = {path: path.stat().st_mtime_ns for path in sound_folder.glob("out*")}
    sys.modules["specfeat.network.build"] = ModuleType("empty")
    second = extract_to([sound_folder / "in"], sound_folder / "out.npy", resume=True, **OPTIONS)

    assert isinstance(second, RunSummary)
    assert (second.files, second.rows, second.width) == (first.files, first.rows, first.width)
    assert {path: path.stat().st_mtime_ns for path in sound_folder.glob("out*")} == times
    assert list_outputs(sound_folder) == OUTPUT_NAMES


def test_errors_name_arguments_and_no_options(sound_folder: Path) -> None:
    """What would help is said in the words of the function."""
    extract_to("in/00.wav", "out.npy", **OPTIONS)
    calls: dict[str, dict[str, Any]] = {
        "update=True": {},
        "pass force=True to recompute everything": {"update": True, "overrides": ["clips.hop=14"]},
        "pass resume=True or update=True": {"retry_failed": True},
        "on_error is 'raise'; wanted 'skip' or 'stop'": {"on_error": "raise"},
        "the limit of failures is 'few'": {"max_failures": "few"},
        "workers is 0; it must be 1 or more": {"workers": 0},
    }
    for sentence, arguments in calls.items():
        with pytest.raises(UsageError) as caught:
            extract_to("in", "out.npy", **{**OPTIONS, **arguments})
        assert sentence in str(caught.value)
        assert "--" not in str(caught.value)
    (sound_folder / "in/00.wav").write_text("no sound")
    with pytest.raises(SpecfeatError, match=r"so the run stops.*pass on_error='skip'"):
        extract_to("in", "other.npy", on_error="stop", **OPTIONS)


def test_random_weights_are_told() -> None:
    """The warning names the line of the caller."""
    with pytest.warns(UserWarning, match=r"the network's weights are random \(seed 0\)") as warned:
        extract_to("in/00.wav", "out.npy", **OPTIONS)

    assert warned[0].filename == __file__


class Recorder(SilentListener):
    """Keeps the names of the calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_plan(self, *_: object) -> None:
        self.calls.append("plan")

    def on_network(self, *_: object) -> None:
        self.calls.append("network")

    def on_sound_end(self, *_: object) -> None:
        self.calls.append("end")

    def on_output(self, *_: object, is_new: bool) -> None:
        self.calls.append(f"output, new: {is_new}")


def test_a_listener_hears_the_steps_in_order() -> None:
    """Plan, network, each file, output."""
    recorder, second_recorder = Recorder(), Recorder()
    extract_to(["in/00.wav", "in/01.wav"], "out.npy", listener=recorder, **OPTIONS)
    extract_to(["in/00.wav", "in/01.wav"], "out.npy", listener=second_recorder, resume=True, **OPTIONS)

    assert recorder.calls == ["plan", "network", "end", "end", "output, new: True"]
    assert second_recorder.calls == ["plan", "output, new: False"]
