"""Facts about files: their names as text, their identity and their SHA-256; also system errors as sentences.

Only this module converts an `OSError` to text, computes the SHA-256 of a file, or decides whether two names
lead to the same file. The module `file_access` opens and writes files safely.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, NamedTuple

from specfeat.errors import OutputError, escape_control_characters

# --- names ---------------------------------------------------------------------------------------


def format_path(name: str) -> str:
    """Return a file name as text that is one line on a terminal, even if the name is not UTF-8."""
    return escape_control_characters(os.fsencode(name).decode("utf-8", "backslashreplace"))


def to_record_name(path: str) -> str:
    """Return a path in the form that index, journal and record have.

    The bytes of the path are decoded as UTF-8, with surrogates for bytes that are not UTF-8. So the text does
    not depend on the locale.
    """
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def from_record_name(name: str) -> str:
    """Return the path for a name from index, journal or record: the inverse of `to_record_name`."""
    return os.fsdecode(name.encode("utf-8", "surrogateescape"))


# --- identity ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Size and time of a file. A later run compares them to see whether the file has changed.

    Attributes:
        size: the size in bytes; None if the file could not be read.
        mtime_ns: the time of the last change, in nanoseconds since 1970; None if the file could not be read,
            or has no such time.
        version: a checksum or another text that changes with the content, for a sound that is not a file of
            its own, e.g. "crc32 3610a686"; None if there is none.
    """

    size: int | None
    mtime_ns: int | None
    version: str | None = None


UNREADABLE_FILE = FileIdentity(None, None)


def identify_file(path: str) -> FileIdentity:
    """Return a file's size and time of the last change; `UNREADABLE_FILE` if they cannot be read.

    Call this before the file is read. If the file changes while it is read, the next run then notices it.
    """
    try:
        status = os.stat(path)  # pathlib turns "" into "." and "a/" into "a"
    except (OSError, ValueError):
        return UNREADABLE_FILE
    return FileIdentity(status.st_size, status.st_mtime_ns)


def identify_open_file(file: IO[bytes]) -> FileIdentity:
    """Return the size and time of an open file; see `identify_file`."""
    status = os.fstat(file.fileno())
    return FileIdentity(status.st_size, status.st_mtime_ns)


def read_size(path: Path) -> int:
    """Return a file's size in bytes.

    Raises:
        OSError: the file cannot be read.
    """
    return path.stat().st_size


def read_file_size(path: str) -> int:
    """Return a file's size in bytes; 0 if the file cannot be read."""
    return identify_file(path).size or 0


def inspect_file(path: str) -> tuple[Literal["file", "folder", "other"], int]:
    """Return the kind of the file that a path leads to, and its size in bytes.

    The kind "other" means a FIFO, a device or a socket.

    Raises:
        OSError: there is no such file, or it may not be examined.
        ValueError: no file can have this name.
    """
    status = os.stat(path)  # pathlib turns "" into "." and "a/" into "a"
    if stat.S_ISDIR(status.st_mode):
        return "folder", status.st_size
    return ("file" if stat.S_ISREG(status.st_mode) else "other"), status.st_size


def identify_inode(path: str) -> tuple[int, int] | None:
    """Return device and inode of a file, which are the same for all its names; None if there is no file."""
    try:
        status = os.stat(path)  # pathlib turns "" into "." and "a/" into "a"
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


class FileVersion(NamedTuple):
    """Numbers that identify a file and its content. They change when the file is replaced or written to.

    Attributes:
        device: the number of the device that the file is on.
        inode: the number of the file on this device.
        size: the size in bytes.
        mtime_ns: the time of the last change, in nanoseconds since 1970.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int


def identify_version(path: Path) -> FileVersion | None:
    """Return the version of a file, without following a link; None if there is no file."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return FileVersion(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def identify_weights_file(name: str) -> dict[str, object]:
    """Return facts that identify a regular file without reading it; no facts for other kinds of files.

    Size and time are not enough: two networks of one architecture have weights files of the same size, and a
    program can set the same time for both. Therefore the path, the inode and the time of the inode's last
    change are also part of the identity.
    """
    try:
        status = Path(name).stat()
        path = os.path.abspath(name)  # resolve would follow links, absolute would keep ".."
    except (OSError, ValueError):
        return {}
    if not stat.S_ISREG(status.st_mode):
        return {}
    return {
        "path": path,
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
        "inode": status.st_ino,
    }


def identify_file_state(path: Path) -> tuple[int, ...]:
    """Return numbers of which at least one changes whenever the file is written to or replaced.

    The time of the last change can be set back by a program; the time of the inode's change cannot.

    Raises:
        OSError: there is no such file, or it may not be examined.
    """
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def is_regular_file(path: Path) -> bool:
    """Return whether a path leads to a regular file, and not to a folder, a pipe or a device.

    Raises:
        OSError: there is no such file, or it may not be examined.
    """
    return stat.S_ISREG(path.stat().st_mode)


def is_same_file(descriptor: int, path: Path) -> bool:
    """Return whether `path` still names the file that is open with this descriptor."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


# --- hashes --------------------------------------------------------------------------------------


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def compute_sha256_of_files(paths: Sequence[Path]) -> str:
    """Return one SHA-256 for one or more files, in hexadecimal.

    For several files, this is the SHA-256 of the text that `sha256sum` prints for them in their own folder.

    Raises:
        OSError: a file cannot be read.
    """
    if len(paths) == 1:
        return compute_sha256(paths[0])
    lines = "".join(f"{compute_sha256(path)}  {path.name}\n" for path in paths)
    return hashlib.sha256(lines.encode()).hexdigest()


# --- errors --------------------------------------------------------------------------------------


def describe_os_error(error: Exception) -> str:
    """Return the system's text for an error; other errors, e.g. of a NUL in a name, have their own text."""
    return str(getattr(error, "strerror", None) or error)


@contextmanager
def wrap_os_errors(path: Path, action: str = "written") -> Iterator[None]:
    """Convert each `OSError` in the block to an `OutputError` that names the file.

    Args:
        path: the file with which the block works.
        action: the participle for the message "cannot be ...": "written", "read" or "removed".

    Raises:
        OutputError: the block raised an `OSError`.
    """
    try:
        yield
    except OSError as e:
        hint = "; free some space and run again" if e.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise OutputError(f"{path}: cannot be {action}: {describe_os_error(e)}{hint}") from e


def get_extension(path: str) -> str:
    """Return the extension of a file's name in lower case, without the dot; "" for a hidden file."""
    if path.rpartition("/")[2].startswith("."):
        return ""
    return os.path.splitext(path)[1][1:].lower()
