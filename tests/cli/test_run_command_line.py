"""`run_command_line`: the command in a program that goes on afterwards."""

import gc
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from helpers import without_tensorflow
from helpers.broken_audio import write_good_file
from specfeat.cli import app, run_command_line


def _list_descriptors() -> dict[str, str]:
    folder = Path("/proc/self/fd")
    links = {}
    for path in folder.iterdir():
        try:
            links[path.name] = str(path.readlink())
        except OSError:  # the descriptor that lists the folder
            continue
    return links


def _describe_process() -> dict[str, Any]:
    """Return what a host program expects to find unchanged."""
    return {
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "environment": dict(os.environ),
        "collector": (gc.isenabled(), gc.get_freeze_count(), gc.get_threshold()),
        "hooks": (sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook, sys.gettrace()),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "descriptors": _list_descriptors(),
        "folder": Path.cwd(),
        "words": list(sys.argv),
        "hidden modules": [name for name, module in dict[str, Any](sys.modules).items() if module is None],
        "random": random.getstate(),
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with one audio file and one that is none."""
    monkeypatch.chdir(tmp_path)
    write_good_file(tmp_path / "a.wav")
    (tmp_path / "bad.wav").write_text("text")
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--version", 0),
        ("--help", 0),
        ("extract --help", 0),
        ("weights fetch", 0),
        ("extract nowhere o.npy", 2),
        ("extract a.wav o.npy -c minimall", 2),
        ("extract a.wav o.npy --no-such", 2),
        ("extract . o.npy --log-json nowhere/log", 1),
        ("weights show nowhere.h5", 2),
    ],
)
def test_the_process_is_as_before(words: str, code: int, capfd: pytest.CaptureFixture[str]) -> None:
    """Signals, environment, collector, hooks and descriptors are the caller's own after any command line."""
    run_command_line(words.split())  # modules may open files when they are loaded
    before = _describe_process()

    assert run_command_line(words.split()) == code
    assert _describe_process() == before
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_the_process_is_as_before_an_extraction(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Workers, lock, journal and collector leave nothing behind; the network is a small one without TensorFlow."""
    without_tensorflow.install_fake_network(monkeypatch.setitem)
    words = ["extract", "a.wav", "bad.wav", "o.npy", "-c", "minimal", "-q", "--workers", "1", "--force"]
    run_command_line(words)
    before = _describe_process()

    assert run_command_line(words) == 3
    assert _describe_process() == before
    assert capfd.readouterr().err.count("bad.wav: is not audio") == 2


@pytest.mark.tf
@pytest.mark.usefixtures("folder")
def test_the_process_is_as_before_an_extraction_with_tensorflow() -> None:
    """What TensorFlow changes when it is loaded remains; a run with a loaded TensorFlow changes nothing."""
    words = ["extract", "a.wav", "o.npy", "-c", "minimal", "-q", "--force"]
    run_command_line(words)
    before = _describe_process()

    assert run_command_line(words) == 0
    assert _describe_process() == before


def test_a_bug_is_raised_and_nothing_stays_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that the user cannot repair keeps its type and its traceback."""

    def get_broken_command(_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "get_command", get_broken_command)
    before = _describe_process()

    with pytest.raises(ZeroDivisionError):
        run_command_line([])
    assert _describe_process() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_command_and_not_the_program(
    number: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The exit code is that of a stopped program; the caller's handler is back and has not been called."""

    class Command:
        def main(self, *_: object, **__: object) -> None:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(app, "get_command", lambda _: Command())
    calls: list[int] = []
    previous = signal.signal(number, lambda number, _: calls.append(number))
    try:
        before = _describe_process()
        code = run_command_line([])
        assert _describe_process() == before
    finally:
        signal.signal(number, previous)

    assert (code, calls) == (128 + number, [])
    assert (
        capfd.readouterr().err == f"specfeat: stopped by {signal.Signals(number).name}; nothing is written\n"
    )


def test_another_thread_may_run_a_command(capfd: pytest.CaptureFixture[str]) -> None:
    """Python sets signal handlers in the main thread only, so another thread runs without them."""
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(run_command_line(["--version"])))
    before = _describe_process()
    thread.start()
    thread.join(timeout=60)

    assert codes == [0]
    assert capfd.readouterr().out.startswith("specfeat ")
    assert _describe_process() == before


@pytest.mark.slow
def test_the_console_script_ignores_signals_on_its_way_out() -> None:
    """A signal after the work does not turn a finished run into one that was stopped."""
    program = (
        "import os, signal, sys; from specfeat.cli import main; sys.argv = ['specfeat', '--version']; code = main();"
        "[os.kill(os.getpid(), number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
