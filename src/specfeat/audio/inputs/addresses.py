"""Addresses of objects on web servers and in cloud storage, e.g. `s3://bucket/a.wav`."""

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from specfeat.audio.inputs.base import InputKind, InputListing, ListedFile, get_address_scheme
from specfeat.audio.inputs.copied_sound import copy_sound
from specfeat.audio.inputs.remote_files import (
    SCHEMES,
    WEB_SCHEMES,
    RemoteObject,
    find_identity,
    list_objects,
    open_remote,
)
from specfeat.errors import AudioError, UsageError
from specfeat.files import format_path

if TYPE_CHECKING:
    from specfeat.sound import SoundSource

_PASSWORD = re.compile(r"[a-z0-9+.-]+://[^/@]*:[^/@]*@", re.IGNORECASE)


class Addresses(InputKind):
    """Addresses with one of the `SCHEMES`."""

    def is_kind_of(self, name: str) -> bool:
        """See `InputKind`. If a file with this name exists, the name is a path and not an address."""
        return get_address_scheme(name) in SCHEMES and not os.path.lexists(name)

    def list_files(self, name: str, is_wanted: Callable[[str], bool]) -> InputListing:
        """See `InputKind`."""
        _check_address(name)
        try:
            objects = list_objects(name)
            files = [
                _list_object(name, path, info, is_wanted)
                for path, info in objects.items()
                if not any(word.startswith(".") for word in path.split("/")[:-1])
            ]
        except AudioError as e:
            return InputListing(problem=e)
        return InputListing(files=tuple(files))


def _check_address(name: str) -> None:
    """Check that an address is one that is read.

    Raises:
        UsageError: it has a password, is that of a folder on a web server, or leads through several systems.
    """
    if _PASSWORD.match(name):
        raise UsageError(
            "an address has a password, which would be in the index; give the password as the service's own "
            "settings want it, e.g. in the environment"
        )
    if "::" in name:  # fsspec would open a file inside of another file
        raise UsageError(f"{format_path(name)}: leads through several file systems; give a plain address")
    if get_address_scheme(name) in WEB_SCHEMES and name.endswith("/"):
        raise UsageError(
            f"{format_path(name)}: is a folder of a web server, which lists no files; give the addresses of "
            "the files, e.g. in a list"
        )


def _list_object(name: str, path: str, info: dict[str, Any], is_wanted: Callable[[str], bool]) -> ListedFile:
    if path and not is_wanted(path):
        return ListedFile(path=path)
    address = f"{name.rstrip('/')}/{path}" if path else name
    identity = find_identity(info)
    source: SoundSource = RemoteObject(address, identity)
    if get_address_scheme(name) == "memory":  # a worker is another process, which does not have this memory
        with open_remote(address) as opened:
            source, _ = copy_sound(opened.read)
    return ListedFile(path=path, source=source, identity=identity)


KIND = Addresses()
