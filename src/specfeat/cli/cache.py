"""`specfeat cache`: shows and removes the networks that runs have converted."""

import datetime

import typer

from specfeat.cli.messages import print_message
from specfeat.cli.output_options import ErrorsOnlyOption
from specfeat.text import format_count

cache_app = typer.Typer(
    name="cache",
    help="Show or remove converted networks, which an engine other than TensorFlow keeps.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_MEGABYTE = 1e6


@cache_app.command("list")
def list_command() -> None:
    """List the converted networks, the last used first.

    Each line has the size in MB, the day of the last use, the config and the engine.
    """
    # Imported here, because --help does not need it, and it takes time to load.
    from specfeat.network.network_cache import find_network_folder, list_networks

    for entry in list_networks(find_network_folder()):
        day = datetime.datetime.fromtimestamp(entry.used_ns / 1e9).date()
        print(f"{entry.size / _MEGABYTE:8.1f}  {day}  {entry.description}")


@cache_app.command("clear")
def clear_command(quiet: ErrorsOnlyOption = False) -> None:
    """Remove all converted networks. The next run with an engine converts its network again."""
    from specfeat.files import wrap_os_errors
    from specfeat.network.network_cache import clear_networks, find_network_folder

    folder = find_network_folder()
    with wrap_os_errors(folder, "cleared"):
        count, size = clear_networks(folder)
    if not quiet:
        print_message(f"removed {format_count(count, 'network')}, {size / _MEGABYTE:.1f} MB")
