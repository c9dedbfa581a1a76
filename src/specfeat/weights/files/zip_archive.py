"""Checks all members of a zip archive and opens it; no member is unpacked to the disk."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from specfeat.errors import WeightsError

MAX_MEMBERS = 20_000
# The values of weights are almost random and can hardly be compressed. A large member with a higher ratio is
# a zip bomb; deflate can reach a ratio of 1032.
MAX_RATIO = 100
MAX_BYTES_AT_ANY_RATIO = 2**24
MAX_DIRECTORY_BYTES = 2**22  # of the list of members; each takes 100 to 200 bytes
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
DamagedArchiveError = zipfile.BadZipFile


def is_archive(path: Path) -> bool:
    """Return whether a file is a zip archive."""
    return zipfile.is_zipfile(path)


@dataclass(frozen=True, slots=True)
class Member:
    """A checked member of an archive.

    Attributes:
        size: the size in bytes after unpacking.
    """

    size: int
    _archive: zipfile.ZipFile = field(repr=False)
    _info: zipfile.ZipInfo = field(repr=False)

    @property
    def is_compressed(self) -> bool:
        """Whether the member is compressed in the archive."""
        return self._info.compress_type != zipfile.ZIP_STORED

    def open(self) -> IO[bytes]:
        """Open the member; zipfile yields at most `size` bytes, and compares them with their checksum."""
        return self._archive.open(self._info)


class _ArchiveFile(io.FileIO):
    """A file of which at most some bytes are read at once.

    zipfile reads the list of all members at once, and makes an object of each, before they can be counted.

    Attributes:
        most_bytes: the most that one call reads; None for no limit.
    """

    most_bytes: int | None = MAX_DIRECTORY_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes.

        Raises:
            WeightsError: more bytes are asked for than are allowed.
        """
        if self.most_bytes is not None and size is not None and size > self.most_bytes:
            raise WeightsError(
                f"has a list of its members of {size:,} bytes; wanted {self.most_bytes:,} or fewer"
            )
        return super().read(size) or b""


@contextmanager
def open_members(path: Path) -> Iterator[dict[str, Member]]:
    """Open an archive and yield its members by name, in the archive's order.

    Raises:
        WeightsError: a member is encrypted, has the name of another one, has a name that leads out of the
            archive, is a zip bomb or overlaps another one; or there are too many members.
    """
    with _ArchiveFile(path) as file, zipfile.ZipFile(file) as archive:
        file.most_bytes = None
        infos = archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise WeightsError(f"has {len(infos):,} members; wanted {MAX_MEMBERS:,} or fewer")
        members: dict[str, Member] = {}
        for info in infos:
            name = info.filename
            if name in members:
                raise WeightsError(f"has two members with the name {name!r}")
            _check_member(info)
            members[name] = Member(info.file_size, archive, info)
        _check_overlaps(infos)
        yield members


def _check_overlaps(infos: list[zipfile.ZipInfo]) -> None:
    """Refuse members that share bytes, by which a small archive can have any number of large members."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise WeightsError(f"has the member {info.filename!r}, which overlaps another one")
        end = info.header_offset + info.compress_size


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.filename
    # Keras unpacked archives to the disk, where such a name can overwrite any file (CVE-2025-12060). Nothing
    # is unpacked here, but only a hostile archive has such a name.
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
        raise WeightsError(f"has a member named {name!r}, which leads out of the archive")
    if info.flag_bits & 1:
        raise WeightsError(f"has the encrypted member {name!r}")
    if info.compress_type not in _COMPRESSIONS:
        raise WeightsError(f"has the member {name!r}, which is not compressed by deflate")
    # Data that cannot be compressed grows by less than a thousandth. If more packed bytes were allowed,
    # zipfile might read all of them to unpack one byte.
    if info.compress_size > info.file_size + info.file_size // 1000 + 1024:
        raise WeightsError(
            f"has the member {name!r} of {info.file_size:,} bytes, which takes {info.compress_size:,} packed"
        )
    if info.file_size > max(MAX_BYTES_AT_ANY_RATIO, MAX_RATIO * info.compress_size):
        raise WeightsError(
            f"has the member {name!r}, which unpacks from {info.compress_size:,} to {info.file_size:,} "
            f"bytes; wanted at most {MAX_RATIO} times as many"
        )
