"""Checks that are the same for the members of all archives. Members are never written to a path."""

import re
from dataclasses import dataclass
from typing import IO

from specfeat.audio.ambiguous_files import FIRST_BYTES
from specfeat.audio.inputs.base import UnusableSource
from specfeat.errors import AudioError
from specfeat.files import FileIdentity, from_record_name, identify_open_file

# Compression rarely makes sound smaller than a tenth of its size, except for silence. But a small archive of
# zeros can fill every disk: deflate can pack 1,032 bytes in one. Up to the first size, any ratio is allowed,
# so that an hour of digital silence in 16 bit can be read.
MAX_BYTES_AT_ANY_RATIO = 2**29
MAX_RATIO = 200
MAX_MEMBER_BYTES = 2**40
REFUSED = "refused"  # the cause of the failure of a member that must not be read

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """An archive as it was when its members were listed.

    Attributes:
        path: the path of the archive.
        identity: its size and time.
    """

    path: str
    identity: FileIdentity

    def check_unchanged(self, file: IO[bytes]) -> None:
        """Check that an open file is still this archive, because the places of members are used again.

        Raises:
            AudioError: the archive has been replaced or written to.
        """
        if identify_open_file(file) != self.identity:
            raise AudioError(
                "its archive has changed since the run began; run again when it is complete",
                "open",
                "unreadable",
            )


def normalize_member_path(name: str) -> str:
    """Return the path of a member without "." and without slashes at its end or doubled.

    Args:
        name: the name as the archive has it; bytes that are not UTF-8 are surrogates.

    Returns:
        The path as the system would have it. A slash at the beginning stays, because it is refused.
    """
    words = [word for word in name.split("/") if word not in ("", ".")]
    return from_record_name(("/" if name.startswith("/") else "") + "/".join(words))


def is_in_hidden_folder(path: str) -> bool:
    """Return whether a member is in a hidden folder, whose files are not searched."""
    return any(word.startswith(".") and word != ".." for word in path.split("/")[:-1])


def find_path_problem(path: str) -> UnusableSource | None:
    """Return why a member with this path is not read; None if the path stays in the archive."""
    is_outside = path.startswith(("/", "\\")) or _DRIVE.match(path) or ".." in re.split(r"[/\\]", path)
    if is_outside or "\0" in path:
        return UnusableSource(
            "has a path that leads out of its archive; make the archive again with relative paths", REFUSED
        )
    return None


def find_size_problem(size: int, packed_size: int) -> UnusableSource | None:
    """Return why a member is not unpacked; None if it may be.

    Args:
        size: its size in bytes after unpacking, as the archive declares it.
        packed_size: its size in the archive.
    """
    if size > max(MAX_BYTES_AT_ANY_RATIO, MAX_RATIO * packed_size) or size > MAX_MEMBER_BYTES:
        return UnusableSource(
            f"unpacks from {packed_size:,} to {size:,} bytes, as in an archive that is made to fill a disk; "
            "if you trust it, unpack it, and give the file",
            REFUSED,
        )
    return None


def read_first_bytes(file: IO[bytes]) -> bytes:
    """Return the first bytes of a member, see `ListedFile.first_bytes`."""
    return file.read(FIRST_BYTES)
