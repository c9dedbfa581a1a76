"""Reads playlists, `.m3u` and `.m3u8`, as lists of inputs."""

import codecs
import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

from specfeat.errors import UsageError
from specfeat.files import format_path

_ADDRESS = re.compile(rb"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_OWN_COMPUTER = (b"", b"localhost")


def is_playlist(source: str) -> bool:
    """Return whether a list of inputs is a playlist, by its extension."""
    return source.lower().endswith((".m3u", ".m3u8"))


def read_playlist(data: bytes, source: str) -> list[str]:
    """Return the paths of the files in a playlist; relative ones begin in the folder of the playlist.

    Args:
        data: the content of the playlist.
        source: the path of the playlist.

    Raises:
        UsageError: the playlist names an address of a network, or is that of a stream.
    """
    place = f"--files-from {format_path(source)}"
    if b"#EXT-X-" in data:
        raise UsageError(
            f"{place}: is the playlist of a stream, whose pieces are not files of their own; "
            "save the stream to a file, and give this file"
        )
    folder = os.fsencode(Path(source).parent)
    paths = []
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).splitlines(), 1):
        name = line.strip()
        if not name or name.startswith(b"#"):
            continue
        if address := _ADDRESS.match(name):
            computer, slash, quoted_path = name[address.end() :].partition(b"/")
            if address[1].lower() != b"file" or computer.lower() not in _OWN_COMPUTER or not slash:
                raise UsageError(
                    f"{place}: line {number}: is an address, which is not read from a playlist; "
                    "write it in a list without an extension of playlists, or download the file"
                )
            name = b"/" + unquote_to_bytes(quoted_path)
        path = name if folder == b"." else os.path.join(folder, name)  # noqa: PTH118  pathlib takes no bytes
        paths.append(os.fsdecode(path))
    return paths
