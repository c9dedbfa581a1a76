"""What a signal to stop does to a command: SIGINT (Ctrl-C), SIGTERM and SIGHUP.

    first signal  -> handle_stop_signal notes it and raises StoppedBySignal in the main thread
                  -> `finally` and `__exit__` blocks bring what is finished to the disk
                  -> the outermost call prints "stopped by SIGTERM; <what is there>", exit code 128 + number
    later signals -> noted nowhere and raise nothing, so that they cannot break into that writing
    after the work   the signals are ignored

The first signal raises at once, because the main thread may be inside a library call that takes minutes.
Python raises between any two instructions, also inside a library. So the exception can get lost there:

- A library catches it and raises an error of its own: pydantic does, and an interrupted import looks like a
  missing package. `restore_signal_error` raises the signal in place of any error that its block raises.
- Python drops it, in a callback that must not fail (a weak reference, `__del__`), and prints a warning.
  `raise_pending_signal`, which a run calls again and again, raises it once more.

StoppedBySignal is no `Exception`, so that `except Exception` does not catch it; and it is not
KeyboardInterrupt, which Typer would turn into an exit without a word.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Whether a signal has asked the command to stop, and how to say what is there then.

    Attributes:
        number: the number of the first signal that came; None as long as none has come.
        describe_state: returns what the command has written so far; "" for nothing.
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
        """Return which signal came, and what is there now: work may still be finished after the signal."""
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

    They stay ignored, because a signal after the work would turn a finished run into one that looks stopped;
    see `keep_signal_handlers`. A signal that is ignored already stays so: nohup ignores SIGHUP.
    """
    global _request
    previous_hook = sys.unraisablehook

    def hide_stop_signal(unraisable: "sys.UnraisableHookArgs") -> None:
        if not issubclass(unraisable.exc_type, StoppedBySignal):
            previous_hook(unraisable)

    # The request is there before the handlers are set and until they are gone.
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
        # None: a handler that Python did not set and could not set again.
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, handler)


@contextlib.contextmanager
def keep_signal_handlers() -> Iterator[None]:
    """Put the handlers of the stop signals back after the block, for a program that goes on."""
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
    """Raise the pending signal in place of an error that comes out of the block.

    The error is probably what a library, or our own code, has made of the signal: an import that a signal
    interrupts, for example, reports that a package is missing.
    """
    try:
        yield
    except Exception as e:
        if _request and _request.number is not None:
            raise StoppedBySignal(_request.number) from e
        raise


def raise_pending_signal() -> None:
    """Raise `StoppedBySignal` again if a signal has come; a run calls this often, in case it got lost."""
    if _request and _request.number is not None:
        raise StoppedBySignal(_request.number)


def describe_run_state() -> str:
    """Return what the command has written so far; "" for nothing."""
    return _request.describe_state() if _request else ""


def set_run_state_describer(describe_state: Callable[[], str]) -> None:
    """Set the function that returns what the command has written so far, "" for nothing.

    It is called when the command has been stopped, so it returns what is there at that time.
    """
    if _request:
        _request.describe_state = describe_state
