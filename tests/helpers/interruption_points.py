"""The places of a program where Python may answer a signal: behind calls, and where functions and loops begin."""

import dis
import sys
from collections.abc import Callable
from functools import cache
from itertools import count, pairwise
from types import CodeType, FrameType, TracebackType
from typing import Any, NoReturn

CALLS = ("CALL", "CALL_KW", "CALL_FUNCTION_EX", "RESUME")


def at_place(
    number: int, sources: str, answer: Callable[[], object], when: Callable[[], bool] = lambda: True
) -> None:
    """Have `answer` called once, at the `number`-th place that this thread comes to from now on.

    Args:
        number: counts from 1.
        sources: what the names of the sources begin with whose places count.
        answer: an error of it comes up at the place; `sys.settrace` knows nothing of it any more then.
        when: places count that are come to when this is true.
    """
    places = count(1)

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if not frame.f_code.co_filename.startswith(sources):
            return None
        frame.f_trace_opcodes = True
        is_place = event == "opcode" and frame.f_lasti in _places(frame.f_code)
        if is_place and when() and next(places) == number:
            sys.settrace(None)
            answer()
        return trace

    sys._getframe().f_trace_opcodes = True  # Python 3.12 sends no opcodes that nobody wanted before
    sys.settrace(trace)


class Interrupted:
    """Has Ctrl-C come at the `number`-th place of a `with` block, and ends there.

    Attributes:
        came: whether the block has so many places.
    """

    came = False

    def __init__(self, number: int, sources: str) -> None:
        self._number, self._sources = number, sources

    def _come(self) -> NoReturn:
        self.came = True
        raise KeyboardInterrupt

    def __enter__(self) -> "Interrupted":
        self._tracing = sys.gettrace()
        at_place(self._number, self._sources, self._come)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        sys.settrace(self._tracing)
        return kind is KeyboardInterrupt


@cache
def _places(code: CodeType) -> set[int]:
    instructions = list(dis.get_instructions(code))
    behind = {one.offset for before, one in pairwise(instructions) if before.opname in CALLS}
    if code.co_name == "__exit__":  # nothing can guard the instant between a `with` block and what ends it
        behind.remove(next(one.offset for before, one in pairwise(instructions) if before.opname == "RESUME"))
    return behind | {one.offset for one in instructions if one.opname == "JUMP_BACKWARD"}
