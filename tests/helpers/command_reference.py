"""Writes docs/reference.md and docs/specfeat.1, the manual page, from the commands and their help texts.

python tests/helpers/command_reference.py
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from typer.main import get_command

from specfeat import __version__
from specfeat.cli.app import app

DOCS = Path(__file__).parents[2] / "docs"
PAGE, MANUAL = DOCS / "reference.md", DOCS / "specfeat.1"


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument or an option of a command.

    Attributes:
        names: as the user writes it, e.g. "-c, --config NAME|FILE".
        help: its help text.
        is_option: whether it is an option.
    """

    names: str
    help: str
    is_option: bool


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        words: its name, e.g. "weights show".
        paragraphs: its help text. A paragraph of commands has indented lines.
        parameters: its arguments and options.
    """

    words: str
    paragraphs: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    @property
    def usage(self) -> str:
        """How it is called."""
        arguments = [parameter.names for parameter in self.parameters if not parameter.is_option]
        return " ".join(["specfeat", self.words, *arguments, "[OPTIONS]"])


def list_commands() -> list[Command]:
    """Return all commands, in the order of `specfeat --help`."""
    return [*_iterate_commands(get_command(app), ())]


def _iterate_commands(group: Any, words: tuple[str, ...]) -> Iterator[Command]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _iterate_commands(command, (*words, name))
            continue
        parameters = tuple(_describe_parameter(parameter) for parameter in command.params)
        text = inspect.cleandoc(command.help or "")
        yield Command(" ".join((*words, name)), tuple(re.split(r"\n\s*\n", text)), parameters)


def _describe_parameter(parameter: Any) -> Parameter:
    is_option = parameter.param_type_name == "option"
    metavar = parameter.metavar or parameter.name.upper()
    if getattr(parameter, "is_flag", False):
        metavar = ""
    elif isinstance(parameter.default, Enum) and not parameter.metavar:
        metavar = "|".join(member.value for member in type(parameter.default))
    names = ", ".join(sorted(parameter.opts, key=len)) if is_option else ""
    text = " ".join((parameter.help or "").split())
    return Parameter(" ".join(filter(None, (names, metavar))), text, is_option)


def write_page() -> str:
    """Return the page in Markdown."""
    lines = [
        "# Reference of all commands",
        "",
        "This page is made from the help texts by `python tests/helpers/command_reference.py`. Exit codes and log events are",
        "in [Command line](command-line.md).",
    ]
    for command in list_commands():
        lines += ["", f"## specfeat {command.words}", "", f"    {command.usage}", ""]
        for paragraph in command.paragraphs:
            lines += [paragraph, ""]
        lines += [
            f"- `{parameter.names}`" + (f": {parameter.help}" if parameter.help else "")
            for parameter in command.parameters
        ]
        if not command.parameters:
            lines.pop()
    return "\n".join(lines) + "\n"


def write_manual() -> str:
    """Return the manual page, for the program man: groff_man(7) describes the macros."""
    summary = inspect.cleandoc(get_command(app).help or "")
    lines = [
        f'.TH SPECFEAT 1 "" "specfeat {__version__}"',
        ".SH NAME",
        f"specfeat \\- {_escape(summary[0].lower() + summary[1:].rstrip('.'))}",
        ".SH SYNOPSIS",
    ]
    for command in list_commands():
        lines += [".br", f".B {_escape(command.usage)}"]
    lines.append(".SH COMMANDS")
    for command in list_commands():
        lines.append(f".SS {_escape('specfeat ' + command.words)}")
        for paragraph in command.paragraphs:
            is_code = paragraph.startswith(" ")
            text = "\n".join(_escape(line.strip()) for line in paragraph.splitlines())
            lines += [".PP", ".EX", text, ".EE"] if is_code else [".PP", text]
        for parameter in command.parameters:
            lines += [".TP", f".B {_escape(parameter.names)}", _escape(parameter.help) or "\\&"]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    """Return a line of text in which the program man finds no commands."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    PAGE.write_text(write_page())
    MANUAL.write_text(write_manual())
