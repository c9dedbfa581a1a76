"""The list of the kinds of inputs other than files and folders.

Each kind is one module with the object `KIND`, and one line in `KINDS`.
"""

import os

from specfeat.audio.audio_extensions import list_audio_extensions
from specfeat.audio.inputs import addresses, standard_input, tar_archives, zip_archives
from specfeat.audio.inputs.base import InputKind, get_address_scheme
from specfeat.audio.inputs.remote_files import SCHEMES
from specfeat.errors import InstallError, UsageError
from specfeat.files import format_path, get_extension
from specfeat.plugins import find_plugin
from specfeat.text import join_names

# An input has the first of these kinds that recognises it.
KINDS: tuple[InputKind, ...] = (
    zip_archives.KIND,
    tar_archives.KIND,
    standard_input.KIND,
    addresses.KIND,
)
PLUGIN_GROUP = "specfeat.input_kinds"


def find_input_kind(name: str, *, is_listed: bool = False) -> InputKind | None:
    """Return the kind of an input; None for a file or a folder, or for a path that does not exist.

    Args:
        name: the input as the user has written it.
        is_listed: whether the input comes from a list.

    Raises:
        InstallError: the kind of another package cannot be loaded.
        UsageError: the input is an address of a kind that is not read, and does not come from a list.
    """
    for kind in KINDS:
        if kind.is_kind_of(name) and (kind.can_be_listed or not is_listed):
            return kind
    if (scheme := get_address_scheme(name)) and not os.path.lexists(name):
        plugin_kind = _find_plugin_kind(scheme, name)
        if plugin_kind is None and not is_listed:
            raise UsageError(
                f"{format_path(name)}: {scheme} addresses are not read, only those of {join_names(SCHEMES)}; "
                "copy the file, and give its path"
            )
        return plugin_kind
    extension = get_extension(name)
    if not extension or extension in list_audio_extensions() or not os.path.isfile(name):
        return None
    return _find_plugin_kind(extension, name)


def _find_plugin_kind(key: str, name: str) -> InputKind | None:
    plugin = find_plugin(PLUGIN_GROUP, key)
    if plugin is None:
        return None
    kind = plugin.load()
    if not isinstance(kind, InputKind):
        raise InstallError(
            f"the kind of inputs {key!r} of another package is no `InputKind`; update or remove this package"
        )
    return kind if kind.is_kind_of(name) else None
