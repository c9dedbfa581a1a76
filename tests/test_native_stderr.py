"""What libraries write to stderr while TensorFlow is loaded: hidden, and shown if the process dies."""

import os
import signal
import subprocess
import sys

import pytest

from specfeat.native_stderr import MOST_NOTE_BYTES, capture_native_stderr

START = "import ctypes, os\nfrom specfeat.native_stderr import capture_native_stderr\n"
SENTENCE = "a library has ended the process while TensorFlow was loaded or the network was built"


def _run_python(code: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", START + code],
        **{"capture_output": True, "text": True, "check": False, "timeout": 60, **options},
    )


@pytest.mark.parametrize(
    ("end", "number"),
    [("os.abort()", signal.SIGABRT), ("ctypes.string_at(0)", signal.SIGSEGV)],
    ids=["abort", "segfault"],
)
def test_what_a_library_wrote_before_it_ended_the_process_is_shown(end: str, number: int) -> None:
    """The reason stands on stderr, then a sentence; the process ends by the same signal as without the capture."""
    code = f"with capture_native_stderr(), capture_native_stderr():\n    os.write(2, b'no thread');{end}"
    result = _run_python(code)

    assert result.returncode == -number
    reason, sentence = result.stderr.splitlines()
    assert reason == "no thread"
    assert sentence.startswith("specfeat: ")
    assert SENTENCE in sentence


def test_nothing_is_shown_of_a_process_that_goes_on() -> None:
    """What is written inside is hidden, what comes after it is not; no process is left behind."""
    code = """
with capture_native_stderr():
    os.write(2, b"inside")
os.write(2, b"after")
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    os.write(1, b"no child")
"""
    result = _run_python(code)

    assert (result.returncode, result.stdout, result.stderr) == (0, "no child", "after")


def test_a_killed_process_shows_nothing_if_nothing_was_written() -> None:
    """The user who kills a run that loads TensorFlow is told nothing wrong."""
    result = _run_python("with capture_native_stderr():\n    os.kill(os.getpid(), 9)")

    assert (result.returncode, result.stderr) == (-signal.SIGKILL, "")


@pytest.mark.parametrize(
    "shortage",
    [
        "import subprocess\ndef refuse(*a, **k): raise BlockingIOError(11, 'no process')\nsubprocess.Popen = refuse",
        "import tempfile\ndef refuse(*a, **k): raise OSError(28, 'no file')\nos.memfd_create = tempfile.TemporaryFile = refuse",
        "import sys\nsys.executable = '/usr/bin/another_program'",
    ],
    ids=["process", "file", "embedded"],
)
def test_nothing_is_hidden_that_could_not_be_shown(shortage: str) -> None:
    """Where the reason of a crash could not be shown, stderr is not captured."""
    result = _run_python(f"{shortage}\nwith capture_native_stderr():\n    os.write(2, b'visible')")

    assert (result.returncode, result.stderr) == (0, "visible")


def test_an_error_gets_what_was_written_as_a_note(capfd: pytest.CaptureFixture[str]) -> None:
    """The note has the beginning of what was written, and the terminal nothing."""

    def fail() -> None:
        os.write(2, b"x" * (MOST_NOTE_BYTES + 1))
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong") as caught, capture_native_stderr():
        fail()

    assert caught.value.__notes__ == ["x" * MOST_NOTE_BYTES]
    assert capfd.readouterr().err == ""


def test_closed_stderr_stays_closed() -> None:
    """A process without stderr gets none."""
    code = """
os.close(2)
with capture_native_stderr():
    pass
try:
    os.fstat(2)
except OSError:
    os.write(1, b"closed")
"""
    assert _run_python(code).stdout == "closed"
