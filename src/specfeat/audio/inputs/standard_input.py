"""Standard input, `-`: one sound, which is copied to a file without a name before it is read."""

import os
from collections.abc import Callable
from functools import partial

from specfeat.audio.inputs.base import STANDARD_INPUT, InputKind, InputListing, ListedFile
from specfeat.audio.inputs.copied_sound import copy_sound
from specfeat.errors import AudioError, UsageError
from specfeat.files import FileIdentity, describe_os_error

STANDARD_INPUT_DESCRIPTOR = 0


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
            source, size = copy_sound(partial(os.read, STANDARD_INPUT_DESCRIPTOR))
        except OSError as e:
            text = f"standard input cannot be copied to the temporary folder: {describe_os_error(e)}"
            return InputListing(problem=AudioError(text, "open", "temporary folder"))
        return InputListing(files=(ListedFile(path="", source=source, identity=FileIdentity(size, None)),))


KIND = StandardInput()
