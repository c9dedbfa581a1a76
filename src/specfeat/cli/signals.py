"""What ends a run early, and how to go on after it."""

import contextlib
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence

from specfeat.errors import SpecfeatError

_asked: list[int] = []  # the signals to stop that have come
_standing: list[Callable[[], str]] = []  # the last one tells what is there now


class StoppedBySignal(BaseException):
    """A signal to stop has come; only the outermost call ends it (Typer would swallow KeyboardInterrupt).

    Attributes:
        number: the signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def __str__(self) -> str:
        """Return what has come, and what is there now; a signal may come behind all that would catch it."""
        return (
            f"stopped by {signal.Signals(self.number).name}; {describe_run_state() or 'nothing is written'}"
        )


def handle_stop_signal(number: int, _frame: object) -> None:
    """Answer a signal; one that comes later has nothing to stop, and does not break into what is kept."""
    _asked.append(number)
    if len(_asked) == 1:
        raise StoppedBySignal(number)


@contextlib.contextmanager
def stop_on_signal() -> Iterator[None]:
    """Have a signal stop what is done meanwhile, though a library may make another error of it, or none.

    Python raises wherever the main thread happens to be. In a callback that may not fail it says so and goes
    on, which `still_stopped` makes good; pydantic gives its own error instead.
    """
    said = sys.unraisablehook

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        if not issubclass(unraisable.exc_type, StoppedBySignal):
            said(unraisable)

    sys.unraisablehook = hook
    _asked.clear()
    _standing.clear()
    try:
        with restore_signal_error():
            yield
    finally:
        sys.unraisablehook = said


@contextlib.contextmanager
def restore_signal_error() -> Iterator[None]:
    """Make a signal again of the error that somebody has made of it, be it ours.

    An import that it breaks into says that a package is missing, and we that the install is unfit.
    """
    try:
        yield
    except Exception as e:
        if _asked:
            raise StoppedBySignal(_asked[0]) from e
        raise


def raise_pending_signal() -> None:
    """Raise the signal that has come, if that was lost; to be called now and then."""
    if _asked:
        raise StoppedBySignal(_asked[0])


def describe_run_state() -> str:
    """Return what is there now; nothing for nothing."""
    return _standing[-1]() if _standing else ""


def set_run_state_describer(tells: Callable[[], str]) -> None:
    """Have a signal say what is there when it comes: what `tells` returns, nothing for nothing."""
    _standing.append(tells)


def append_to_error(error: BaseException, outcome: str) -> None:
    """Have an error say what is there now, wherever it is shown; nothing for nothing."""
    if not outcome:
        return
    if isinstance(error, SpecfeatError):
        error.args = (f"{error}; {outcome}", *error.args[1:])
    else:
        error.add_note(outcome)


def format_resume_command(words: Sequence[str]) -> str:
    """Return the command that goes on where the run of `words` (its command line) was ended."""
    before, after = ["specfeat", "extract"], list(words[words.index("extract") + 1 :])
    if not {"--resume", "--update"} & set(after):
        before.append("--resume")  # ahead of all: behind a "--" it would be a file
    return shlex.join(before + after)
