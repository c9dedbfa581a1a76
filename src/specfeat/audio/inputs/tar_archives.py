"""Tar archives and WebDataset shards: each audio file in one is a sound.

The format: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html and the manual of GNU tar.
"""

import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, cast

from specfeat.audio.ambiguous_files import FIRST_BYTES, needs_first_bytes
from specfeat.audio.inputs.base import InputKind, InputListing, ListedFile, UnusableSource
from specfeat.audio.inputs.copies import LastOpened, copy_bytes
from specfeat.audio.inputs.members import (
    REFUSED,
    ArchiveFile,
    find_path_problem,
    find_size_problem,
    is_in_hidden_folder,
    normalize_member_path,
)
from specfeat.audio.inputs.tar_bytes import TarBytes, find_compression
from specfeat.errors import AudioError
from specfeat.files import FileIdentity, describe_os_error, get_extension, identify_file
from specfeat.sound import SoundSource

# What tarfile raises for archives that are damaged.
# RecursionError: tarfile reads each of a chain of extended headers in a call of its own.
_READING_ERRORS = (tarfile.TarError, ValueError, OverflowError, RecursionError)


def _open_archive(file: ArchiveFile) -> TarBytes:
    content = TarBytes(file.path)
    try:
        file.check_unchanged(content.packed_file)
    except BaseException:  # after an error here, no caller can close the file
        content.close()
        raise
    return content


# A compressed archive can only be read forward, so a worker continues at the place where it has stopped.
_LAST_ARCHIVE = LastOpened[ArchiveFile, TarBytes](_open_archive)


@dataclass(frozen=True, slots=True)
class TarMember(SoundSource):
    """A member of a tar archive.

    Attributes:
        archive: the archive.
        place: where its bytes begin in the tar, after unpacking.
        size: its size in bytes.
    """

    archive: ArchiveFile
    place: int
    size: int

    def open_file(self) -> IO[bytes]:
        """See `SoundSource`."""
        try:
            content = _LAST_ARCHIVE.open(self.archive)
            content.seek(self.place)
            return copy_bytes(content.read, self.size)
        except _READING_ERRORS as e:
            raise AudioError(
                f"cannot be read from its archive: {e}; copy or make the archive again", "open", "broken"
            ) from e


class TarKind(InputKind):
    """Tar archives, by their extensions: plain, and compressed with gzip or zstd."""

    def is_kind_of(self, name: str) -> bool:
        """See `InputKind`."""
        return find_compression(name) is not None and os.path.isfile(name)

    def list_files(self, name: str, is_wanted: Callable[[str], bool]) -> InputListing:
        """See `InputKind`; all of a compressed archive is read once, for the checksums of its members."""
        members: dict[str, ListedFile] = {}
        problem = None
        try:
            archive = ArchiveFile(name, identify_file(name))
            with TarBytes(name) as content:
                reader = _MemberReader(archive, content, is_wanted)
                for member in reader.read_members():
                    members.pop(member.path, None)  # the last of several with one path is used, as in tar
                    members[member.path] = member
        except AudioError as e:
            problem = e
        except _READING_ERRORS as e:
            count = len(members)
            where = f"breaks off after {count:,} of its files" if count else "is not a tar archive"
            text = f"{where}: {e}; copy or make it again"
            problem = AudioError(text, "open", "broken" if count else "not audio")
        except OSError as e:
            text = f"the archive cannot be read: {describe_os_error(e)}"
            problem = AudioError(text, "open", "unreadable")
        return InputListing(files=tuple(members.values()), problem=problem)


class _MemberReader:
    """Reads the headers of a tar archive, and the checksums of the members if they are compressed."""

    def __init__(self, archive: ArchiveFile, content: TarBytes, is_wanted: Callable[[str], bool]) -> None:
        self._archive = archive
        self._content = content
        self._is_wanted = is_wanted

    def read_members(self) -> Iterator[ListedFile]:
        """Yield the files in the archive that are not in hidden folders.

        Raises:
            AudioError: the archive is made to cause harm, or breaks off.
            tarfile.TarError: the archive is damaged.
        """
        file = cast("IO[bytes]", self._content)  # it has the methods that tarfile calls
        with tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
            end = -1
            while (info := tar.next()) is not None:
                # So that the memory does not grow with the archive; the attribute is documented nowhere.
                vars(tar)["members"].clear()
                if info.offset <= end or info.size < 0:  # a loop without end, CVE-2025-8194
                    raise AudioError("has a header with a negative size; make it again", "open", REFUSED)
                end = info.offset
                path = normalize_member_path(info.name)
                if path and not info.isdir() and not is_in_hidden_folder(path):
                    yield self._list_member(info, path)
            if self._content.last_block.strip(b"\0"):
                # tarfile takes a damaged header for the end of the archive.
                raise tarfile.ReadError("a header is damaged")

    def _list_member(self, info: tarfile.TarInfo, path: str) -> ListedFile:
        if not self._is_wanted(path):
            return ListedFile(path=path)
        version = f"archive {self._archive.identity.mtime_ns}"
        identity = FileIdentity(info.size, None, version)
        problem = find_path_problem(path) or _find_member_problem(info)
        if problem:
            return ListedFile(path=path, source=problem, identity=identity)
        first_bytes = None
        if needs_first_bytes(get_extension(path)):
            first_bytes = self._content.read(min(FIRST_BYTES, info.size))
        if self._content.is_compressed:
            checksum = zlib.crc32(first_bytes or b"")
            for block in self._content.read_blocks(info.size - len(first_bytes or b"")):
                checksum = zlib.crc32(block, checksum)
            identity = FileIdentity(info.size, None, f"crc32 {checksum:08x}")
        source = TarMember(self._archive, info.offset_data, info.size)
        return ListedFile(path=path, source=source, identity=identity, first_bytes=first_bytes)


def _find_member_problem(info: tarfile.TarInfo) -> UnusableSource | None:
    if info.issym() or info.islnk():
        return UnusableSource("is a link, which is not followed in an archive; give the file itself", REFUSED)
    if not info.isreg():
        return UnusableSource("is not a file but a device in its archive; leave it out", REFUSED)
    if info.issparse():
        return UnusableSource(
            "is stored with holes (as a sparse file) in its archive; unpack it, and give the file", REFUSED
        )
    return find_size_problem(info.size, info.size)


KIND = TarKind()
