"""Zip archives: each audio file in one is a sound. Members without compression, and with deflate, are read.

The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from specfeat.audio.ambiguous_files import needs_first_bytes
from specfeat.audio.inputs.base import InputKind, InputListing, ListedFile, UnusableSource
from specfeat.audio.inputs.copies import LastOpened, copy_bytes
from specfeat.audio.inputs.members import (
    REFUSED,
    ArchiveFile,
    find_path_problem,
    find_size_problem,
    is_in_hidden_folder,
    normalize_member_path,
    read_first_bytes,
)
from specfeat.errors import AudioError
from specfeat.files import FileIdentity, describe_os_error, get_extension, identify_file
from specfeat.sound import SoundSource

# Of the list of members. Each takes 100 to 200 bytes there, and about 500 bytes of memory.
MAX_DIRECTORY_BYTES = 2**27
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Numbers of the format's description, 4.4.5.
_OTHER_METHODS = {9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz"}
# What zipfile raises for archives that are damaged or that it does not read.
_READING_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # the archive is in several parts, or needs a newer version of the format
    OverflowError,  # an offset is larger than that of any file
    ValueError,
    RuntimeError,
)


class _DirectoryReader(io.FileIO):
    """A file of which at most some bytes are read at once.

    zipfile reads the list of all members at once, and makes an object of each, before they can be counted.

    Attributes:
        is_limited: whether the limit applies.
    """

    is_limited = True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes.

        Raises:
            AudioError: more bytes are asked for than are allowed.
        """
        if self.is_limited and size is not None and size > MAX_DIRECTORY_BYTES:
            raise AudioError(
                f"has a list of its members of {size:,} bytes, and at most {MAX_DIRECTORY_BYTES:,} are "
                "read; divide the archive",
                "open",
                REFUSED,
            )
        return super().read(size) or b""


class _OpenArchive(zipfile.ZipFile):
    """An open zip archive that closes its file.

    Raises:
        AudioError: the archive has changed since it was listed, or its list of members is too long.
        OSError: the archive cannot be read.
    """

    def __init__(self, file: ArchiveFile) -> None:
        self._reader = _DirectoryReader(file.path)
        try:
            file.check_unchanged(self._reader)
            super().__init__(self._reader)
        except BaseException:  # after an error here, no caller can close the file
            self._reader.close()
            raise
        self._reader.is_limited = False

    def close(self) -> None:
        """Close the archive and its file."""
        super().close()
        self._reader.close()


# A worker reads many members of one archive, and opening it reads the list of all of them.
_LAST_ARCHIVE = LastOpened[ArchiveFile, _OpenArchive](_OpenArchive)


@dataclass(frozen=True, slots=True)
class ZipMember(SoundSource):
    """A member of a zip archive.

    Attributes:
        archive: the archive.
        name: the name of the member, as zipfile has it.
    """

    archive: ArchiveFile
    name: str

    def open_file(self) -> IO[bytes]:
        """See `SoundSource`; the checksum of the member is compared."""
        try:
            archive = _LAST_ARCHIVE.open(self.archive)
            info = archive.getinfo(self.name)
            with archive.open(info) as member:
                return copy_bytes(member.read, info.file_size)
        except _READING_ERRORS as e:
            raise AudioError(
                f"cannot be unpacked from its archive: {e}; copy or make the archive again", "open", "broken"
            ) from e


class ZipKind(InputKind):
    """Zip archives, by the extension `.zip`."""

    def is_kind_of(self, name: str) -> bool:
        """See `InputKind`."""
        return get_extension(name) == "zip" and os.path.isfile(name)

    def list_files(self, name: str, is_wanted: Callable[[str], bool]) -> InputListing:
        """See `InputKind`."""
        file = ArchiveFile(name, identify_file(name))
        try:
            with _OpenArchive(file) as archive:
                _check_overlaps(archive.infolist())
                members = [
                    _list_member(file, archive, info, path, is_wanted)
                    for info, path in _list_paths(archive).values()
                    if not is_in_hidden_folder(path)
                ]
        except AudioError as e:
            return InputListing(problem=e)
        except OSError as e:
            text = f"the archive cannot be read: {describe_os_error(e)}"
            return InputListing(problem=AudioError(text, "open", "unreadable"))
        except _READING_ERRORS as e:
            text = f"is not a zip archive that can be read: {e}; copy or make it again"
            return InputListing(problem=AudioError(text, "open", "not audio"))
        return InputListing(files=tuple(members))


def _list_paths(archive: zipfile.ZipFile) -> dict[str, tuple[zipfile.ZipInfo, str]]:
    """Return the files in an archive by their paths; the last one if several have one path, as in unzip."""
    members: dict[str, tuple[zipfile.ZipInfo, str]] = {}
    for info in archive.infolist():
        path = normalize_member_path(info.filename)
        members.pop(path, None)
        if not info.is_dir() and path:
            members[path] = info, path
    return members


def _list_member(
    file: ArchiveFile,
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    path: str,
    is_wanted: Callable[[str], bool],
) -> ListedFile:
    if not is_wanted(path):
        return ListedFile(path=path)
    identity = FileIdentity(info.file_size, None, f"crc32 {info.CRC:08x}")
    problem = find_path_problem(path) or _find_member_problem(info)
    if problem:
        return ListedFile(path=path, source=problem, identity=identity)
    first_bytes = None
    if needs_first_bytes(get_extension(path)):
        try:
            with archive.open(info) as member:
                first_bytes = read_first_bytes(member)
        except _READING_ERRORS:  # it is treated as audio, so that the run reports it
            first_bytes = None
    source = ZipMember(file, info.filename)
    return ListedFile(path=path, source=source, identity=identity, first_bytes=first_bytes)


def _find_member_problem(info: zipfile.ZipInfo) -> UnusableSource | None:
    if stat.S_ISLNK(info.external_attr >> 16):
        return UnusableSource("is a link, which is not followed in an archive; give the file itself", REFUSED)
    if info.flag_bits & 1:
        return UnusableSource("is encrypted in its archive; unpack it, and give the file", REFUSED)
    if info.compress_type not in _COMPRESSIONS:
        method = _OTHER_METHODS.get(info.compress_type, f"method {info.compress_type}")
        return UnusableSource(
            f"is packed by {method} in its archive, and only deflate is read; make the archive again", REFUSED
        )
    return find_size_problem(info.file_size, info.compress_size)


def _check_overlaps(infos: list[zipfile.ZipInfo]) -> None:
    """Refuse members that share bytes, by which a small archive can have any number of large members.

    Raises:
        AudioError: two members overlap.
    """
    end, previous = 0, ""
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise AudioError(
                f"its members {previous!r} and {info.filename!r} overlap, as in an archive that is made to "
                "fill a disk; make the archive again",
                "open",
                REFUSED,
            )
        end, previous = info.header_offset + info.compress_size, info.filename


KIND = ZipKind()
