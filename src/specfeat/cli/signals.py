"""Stops a command when one of the stop signals comes: SIGINT (Ctrl-C), SIGTERM or SIGHUP.

    first signal    `handle_stop_signal` stores its number, and raises `StoppedBySignal` in the main thread;
                    then `finally` and `__exit__` blocks save the finished sounds to the disk;
                    then the outermost call prints "stopped by SIGTERM; ..." and returns 128 + number
    later signals   are ignored, so that they cannot interrupt the saving
    after the work  the signals are ignored

The exception is raised at once, because the main thread may be inside a library call that takes minutes.
Python raises it between any two instructions, also inside a library. So it can get lost there:

- A library catches it and raises another error: pydantic does so, and an interrupted import looks like a
  missing package. `restore_signal_error` replaces any error that its block raises by the signal.
- Python discards it, with a warning, if it is raised in a callback that must not fail (a weak reference,
  `__del__`). `raise_pending_signal`, which a run calls often, raises it again.

`StoppedBySignal` is not an `Exception`, so that `except Exception` does not catch it. It is not a
`KeyboardInterrupt`, because Typer would catch that and exit without a message.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Whether a stop signal has come.

    Attributes:
        number: the number of the first signal; None if none has come.
        describe_state: a function that returns what the command has written so far; "" if nothing.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.describe_state: Callable[[], str] = lambda: ""


# The request of the command that runs; None outside `stop_on_signals`. It is a module variable, because
# Python calls a signal handler without any argument of ours.
_request: StopRequest | None = None


class StoppedBySignal(BaseException):
    """A signal has asked the command to stop.

    Args:
        number: the number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self._request = _request

    def __str__(self) -> str:
        """Return which signal came, and what the command has written until now.

        The state is read late, because sounds may still be finished after the signal.
        """
        state = self._request.describe_state() if self._request else ""
        return f"stopped by {signal.Signals(self.number).name}; {state or 'nothing is written'}"


def handle_stop_signal(number: int, _frame: object) -> None:
    """Raise `StoppedBySignal` for the first stop signal; do nothing for later ones."""
    if _request is None or _request.number is not None:
        return
    _request.number = number
    raise StoppedBySignal(number)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[None]:
    """Make stop signals raise `StoppedBySignal` inside the block, and ignore them from its end on.

    They are ignored afterwards, because a signal after the work would make a finished run look stopped; see
    `keep_signal_handlers`. A signal that is ignored already (nohup ignores SIGHUP) stays ignored.
    """
    global _request
    previous_hook = sys.unraisablehook

    def hide_stop_signal(unraisable: "sys.UnraisableHookArgs") -> None:
        if not issubclass(unraisable.exc_type, StoppedBySignal):
            previous_hook(unraisable)

    # The handlers need the request, so it exists before they are set and until they are removed.
    _request = StopRequest()
    try:
        sys.unraisablehook = hide_stop_signal
        _set_handlers(handle_stop_signal)
        try:
            yield
        finally:
            _set_handlers(signal.SIG_IGN)
    finally:
        sys.unraisablehook = previous_hook
        _request = None


def _set_handlers(handler: Any) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number in STOP_SIGNALS:
        # None means a handler that Python has not set, and that Python could not restore.
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, handler)


@contextlib.contextmanager
def keep_signal_handlers() -> Iterator[None]:
    """Restore the handlers of the stop signals after the block, for a program that continues."""
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                if handler is not None:
                    signal.signal(number, handler)


@contextlib.contextmanager
def restore_signal_error() -> Iterator[None]:
    """If a signal has come, raise `StoppedBySignal` in place of any error that the block raises.

    The error is probably a result of the signal. For example, an import that a signal interrupts reports that
    a package is missing.
    """
    try:
        yield
    except Exception as e:  # Without a signal, every error is raised again.
        if _request and _request.number is not None:
            raise StoppedBySignal(_request.number) from e
        raise


def raise_pending_signal() -> None:
    """Raise `StoppedBySignal` if a signal has come, because the first exception may have been lost."""
    if _request and _request.number is not None:
        raise StoppedBySignal(_request.number)


def describe_run_state() -> str:
    """Return what the command has written so far; "" if nothing."""
    return _request.describe_state() if _request else ""


def set_run_state_describer(describe_state: Callable[[], str]) -> None:
    """Set the function that returns what the command has written so far; "" if nothing.

    It is called after the command has been stopped, so it must return the state at that time.
    """
    if _request:
        _request.describe_state = describe_state
