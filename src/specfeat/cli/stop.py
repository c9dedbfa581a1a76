"""What ends a run early, and how to go on after it."""

import shlex
from collections.abc import Sequence

from specfeat.errors import SpecfeatError


class Stopped(BaseException):
    """A signal to stop has come; only the outermost call ends it (Typer would swallow KeyboardInterrupt).

    Attributes:
        number: the signal's.
        outcome: what is there now.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.outcome = "nothing is written"


def tell(error: BaseException, outcome: str) -> None:
    """Have an error say what is there now, wherever it is shown."""
    if isinstance(error, Stopped):
        error.outcome = outcome
    elif isinstance(error, SpecfeatError):
        error.args = (f"{error}; {outcome}", *error.args[1:])
    else:
        error.add_note(outcome)


def going_on(words: Sequence[str]) -> str:
    """Return the command that goes on where the run of `words` (its command line) was ended."""
    before, after = ["specfeat", "extract"], list(words[words.index("extract") + 1 :])
    if not {"--resume", "--update"} & set(after):
        before.append("--resume")  # ahead of all: behind a "--" it would be a file
    return shlex.join(before + after)
