"""`specfeat completion SHELL`: prints the script with which a shell completes commands, options and names."""

import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_VARIABLE = "_SPECFEAT_COMPLETE"  # the shell's script sets it to ask for completions; the name is Typer's
_CONFIG_ENDINGS = (".yaml", ".yml")


class Shell(StrEnum):
    """The shells for which there is a script."""

    bash = "bash"
    fish = "fish"
    zsh = "zsh"


ShellArgument = Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, fish or zsh.")]


def completion_command(shell: ShellArgument) -> int:
    """Print a script with which your shell completes commands, options, configs and layers.

    Nothing is installed or edited. To use the script in this terminal:

        eval "$(specfeat completion bash)"

    To use it in each new terminal, append this line to ~/.bashrc, or write the script to the folder of your
    shell:

        specfeat completion fish > ~/.config/fish/completions/specfeat.fish
    """
    # Imported here, because only this command needs it. mypy knows only the names that Typer lists as public.
    # The functions for completion are not among them; tests/cli/test_completion.py fails if one is renamed.
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    print(get_completion_script(prog_name="specfeat", complete_var=_VARIABLE, shell=shell.value))
    return 0


def prepare_completion() -> None:
    """Let Typer answer with completions if the shell asks for them in this call of the program."""
    if _VARIABLE in os.environ:
        # Typer calls this function only if a program has Typer's own options for completion. It is not in
        # Typer's list of public names; tests/cli/test_completion.py fails if it is renamed.
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()


def complete_config(incomplete: str) -> Iterator[str]:
    """Yield the names of shipped configs, and the YAML files, that begin with a text."""
    from specfeat.config import shipped_names  # other calls of the program do not need it

    yield from (name for name in shipped_names() if name.startswith(incomplete))
    folder = Path(incomplete).parent if "/" in incomplete else Path()
    for path in sorted(folder.glob("*")):
        if str(path).startswith(incomplete) and (path.suffix in _CONFIG_ENDINGS or path.is_dir()):
            yield f"{path}/" if path.is_dir() else str(path)


def complete_layer(context: typer.Context, incomplete: str) -> list[str]:
    """Return the layers of the config in the command line whose names begin with a text."""
    from specfeat.config import load_config  # as above
    from specfeat.errors import SpecfeatError

    try:
        config = load_config(context.params.get("config") or "default")
    except SpecfeatError:  # there is nothing to complete; the command itself will name the mistake
        return []
    return [layer.name for layer in config.settings.model.layers if layer.name.startswith(incomplete)]
