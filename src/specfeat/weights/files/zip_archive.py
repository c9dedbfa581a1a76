"""Zip archives without their traps: the members are looked at before one is opened."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from specfeat.errors import WeightsError

MAX_MEMBERS = 100_000
# Weights are noise and hardly pack: by more than this, and large, it is a bomb. (Deflate's most is 1032.)
MAX_RATIO = 100
SMALL_BYTES = 2**24
_PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
DamagedArchiveError = zipfile.BadZipFile


def is_archive(path: Path) -> bool:
    """Whether a file is a zip archive."""
    return zipfile.is_zipfile(path)


@dataclass(frozen=True, slots=True)
class Member:
    """A member that has passed inspection; reading gives `size` bytes or fails."""

    size: int
    _file: zipfile.ZipFile = field(repr=False)
    _info: zipfile.ZipInfo = field(repr=False)

    def open(self) -> IO[bytes]:
        """Open it; zipfile gives no more bytes than declared and checks them against a CRC."""
        return self._file.open(self._info)


@contextmanager
def open_members(path: Path) -> Iterator[dict[str, Member]]:
    """Open an archive and give its members by name, in the archive's order.

    Raises:
        WeightsError: a member is encrypted, named twice, named out of the archive, or a bomb.
    """
    with zipfile.ZipFile(path) as file:
        infos = file.infolist()
        if len(infos) > MAX_MEMBERS:
            raise WeightsError(f"has {len(infos):,} members; wanted {MAX_MEMBERS:,} or fewer")
        found: dict[str, Member] = {}
        for info in infos:
            name = info.filename
            if name in found:
                raise WeightsError(f"has two members of the name {name!r}")
            _check(info)
            found[name] = Member(info.file_size, file, info)
        yield found


def _check(info: zipfile.ZipInfo) -> None:
    name = info.filename
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
        raise WeightsError(f"has a member named {name!r}, which leads out of the archive")
    if info.flag_bits & 1:
        raise WeightsError(f"has the encrypted member {name!r}")
    if info.compress_type not in _PACKINGS:
        raise WeightsError(f"has the member {name!r} packed in another way than deflate")
    if info.file_size > max(SMALL_BYTES, MAX_RATIO * info.compress_size):
        raise WeightsError(
            f"has the member {name!r} that unpacks from {info.compress_size:,} to {info.file_size:,} bytes; "
            f"wanted {MAX_RATIO} times as much at most"
        )
