"""Waits until something has happened, with a deadline, instead of sleeping for a fixed time."""

import subprocess
import time
from collections.abc import Callable

# Seconds; long enough for a machine that has ten times as many running processes as cores.
DEADLINE_S = 240


def wait_until(
    condition: Callable[[], object],
    process: subprocess.Popen[str] | subprocess.Popen[bytes] | None = None,
    deadline_s: float = DEADLINE_S,
) -> None:
    """Wait until a condition is true.

    The test fails if the condition is not true in time, or if a process ends before it is true.

    Args:
        condition: a function that is called again and again until it returns a true value.
        process: the process that makes the condition true; None if it is this process.
        deadline_s: the longest time to wait, in seconds.
    """
    deadline = time.monotonic() + deadline_s
    while not condition():
        # The condition is checked again after the end, because the last action of the process may have made it true.
        if process is not None and process.poll() is not None and not condition():
            output = process.stderr.read() if process.stderr else ""
            raise AssertionError(f"the process ended too early: exit code {process.returncode}; {output!r}")
        assert time.monotonic() < deadline, f"the condition was not true after {deadline_s:g} s"
        time.sleep(0.005)
