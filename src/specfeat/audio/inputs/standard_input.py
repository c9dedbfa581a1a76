"""Standard input, `-`: one sound, which is copied to a file without a name before it is read."""

import itertools
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from specfeat.anonymous_file import open_temporary_file
from specfeat.audio.inputs.base import STANDARD_INPUT, InputKind, InputListing, ListedFile
from specfeat.audio.inputs.copies import BLOCK_BYTES
from specfeat.errors import AudioError, UsageError
from specfeat.files import FileIdentity, describe_os_error
from specfeat.sound import RawFormat, SoundSource

STANDARD_INPUT_DESCRIPTOR = 0
_NUMBERS = itertools.count()


class _KeptFile:
    """Keeps a file open as long as the sound exists, because it ends to exist when it is closed."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def __del__(self) -> None:
        self.file.close()


@dataclass(frozen=True, slots=True)
class CopiedSound(SoundSource):
    """A sound that the main process has copied to a file without a name.

    Attributes:
        path: a path by which the workers open the file.
        number: a number that no other sound of this process has, because the system uses such paths again.
        raw_format: how the sound is read if it has no header; None if it has one.
    """

    path: str
    number: int
    raw_format: RawFormat | None = None
    _kept_file: _KeptFile | None = field(default=None, compare=False, repr=False)

    def open_file(self) -> IO[bytes]:
        """See `SoundSource`."""
        return open(self.path, "rb")

    def __reduce__(self) -> tuple[type["CopiedSound"], tuple[str, int, RawFormat | None]]:
        """Return what a worker receives: everything but the open file."""
        return CopiedSound, (self.path, self.number, self.raw_format)


class StandardInput(InputKind):
    """Standard input, by the name `-`."""

    can_be_read_again = False
    can_be_listed = False  # in a list, `-` is the name of a file

    def is_kind_of(self, name: str) -> bool:
        """See `InputKind`."""
        return name == STANDARD_INPUT

    def list_files(self, name: str, is_wanted: Callable[[str], bool]) -> InputListing:
        """See `InputKind`; reads standard input to its end."""
        if os.isatty(STANDARD_INPUT_DESCRIPTOR):
            raise UsageError("-: standard input is the terminal; send a sound to it, e.g. by < a.wav")
        try:
            file, path = _open_shared_file()
            kept_file = _KeptFile(file)
            while block := os.read(STANDARD_INPUT_DESCRIPTOR, BLOCK_BYTES):
                file.write(block)
            file.flush()
            size = file.tell()
        except OSError as e:
            text = f"standard input cannot be copied to the temporary folder: {describe_os_error(e)}"
            return InputListing(problem=AudioError(text, "open", "temporary folder"))
        source = CopiedSound(path, next(_NUMBERS), None, kept_file)
        return InputListing(files=(ListedFile(path="", source=source, identity=FileIdentity(size, None)),))


def _open_shared_file() -> tuple[IO[bytes], str]:
    """Open an empty file, and return a path by which the workers can open it."""
    if sys.platform == "linux":
        file = open_temporary_file()
        return file, f"/proc/{os.getpid()}/fd/{file.fileno()}"
    named_file = tempfile.NamedTemporaryFile(prefix="specfeat-")  # noqa: SIM115  the sound closes it
    return named_file.file, named_file.name


KIND = StandardInput()
