"""The command line as a list of words, for the record and for suggestions."""

import shlex
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

    def format_resume_command(self) -> str:
        """Return the command that continues this run of `extract` or `train` after it has been stopped."""
        position = next(k for k, word in enumerate(self.words) if word in ("extract", "train"))
        command, arguments = ["specfeat", self.words[position]], self.words[position + 1 :]
        if not {"--resume", "--update"} & set(arguments):
            command.append("--resume")  # before the arguments, because after "--" it would be a file name
        return shlex.join([*command, *arguments])
