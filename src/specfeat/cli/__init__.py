"""The command line: the only part that parses words, prints, or ends the process.

`main` is the console script `specfeat`. `run_command_line` runs one command line in a program that goes on
afterwards. Nothing heavier than Typer is imported here; each command imports what it needs when it runs.
"""

from specfeat.cli.app import main, run_command_line

__all__ = ["main", "run_command_line"]
