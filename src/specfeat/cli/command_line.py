"""The command line as a list of words, for the record and for suggestions."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The command line of the running command; the commands get it as `context.obj` of Typer's context.

    Attributes:
        program: the name that the program was started with, e.g. "/usr/bin/specfeat".
        words: the words after the program's name.
    """

    program: str
    words: tuple[str, ...]

    def list_recorded_words(self) -> tuple[str, ...]:
        """Return the words for the record, without `--resume`, so that a resumed run has the same record."""
        return tuple(word for word in (self.program, *self.words) if word != "--resume")

    def format_resume_command(self, left_out_option: str = "") -> str:
        """Return the command that continues this run of `extract` or `train` after it has been stopped.

        Args:
            left_out_option: an option that the command must not have, with its value; "" if there is none.
        """
        position = next(k for k, word in enumerate(self.words) if word in ("extract", "train"))
        command, arguments = ["specfeat", self.words[position]], self.words[position + 1 :]
        if not {"--resume", "--update"} & set(arguments):
            command.append("--resume")  # before the arguments, because after "--" it would be a file name
        return shlex.join([*command, *_remove_option(arguments, left_out_option)])


def _remove_option(words: Sequence[str], option: str) -> list[str]:
    """Return the words without an option that takes a value, `OPTION VALUE` or `OPTION=VALUE`."""
    end = words.index("--") if "--" in words else len(words)  # after it, all words are names of files
    kept: list[str] = []
    is_value = False
    for word in words[:end]:
        if is_value or (option and word.partition("=")[0] == option):
            is_value = not is_value and word == option
        else:
            kept.append(word)
    return [*kept, *words[end:]]
