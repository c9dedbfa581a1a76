"""Signals that stop a command, wherever they come."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.specfeat_command import SPECFEAT, run_program, write_noise
from helpers.waiting import DEADLINE_S, wait_until
from specfeat.cli.signals import (
    StoppedBySignal,
    handle_stop_signal,
    keep_signal_handlers,
    raise_pending_signal,
    restore_signal_error,
    set_run_state_describer,
    stop_on_signals,
)
from specfeat.errors import InstallError

# Sends SIGTERM while Python is inside a library that does not pass the exception on.
SEND_SIGNAL_INSIDE_LIBRARY = """
import os, signal, sys
import importlib._bootstrap, specfeat.config.settings
from specfeat.cli import main

library = sys.argv.pop(1)
sent = []

def is_inside_library(name):
    if library == "pydantic":
        return name == "dump_layers"
    return name.endswith("<locals>.cb") and "tensorflow" in sys.modules  # the callback of a weak reference

def profile(frame, event, _):
    if event == "call" and not sent and is_inside_library(frame.f_code.co_qualname):
        sent.append(frame)
        os.kill(os.getpid(), signal.SIGTERM)

sys.setprofile(profile)
code = main()
print(code, len(sent))
"""


@pytest.fixture
def _stoppable() -> Iterator[None]:
    """Answer stop signals during the test, as a command does."""
    with keep_signal_handlers(), stop_on_signals():
        yield


@pytest.mark.tf
@pytest.mark.parametrize("library", ["pydantic", "callback"])
def test_a_signal_that_gets_lost_in_a_library_stops_the_run(tmp_path: Path, library: str) -> None:
    """Pydantic raises another error, and a callback of a weak reference raises none; the run stops in both cases."""
    write_noise(tmp_path / "a.wav", 0.5)
    run = run_program(
        tmp_path,
        *(sys.executable, "-c", SEND_SIGNAL_INSIDE_LIBRARY, library),
        *("extract", "a.wav", "o.npy", "-c", "minimal", "-q"),
    )

    assert run.stdout.split() == ["143", "1"]
    assert run.stderr == "specfeat: stopped by SIGTERM; nothing is written\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.tf
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_early_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    """Ctrl-C and SIGTERM end a run long before its file is done, without a traceback and without a file."""
    soundfile.write(tmp_path / "long.wav", np.zeros(600 * 16_000, np.int16), 16_000)
    (tmp_path / "out").mkdir()
    command = [*SPECFEAT, "extract", "long.wav", "out/o.npy", "-c", "yamnet", "-q"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: list((tmp_path / "out").iterdir()), process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == code
    assert stderr.count("\n") == 1
    assert "nothing is written" in stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.usefixtures("_stoppable")
@pytest.mark.parametrize("error_type", [ImportError, InstallError])
def test_an_error_after_a_signal_is_the_signal(error_type: type[Exception]) -> None:
    """An import that a signal interrupts reports a missing package; the user hears of the signal."""

    def import_interrupted() -> None:
        try:
            handle_stop_signal(signal.SIGINT, None)
        finally:
            raise error_type("To use Keras, you need to have `optree` installed")

    with pytest.raises(StoppedBySignal, match="SIGINT; nothing is written"), restore_signal_error():
        import_interrupted()


@pytest.mark.usefixtures("_stoppable")
@pytest.mark.parametrize("error_type", [ImportError, InstallError])
def test_an_error_without_a_signal_is_that_error(error_type: type[Exception]) -> None:
    """Without a signal, a missing package is what it seems."""
    with pytest.raises(error_type), restore_signal_error():
        raise error_type("To use Keras, you need to have `optree` installed")


@pytest.mark.usefixtures("_stoppable")
def test_a_second_signal_does_nothing() -> None:
    """Only the first signal raises: later ones come while finished files are brought to the disk."""
    with pytest.raises(StoppedBySignal, match="SIGINT; nothing is written"):
        handle_stop_signal(signal.SIGINT, None)
    handle_stop_signal(signal.SIGTERM, None)


@pytest.mark.usefixtures("_stoppable")
def test_a_signal_that_got_lost_is_raised_again() -> None:
    """Whatever has caught the exception, the next event of the run raises it."""
    raise_pending_signal()
    with pytest.raises(StoppedBySignal):
        handle_stop_signal(signal.SIGTERM, None)
    with pytest.raises(StoppedBySignal, match="SIGTERM"):
        raise_pending_signal()


def test_what_is_written_is_described_when_it_is_asked_for() -> None:
    """A commit that ends after the signal is told, even when the command has ended."""
    written: list[str] = []
    with keep_signal_handlers(), stop_on_signals():
        set_run_state_describer(lambda: ", ".join(written))
        with pytest.raises(StoppedBySignal) as caught:
            handle_stop_signal(signal.SIGTERM, None)
        written.append("out.npy is complete")

    assert str(caught.value) == "stopped by SIGTERM; out.npy is complete"


def test_outside_a_command_a_stop_signal_does_nothing() -> None:
    """A signal that is answered when the command has ended finds nothing to stop."""
    handle_stop_signal(signal.SIGTERM, None)
    raise_pending_signal()
