"""Interrupts a program at a chosen one of the points at which Python can handle a signal.

These points are the instructions after calls, and the beginnings of functions and loops. A test that tries all
points of a block finds errors that a signal at a random time would find once in a million runs.
"""

import dis
import sys
from collections.abc import Callable
from functools import cache
from itertools import count, pairwise
from types import CodeType, FrameType, TracebackType
from typing import Any, NoReturn

CALLS = ("CALL", "CALL_KW", "CALL_FUNCTION_EX", "RESUME")


def call_at_point(
    number: int, sources: str, action: Callable[[], object], condition: Callable[[], bool] = lambda: True
) -> None:
    """Call a function once, when this thread reaches the `number`-th point from now on.

    Args:
        number: the number of the point, counted from 1.
        sources: the beginning of the paths of the source files whose points are counted.
        action: the function that is called. If it raises an error, the error appears at the point. The tracing
            is switched off before the call.
        condition: a function that returns whether a point is counted, at the time when it is reached.
    """
    points = count(1)

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if not frame.f_code.co_filename.startswith(sources):
            return None
        frame.f_trace_opcodes = True
        is_point = event == "opcode" and frame.f_lasti in _find_points(frame.f_code)
        if is_point and condition() and next(points) == number:
            sys.settrace(None)
            action()
        return trace

    sys._getframe().f_trace_opcodes = True  # in Python 3.12, tracing of opcodes must be on before settrace
    sys.settrace(trace)


class InterruptionAtPoint:
    """A `with` block that Ctrl-C interrupts at the `number`-th point in it.

    The KeyboardInterrupt ends at the end of the block.

    Args:
        number: the number of the point, counted from 1.
        sources: the beginning of the paths of the source files whose points are counted.

    Attributes:
        was_interrupted: whether the block was interrupted; False if it has fewer points.
    """

    was_interrupted = False

    def __init__(self, number: int, sources: str) -> None:
        self._number, self._sources = number, sources

    def _interrupt(self) -> NoReturn:
        self.was_interrupted = True
        raise KeyboardInterrupt

    def __enter__(self) -> "InterruptionAtPoint":
        self._tracing = sys.gettrace()
        call_at_point(self._number, self._sources, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        sys.settrace(self._tracing)
        return kind is KeyboardInterrupt


@cache
def _find_points(code: CodeType) -> set[int]:
    """Return the offsets of the instructions before which Python can handle a signal."""
    instructions = list(dis.get_instructions(code))
    points = {after.offset for before, after in pairwise(instructions) if before.opname in CALLS}
    if code.co_name == "__exit__":
        # No program can be safe against a signal at the beginning of `__exit__`, so this point does not count.
        points.remove(
            next(after.offset for before, after in pairwise(instructions) if before.opname == "RESUME")
        )
    return points | {jump.offset for jump in instructions if jump.opname == "JUMP_BACKWARD"}
