"""The table of hostile weights files. The modules beside this one enter functions, named after what they make."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Maker = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class HostileFile:
    """A file that must be refused.

    Attributes:
        ending: the ending of the file's name, without a dot.
        make: writes the file.
        message: what the error says of it, in part.
    """

    ending: str
    make: Maker
    message: str


HOSTILE_FILES: dict[str, HostileFile] = {}  # by the name of the function that makes it


def hostile(ending: str, message: str) -> Callable[[Maker], Maker]:
    """Enter a function that makes a hostile file in the table."""

    def enter(make: Maker) -> Maker:
        HOSTILE_FILES[make.__name__] = HostileFile(ending, make, message)
        return make

    return enter
