"""Lists the files below a folder, and says what could not be looked at."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass

from specfeat.errors import UsageError
from specfeat.files import format_path

# Links from folder to folder can give more paths to walk than there is time for.
MAX_FOLDERS = 200_000


@dataclass(frozen=True, slots=True)
class FoundPath:
    """A path below a folder, relative to it.

    Attributes:
        path: the path.
        is_unread: whether it is, or may be, a folder that could not be read; otherwise it is a file.
    """

    path: str
    is_unread: bool = False


@dataclass(frozen=True, slots=True)
class _WaitingFolder:
    """A folder that is still to be listed.

    Attributes:
        path: the path below the folder that is searched; "" for that folder.
        real_path: its path without links.
        parents: device and inode, and the path without links, of each folder that leads to it. Both are
            compared, because on some network disks the inode of a folder changes.
    """

    path: str
    real_path: str
    parents: frozenset[tuple[int, int] | str] = frozenset()


def list_files_below(folder: str) -> Iterator[FoundPath]:
    """Yield the files below a folder, and the folders below it that could not be read, in no order.

    A hidden folder is not entered. A link to a folder is entered, unless it leads back to a folder that it is
    in.

    Raises:
        OSError: the folder itself cannot be read.
        UsageError: links in it lead to too many folders.
    """
    waiting = [_WaitingFolder("", os.path.realpath(folder))]
    entered = 0
    while waiting:
        current = waiting.pop()
        try:
            listed = _list_folder(os.path.join(folder, current.path) if current.path else folder, current)
        except OSError:
            if not current.path:
                raise
            yield FoundPath(current.path, is_unread=True)
            continue
        entered += listed.is_entered
        if entered > MAX_FOLDERS:
            raise UsageError(f"{format_path(folder)}: links in it lead to over {MAX_FOLDERS:,} folders")
        yield from listed.paths
        waiting += listed.folders


@dataclass(frozen=True, slots=True)
class _ListedFolder:
    """What is in a folder.

    Attributes:
        is_entered: whether it was listed; False if it is one of its own parents.
        paths: its files, and what may be a folder that cannot be looked at.
        folders: the folders in it that are still to be listed.
    """

    is_entered: bool
    paths: list[FoundPath]
    folders: list[_WaitingFolder]


def _list_folder(full_path: str, folder: _WaitingFolder) -> _ListedFolder:
    """List a folder.

    Raises:
        OSError: it cannot be read.
    """
    status = os.stat(full_path)
    entries = list(os.scandir(full_path))
    identity: frozenset[tuple[int, int] | str] = frozenset(
        {
            (status.st_dev, status.st_ino),
            folder.real_path,
        }
    )
    if identity & folder.parents:
        return _ListedFolder(False, [], [])
    parents = folder.parents | identity
    listed = _ListedFolder(True, [], [])
    for entry in entries:
        path = f"{folder.path}/{entry.name}" if folder.path else entry.name
        is_folder = _is_folder(entry)
        if is_folder is False:
            listed.paths.append(FoundPath(path))
        elif entry.name.startswith("."):
            continue
        elif is_folder is None:
            listed.paths.append(FoundPath(path, is_unread=True))
        else:
            listed.folders.append(_WaitingFolder(path, _find_real_path(entry, folder.real_path), parents))
    return listed


def _is_folder(entry: "os.DirEntry[str]") -> bool | None:
    """Return whether an entry is a folder or a link to one; None if that cannot be found out."""
    try:
        return entry.is_dir()
    except OSError as e:
        # A link to itself, or to a place below a file, leads to no folder. Every other error (no permission,
        # an error of the disk, a network disk that does not answer) may hide one.
        return False if e.errno in (errno.ELOOP, errno.ENOTDIR) else None


def _find_real_path(entry: "os.DirEntry[str]", real_parent: str) -> str:
    """Return the path of a folder without links."""
    if entry.is_symlink():
        return os.path.realpath(entry.path)
    return os.path.join(real_parent, entry.name)


def is_missing(path: str) -> bool:
    """Return whether the system says that nothing has this name; False if that cannot be found out."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return True
    except OSError as e:
        return e.errno == errno.ENAMETOOLONG
    return False


def is_hidden_by_error(path: str) -> bool:
    """Return whether something may be there that cannot be looked at.

    The reasons are a missing permission, an error of the disk, or a network disk that does not answer.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as e:
        return e.errno != errno.ELOOP  # a link to itself leads to nothing
    return False
