"""One line on stderr for each message, and the words of errors."""

import contextlib
import sys

from specfeat.cli.remedies import SUGGESTIONS
from specfeat.errors import SpecfeatError, escape_control_characters


def print_message(text: str) -> None:
    """Print one line to stderr; what could be a command to the terminal is escaped."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError):  # nobody can read stderr, but the work goes on; the exit code tells
        print(format_message(text), file=sys.stderr)


def format_message(text: str) -> str:
    """Return the line that a message has on stderr."""
    return f"specfeat: {escape_control_characters(text)}"


def describe_error(error: BaseException) -> str:
    """Return what is wrong, then the options that would help, then what the run has written so far.

    This is the only place where options of the command line are added to an error of the library.
    """
    parts = [str(error) or type(error).__name__]
    if isinstance(error, SpecfeatError):
        if error.remedy:
            parts.append(SUGGESTIONS[error.remedy])
        if error.run_state:
            parts.append(error.run_state)
    return "; ".join(parts)


def add_run_state(error: BaseException, run_state: str) -> None:
    """Make an error say what the run has written so far; "" adds nothing.

    Args:
        error: the error that ends the run, which is changed.
        run_state: what is there, and how to continue.
    """
    if isinstance(error, SpecfeatError):
        error.run_state = run_state
    elif run_state:
        error.add_note(run_state)  # Python prints it below the traceback
