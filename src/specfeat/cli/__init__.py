"""The command line: the only place that parses, prints or exits.

Nothing heavier than Typer is imported here; each command imports what it needs when it is run.
"""

import contextlib
import os
import select
import signal
import sys
from typing import Annotated

import typer

from specfeat import __version__
from specfeat.cli.extract import extract
from specfeat.cli.remedies import add_options
from specfeat.cli.signals import StoppedBySignal, handle_stop_signal, stop_on_signal
from specfeat.cli.weights import weights
from specfeat.errors import EXTRACT_USAGE_HINT, SpecfeatError, escape_control_characters
from specfeat.process_state import disable_pydantic_plugins, pause_garbage_collection

app = typer.Typer(
    name="specfeat",
    add_completion=False,
    rich_markup_mode=None,  # rich would take as long to load as all the rest of --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


# What Typer has from pydantic to say of a number that is none, or out of bounds.
_PLAINER = {
    "Value error, ": "",
    "Input should be greater than or equal to": "wanted at least",
    "Input should be less than or equal to": "wanted at most",
    "Input should be a valid integer, unable to parse string as an integer": "wanted a whole number",
    "Input should be a valid number, unable to parse string as a number": "wanted a number",
}
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"specfeat {__version__}")
        raise typer.Exit


@app.callback()
def specfeat(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Turn audio files into rows of features, through a network that a YAML file describes."""


app.command()(extract)
app.add_typer(weights)


def main() -> int:
    """Run the command line and return the exit code; a bug keeps its traceback and gives 1."""
    _open_standard_streams()
    try:
        try:
            code = _run()
        finally:
            for number in _STOPPING:  # all is done: the way out is not to be interrupted
                signal.signal(number, signal.SIG_IGN)
    except StoppedBySignal as e:  # here, as it may come on the way out, too
        _say(str(e))
        code = 128 + e.number
    finally:
        _give_up_unwritten()
    return code


def _run() -> int:
    for number in _STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:  # as it is under nohup
            signal.signal(number, handle_stop_signal)
    try:
        with pause_garbage_collection(), disable_pydantic_plugins(), stop_on_signal():
            code = app(standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except SpecfeatError as e:
        add_options(e)
        _say(str(e))
        return e.exit_code
    except (OSError, SystemExit) as e:  # Typer makes the second of a BrokenPipeError
        return _unwritten(e)
    except Exception as e:
        if not hasattr(e, "format_message"):  # Typer's own: an unknown option, a missing argument
            raise
        _say(_misused(str(e.format_message()), getattr(e, "ctx", None)))
        return 2
    return code if isinstance(code, int) else 0


def _misused(said: str, context: object) -> str:
    """Return what Typer has to say of the words on the command line, in our words."""
    if "'OUTPUT'" in said:
        said = EXTRACT_USAGE_HINT
    for theirs, ours in _PLAINER.items():
        said = said.replace(theirs, ours)
    command = getattr(context, "command_path", "specfeat")
    return f"{said[:1].lower()}{said[1:].rstrip('.')}; see {command} --help"


def _unwritten(error: BaseException) -> int:
    """Return the status of a program whose stdout takes no more; if that is not it, go on raising."""
    unread = not _is_disk(error) and _has_no_reader()
    if not (unread or (_is_disk(error) and _is_full())):
        raise error
    if unread:
        return 128 + signal.SIGPIPE
    _say(f"stdout cannot be written: {getattr(error, 'strerror', None) or error}")
    return 1


def _is_disk(error: BaseException) -> bool:
    return isinstance(error, OSError) and not isinstance(error, BrokenPipeError)


def _has_no_reader() -> bool:
    """Whether stdout is a pipe that nobody reads."""
    poll = select.poll()
    poll.register(1, 0)
    return any(happened & (select.POLLERR | select.POLLHUP) for _, happened in poll.poll(0))


def _give_up_unwritten() -> None:
    """Drop what a stream could not write: Python would try again on its way out, and leave with 120."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def _is_full() -> bool:
    """Whether stdout takes no line more; without a buffer, what failed is not kept to be tried again."""
    try:
        print(flush=True)
    except OSError:
        return True
    return False


def _open_standard_streams() -> None:
    """Give the numbers 0 to 2 to nothing else, if the shell has closed them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _say(text: str) -> None:
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError):  # nobody reads stderr; the exit code still tells
        print(f"specfeat: {escape_control_characters(text)}", file=sys.stderr)
