"""Checks folders and names before files are written, opens files safely, and brings data to the disk."""

import contextlib
import os
import stat
from pathlib import Path
from typing import BinaryIO, cast

from specfeat.errors import OutputError, Remedy, UsageError
from specfeat.files import describe_os_error, format_path

# --- folders and names ---------------------------------------------------------------------------


def is_folder(path: Path) -> bool:
    """Return whether a path leads to a folder; False if the system does not tell."""
    return os.path.isdir(path)  # pathlib raises an error on long names


def is_existing_folder(path: Path) -> bool:
    """Return whether a path leads to a folder.

    Raises:
        OutputError: the system does not tell.
    """
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as e:
        raise OutputError(f"{path}: the folder cannot be examined: {describe_os_error(e)}") from e


def is_real_folder(path: Path) -> bool:
    """Return whether a path is a folder, and not a link to a folder.

    Raises:
        OSError: there is nothing with this path.
    """
    return stat.S_ISDIR(path.lstat().st_mode)


def find_folder_problem(folder: Path) -> str:
    """Return why no file can be created in an existing folder; "" if a file can be created."""
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "its file system is read-only"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "permission denied"


def find_name_problem(path: Path) -> str:
    """Return why the file system refuses a name, e.g. one of more than 255 bytes; "" if it accepts it."""
    try:
        path.lstat()
    except FileNotFoundError:
        return ""
    except OSError as e:
        return describe_os_error(e)
    return ""


def check_new_path(path: str | Path, *, force: bool) -> None:
    """Check that a file may be written: that nothing has its path yet, or that it may be replaced.

    A link counts as an existing file, even if it leads nowhere.

    Args:
        path: the path of the file.
        force: whether an existing file may be replaced.

    Raises:
        UsageError: something with this path exists already.
    """
    if not force and os.path.lexists(path):
        raise UsageError(
            f"{format_path(os.fspath(path))}: exists already", remedy=Remedy.RENAME_OR_REPLACE_OUTPUT
        )


def is_on_same_file_system(path: Path, other: Path) -> bool:
    """Return whether files can be moved from one folder to another by renaming them.

    Raises:
        OSError: one of the folders does not exist.
    """
    return path.stat().st_dev == other.stat().st_dev


# --- opening, reading and writing ----------------------------------------------------------------


def open_regular_file(path: Path, mode: str = "rb", buffering: int = -1) -> BinaryIO:
    """Open a file in a work folder. It must be a regular file, and not a link.

    Another program may have created a link or a FIFO with this name. Through a link, the run would write to a
    file of another program, and opening a FIFO would wait for its other end.

    Args:
        path: the path of the file.
        mode: the mode for Python's `open`.
        buffering: the size of the buffer for Python's `open`.

    Raises:
        UsageError: the path is a link, or not a regular file.
        OSError: the file cannot be opened.
    """
    return cast("BinaryIO", open(path, mode, buffering, opener=_open_regular))


def _open_regular(name: str, flags: int) -> int:
    if Path(name).is_symlink():
        raise UsageError(f"{name}: is a link, which specfeat never makes; remove it")
    # The file is truncated only after it is known to be a regular file.
    descriptor = os.open(name, flags & ~os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{name}: is not a regular file, so specfeat has not made it; remove it")
    if flags & os.O_TRUNC:
        os.ftruncate(descriptor, 0)
    return descriptor


def read_first_bytes(path: Path, count: int) -> bytes | None:
    """Return the first bytes of a file, or the whole file if it is shorter; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return None


def write_fully(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    """Write all of `data` at an offset of a file, although one system call may write only a part of it."""
    view = memoryview(data)
    remaining = view.cast("B") if view.nbytes else b""  # an empty view of an array cannot be cast
    while remaining:
        count = os.pwrite(descriptor, remaining, offset)
        remaining, offset = remaining[count:], offset + count


def sync_open_file(file: BinaryIO) -> None:
    """Bring every byte of an open file to the disk.

    Raises:
        OSError: the disk refuses.
    """
    file.flush()
    os.fsync(file.fileno())


def sync_file(path: Path) -> None:
    """Bring every byte of a file to the disk, even if another process has written the file.

    Raises:
        OSError: the disk refuses.
    """
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_tree(folder: Path) -> None:
    """Bring every byte of all files in a folder and its subfolders, and their names, to the disk.

    Raises:
        OSError: the disk refuses.
    """
    for path, _, names in os.walk(folder):
        for name in names:
            sync_file(Path(path, name))
        sync_folder(Path(path))


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, so that renames in it survive a power failure."""
    with contextlib.suppress(OSError):  # a folder that may not be read cannot be synced
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
