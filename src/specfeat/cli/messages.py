"""Prints messages to stderr, one line each, and describes errors with suggestions."""

import contextlib
import sys

from specfeat.cli.remedies import SUGGESTIONS
from specfeat.errors import SpecfeatError, escape_control_characters


def print_message(text: str) -> None:
    """Print one line to stderr; control characters are escaped."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError):  # if stderr cannot be written, the run continues; see the exit code
        print(format_message(text), file=sys.stderr)


def format_message(text: str) -> str:
    """Return the line that a message has on stderr."""
    return f"specfeat: {escape_control_characters(text)}"


def describe_error(error: BaseException) -> str:
    """Return the message of an error, with the options that can help, and with what the run has written.

    Only this function adds options of the command line to an error of the library.
    """
    parts = [str(error) or type(error).__name__]
    if isinstance(error, SpecfeatError):
        if error.remedy:
            parts.append(SUGGESTIONS[error.remedy])
        if error.run_state:
            parts.append(error.run_state)
    return "; ".join(parts)


def add_run_state(error: BaseException, run_state: str) -> None:
    """Add to an error what the run has written so far.

    Args:
        error: the error that ends the run, which is changed.
        run_state: what the run has written, and how to continue it; "" if it has written nothing.
    """
    if isinstance(error, SpecfeatError):
        error.run_state = run_state
    elif run_state:
        error.add_note(run_state)  # Python prints it below the traceback
