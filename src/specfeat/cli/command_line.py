"""The words that a command was started with."""

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The command line that runs; Typer's context carries it to the commands as `context.obj`.

    Attributes:
        program: the name that the program was started with, e.g. "/usr/bin/specfeat".
        words: the words after the program's name.
    """

    program: str
    words: tuple[str, ...]

    def list_recorded_words(self) -> tuple[str, ...]:
        """Return the words that a record contains: the same for a run that was interrupted and resumed."""
        return tuple(word for word in (self.program, *self.words) if word != "--resume")

    def format_resume_command(self) -> str:
        """Return the command that continues this run of `specfeat extract` after it has been stopped."""
        command, arguments = ["specfeat", "extract"], self.words[self.words.index("extract") + 1 :]
        if not {"--resume", "--update"} & set(arguments):
            command.append("--resume")  # at the front: after a "--" it would be the name of a file
        return shlex.join([*command, *arguments])
