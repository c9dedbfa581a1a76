"""The command line application: its commands, how it prints errors, and its exit codes."""

import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command

from specfeat import __version__
from specfeat.cli.cache import cache_app
from specfeat.cli.classify import classify_app
from specfeat.cli.command_line import CommandLine
from specfeat.cli.completion import completion_command, prepare_completion
from specfeat.cli.convert import convert_command
from specfeat.cli.doctor import doctor_command
from specfeat.cli.events import events_command
from specfeat.cli.extract import extract_command
from specfeat.cli.init import init_command, schema_command
from specfeat.cli.inspect import inspect_command
from specfeat.cli.installation_errors import describe_broken_installation
from specfeat.cli.lists import list_app
from specfeat.cli.merge import merge_command
from specfeat.cli.messages import describe_error, print_message
from specfeat.cli.plot import plot_command
from specfeat.cli.report import report_command
from specfeat.cli.search import search_command
from specfeat.cli.signals import (
    StoppedBySignal,
    keep_signal_handlers,
    restore_signal_error,
    stop_on_signals,
)
from specfeat.cli.standard_streams import (
    can_be_write_error,
    discard_unwritten_output,
    is_stdout_full,
    is_stdout_unread,
    keep_stream_objects,
    open_standard_streams,
)
from specfeat.cli.train import train_command
from specfeat.cli.unknown_words import find_replacement
from specfeat.cli.verify import verify_command
from specfeat.cli.weights import weights_app
from specfeat.errors import SpecfeatError
from specfeat.library_messages import simplify_typer_message
from specfeat.process_state import disable_pydantic_plugins, pause_garbage_collection
from specfeat.system_limits import report_system_limits

app = typer.Typer(
    name="specfeat",
    add_completion=False,
    rich_markup_mode=None,  # rich would take as long to load as everything else of --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(print_version: bool) -> None:
    if print_version:
        print(f"specfeat {__version__}")
        raise typer.Exit


@app.callback()
def read_global_options(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Turn audio files into rows of features with a network that a YAML file describes."""


app.command("extract")(extract_command)
app.command("convert")(convert_command)
app.command("inspect")(inspect_command)
app.command("init")(init_command)
app.command("schema")(schema_command)
app.command("verify")(verify_command)
app.command("merge")(merge_command)
app.command("search")(search_command)
app.command("plot")(plot_command)
app.command("events")(events_command)
app.command("report")(report_command)
app.command("train")(train_command)
app.command("completion")(completion_command)
app.add_typer(list_app)
app.add_typer(classify_app)
app.command("doctor")(doctor_command)
app.add_typer(weights_app)
app.add_typer(cache_app)


def main() -> int:
    """Run the command line of this process, and return its exit code; this is the console script.

    The process is expected to end after this call. So the stop signals are ignored afterwards: a signal after
    the work would make a finished run look stopped. A stream that cannot be written is redirected to
    /dev/null.
    """
    open_standard_streams()
    try:
        return _run_until_stopped(CommandLine(sys.argv[0], tuple(sys.argv[1:])))
    finally:
        discard_unwritten_output()


def run_command_line(words: Sequence[str], program: str = "specfeat") -> int:
    """Run one command line in a program that continues afterwards, and return the exit code.

    Signal handlers, hooks, the garbage collector and the environment are restored. The changes that
    TensorFlow makes when it is loaded remain (see `Extractor`). In a thread other than the main thread, no
    signal handlers are set, because Python allows this only in the main thread.

    Args:
        words: the words after the program's name, e.g. `["extract", "recordings", "out.npy"]`.
        program: the name of the program, which the record of a run contains.

    Raises:
        Exception: a bug in specfeat. Errors that the user can correct are not raised: they are printed to
            stderr and give an exit code.
    """
    with keep_signal_handlers():
        return _run_until_stopped(CommandLine(program, tuple(words)))


def _run_until_stopped(command_line: CommandLine) -> int:
    try:
        with stop_on_signals():
            return _run_command(command_line)
    except StoppedBySignal as e:  # outside the `with` block, because a signal may also come at its end
        print_message(str(e))
        return 128 + e.number


def _run_command(command_line: CommandLine) -> int:
    """Run the command; print errors that the user can correct, and return the exit code."""
    prepare_completion()
    command = get_command(app)  # not `app()`, because that changes `sys.excepthook` and does not restore it
    try:
        with (
            keep_stream_objects(),
            pause_garbage_collection(),
            disable_pydantic_plugins(),
            restore_signal_error(),
            report_system_limits(),
        ):
            code = command.main(
                _replace_help_command(command_line.words),
                prog_name="specfeat",
                standalone_mode=False,
                obj=command_line,
            )
        if sys.stdout is not None:
            sys.stdout.flush()
    except SpecfeatError as e:
        print_message(describe_error(e))
        return e.exit_code
    except (OSError, SystemExit) as e:  # Typer turns a BrokenPipeError into SystemExit
        return _handle_stdout_error(e)
    except Exception as e:  # Errors that are not from Typer are raised again.
        if not hasattr(e, "format_message"):
            if (problem := describe_broken_installation(e)) is None:
                raise
            print_message(problem)
            return 1
        # An error of Typer: an unknown option, a missing argument, or a value of the wrong type.
        command_path = getattr(getattr(e, "ctx", None), "command_path", "specfeat")
        message = simplify_typer_message(str(e.format_message()))
        print_message(f"{message}; {find_replacement(message) or f'see {command_path} --help'}")
        return 2
    return code if isinstance(code, int) else 0


def _replace_help_command(words: Sequence[str]) -> Sequence[str]:
    """Return `COMMAND --help` in place of `help COMMAND`, which other programs have."""
    return [*words[1:], "--help"] if words[:1] == ("help",) else words


def _handle_stdout_error(error: BaseException) -> int:
    """Return the exit code if the error means that stdout cannot be written; otherwise raise it again."""
    if isinstance(error, SystemExit | BrokenPipeError) and is_stdout_unread():
        return 128 + signal.SIGPIPE
    if can_be_write_error(error) and is_stdout_full():
        print_message(f"stdout cannot be written: {getattr(error, 'strerror', None) or error}")
        return 1
    raise error
