"""The command line: the only part that parses words, prints, or ends the process.

`main` is the console script `specfeat`. `run_command_line` runs one command line in a program that goes on
afterwards. Nothing heavier than Typer is imported here; each command imports what it needs when it runs.
"""

try:
    from specfeat.cli.app import main, run_command_line
except ModuleNotFoundError as e:  # without Typer there are no commands, not even `specfeat doctor`
    if (e.name or "specfeat").startswith("specfeat"):
        raise
    raise SystemExit(
        f"specfeat: the package {e.name} is missing; install specfeat again: "
        "pip install --force-reinstall specfeat"
    ) from None

__all__ = ["main", "run_command_line"]
