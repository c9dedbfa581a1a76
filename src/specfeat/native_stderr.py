"""Captures what C++ code writes to stderr while a library is loaded or a network is built.

A library can end the process during this time: TensorFlow calls abort() if the system gives it no thread.
Then the process itself cannot show what the library wrote. Therefore another process,
`specfeat.crash_report`, shows it.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from specfeat.anonymous_file import open_memory_file

MOST_NOTE_BYTES = 10_000  # size of the captured text that is added to an error
_CRASH_REPORT = Path(__file__).with_name("crash_report.py")


class _StderrCapture:
    """The redirection of descriptor 2 to a file without a name, while any thread captures stderr.

    Attributes:
        users: the number of blocks of `capture_native_stderr` that have begun and not ended.
        file: the file with the captured text; None if nothing is captured.
        restore: the stack that restores the descriptor when it is closed, at the end of the last block.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.file: IO[bytes] | None = None
        self.restore = ExitStack()

    def start(self) -> None:
        with self.lock:
            self.users += 1
            if self.users > 1:
                return
            # Where stderr is closed, nothing can reach a terminal. And where the system gives no file or no
            # process, everything stays visible: the library may be about to say what else is missing.
            with contextlib.suppress(OSError), ExitStack() as stack:
                file = stack.enter_context(open_memory_file())
                original = os.dup(2)
                stack.callback(os.close, original)
                stack.enter_context(_report_crash(file))
                os.dup2(file.fileno(), 2)
                stack.callback(os.dup2, original, 2)
                self.file, self.restore = file, stack.pop_all()

    def read_text(self) -> str:
        with self.lock:
            if self.file is None:
                return ""
            return os.pread(self.file.fileno(), MOST_NOTE_BYTES, 0).decode(errors="replace")

    def stop(self) -> None:
        # Only the last block restores the descriptor: an earlier one would show the output of a later one,
        # and a block that restored what it found could leave the file in place for good.
        with self.lock:
            self.users -= 1
            if not self.users:
                self.file = None
                self.restore.close()


@contextmanager
def _report_crash(file: IO[bytes]) -> Iterator[None]:
    """Have the contents of a file shown on stderr if this process ends inside the block.

    Raises:
        OSError: no process can be started that would show them.
    """
    if "python" not in Path(sys.executable or "").name:  # Python is a part of another program
        raise OSError
    # In a session of its own, because Ctrl-C ends all processes of a terminal's session, and this one must be
    # the last.
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_CRASH_REPORT)],
        stdin=subprocess.PIPE,
        stdout=file,
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()


_capture = _StderrCapture()


@contextmanager
def capture_native_stderr() -> Iterator[None]:
    """Keep what C++ code writes to stderr away from the terminal; an error gets it as a note.

    The descriptor belongs to the whole process: what other threads write to stderr inside the block is hidden
    as well. Blocks may be nested and may overlap in several threads. If the process ends inside a block, what
    was written is shown.
    """
    _capture.start()
    try:
        yield
    except BaseException as e:  # Raised again, with the note.
        e.add_note(_capture.read_text())
        raise
    finally:
        _capture.stop()
