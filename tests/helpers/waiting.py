"""Waiting for an event, with a deadline, instead of for a time."""

import subprocess
import time
from collections.abc import Callable

# Long enough for a machine with ten times as much work as it has cores.
DEADLINE_S = 240


def wait_until(
    condition: Callable[[], object],
    process: subprocess.Popen[str] | subprocess.Popen[bytes] | None = None,
    deadline_s: float = DEADLINE_S,
) -> None:
    """Wait until a condition is true; fail if it does not become true in time, or if a process ends before.

    Args:
        condition: is asked again and again; it must be true in the end.
        process: the process that makes the condition true; None if it is this one.
        deadline_s: how many seconds to wait at most.
    """
    deadline = time.monotonic() + deadline_s
    while not condition():
        # Asked once more after its end: the process may have made it true in its last moment.
        if process is not None and process.poll() is not None and not condition():
            output = process.stderr.read() if process.stderr else ""
            raise AssertionError(f"the process ended before: exit code {process.returncode}; {output!r}")
        assert time.monotonic() < deadline, f"waited {deadline_s:g} s in vain"
        time.sleep(0.005)
