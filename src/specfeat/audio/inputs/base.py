"""What a kind of inputs other than files and folders must provide, and how it lists the files of an input."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from specfeat.errors import AudioError
from specfeat.files import UNREADABLE_FILE, FileIdentity
from specfeat.sound import SoundSource

STANDARD_INPUT = "-"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """One file in an input.

    Attributes:
        path: its path below the input, with slashes; "" if the input is this one file.
        source: the place of its bytes; None for a file whose name is not that of audio.
        identity: its size and version, by which a later run sees whether it has changed.
        first_bytes: its first bytes (512, or all if there are fewer), if its extension is one of
            those for which `ambiguous_files.needs_first_bytes` is true; otherwise None.
    """

    path: str
    source: SoundSource | None = None
    identity: FileIdentity = UNREADABLE_FILE
    first_bytes: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputListing:
    """The files in an input.

    Attributes:
        files: the files, in the order of their rows.
        problem: why the input cannot be read, or cannot be read to its end; None if it can. The files before
            the problem are listed.
    """

    files: tuple[ListedFile, ...] = ()
    problem: AudioError | None = None


class InputKind(ABC):
    """A kind of inputs other than files and folders, e.g. archives.

    Another package can add a kind: its entry point in the group `specfeat.input_kinds` names an object of a
    subclass of this class. The name of the entry point is the extension of the files ("7z") or the beginning
    of the addresses ("ftp") that the kind reads.

    Attributes:
        can_be_read_again: whether a later run can read the input again, and so continue or update the output.
        can_be_listed: whether an input from a list can be of this kind.
    """

    can_be_read_again = True
    can_be_listed = True

    @abstractmethod
    def is_kind_of(self, name: str) -> bool:
        """Return whether an input is of this kind.

        Args:
            name: the input as the user has written it.
        """

    @abstractmethod
    def list_files(self, name: str, is_wanted: Callable[[str], bool]) -> InputListing:
        """List the files in an input.

        Args:
            name: the input as the user has written it.
            is_wanted: returns for the path of a file below the input whether the run reads it. Its `source`
                is needed only then.

        Raises:
            UsageError: the input cannot be read for a reason that the user can change.
        """


@dataclass(frozen=True, slots=True)
class UnusableSource(SoundSource):
    """The place of a sound that must not or cannot be read.

    Attributes:
        message: why, as a sentence without the name of the sound.
        cause: the cause of the failure, see `AudioError`.
    """

    message: str
    cause: str

    def open_file(self) -> IO[bytes]:
        """See `SoundSource`."""
        raise AudioError(self.message, "open", self.cause)


def is_address(name: str) -> bool:
    """Return whether an input is written like an address, e.g. `https://host/a.wav`."""
    return _ADDRESS.match(name) is not None


def get_address_scheme(name: str) -> str:
    """Return the beginning of an address in lower case, e.g. "https"; "" if the input is no address."""
    return name.partition("://")[0].lower() if is_address(name) else ""
