"""Lists the files below a folder, and the paths that could not be examined."""

import errno
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from specfeat.audio.inputs.base import STANDARD_INPUT, is_address
from specfeat.audio.path_filter import EVERY_PATH, PathFilter
from specfeat.errors import CHECK_PATH_HINT, UsageError
from specfeat.files import format_path

# A few links between folders can give an endless number of paths, so the search has a limit.
MAX_FOLDERS = 200_000


@dataclass(frozen=True, slots=True)
class FoundPath:
    """A path that the search has found.

    Attributes:
        path: the path, relative to the folder that is searched.
        is_unreadable: whether the path is, or may be, a folder that cannot be read; otherwise it is a file.
    """

    path: str
    is_unreadable: bool = False


@dataclass(frozen=True, slots=True)
class _WaitingFolder:
    """A folder that the search has still to list.

    Attributes:
        path: the path of the folder, relative to the folder that is searched; "" for the searched folder.
        real_path: the absolute path of the folder without links.
        parents: the folders that lead to this folder. For each of them it has two items: device and inode,
            and the path without links. A link back to a parent is found if one of the two is the same,
            because on some network disks the inode of a folder changes.
    """

    path: str
    real_path: str
    parents: frozenset[tuple[int, int] | str] = frozenset()


def list_files_below(folder: str, path_filter: PathFilter = EVERY_PATH) -> Iterator[FoundPath]:
    """Yield the files below a folder, and the folders below it that cannot be read, in any order.

    The search does not enter hidden folders. It enters a link to a folder, unless the link leads back to a
    folder that contains the link. Files and folders that the filter leaves out are not found.

    Args:
        folder: the folder to search.
        path_filter: chooses the files by their paths below the folder.

    Raises:
        OSError: the folder itself cannot be read.
        UsageError: links in the folder lead to too many folders.
    """
    waiting_folders = [_WaitingFolder("", os.path.realpath(folder))]
    entered_folders = 0
    while waiting_folders:
        current = waiting_folders.pop()
        try:
            listed = _list_folder(os.path.join(folder, current.path) if current.path else folder, current)
        except OSError:
            if not current.path:
                raise
            yield FoundPath(current.path, is_unreadable=True)
            continue
        entered_folders += listed.is_entered
        if entered_folders > MAX_FOLDERS:
            raise UsageError(f"{format_path(folder)}: links in it lead to over {MAX_FOLDERS:,} folders")
        for found in listed.paths:
            is_chosen = path_filter.enters_folder if found.is_unreadable else path_filter.takes_file
            if is_chosen(found.path):
                yield found
        waiting_folders += [child for child in listed.folders if path_filter.enters_folder(child.path)]


@dataclass(frozen=True, slots=True)
class _ListedFolder:
    """The content of one folder.

    Attributes:
        is_entered: whether the folder was listed; False if it is one of its own parents.
        paths: the files in the folder, and the paths in it that cannot be examined and may be folders.
        folders: the folders in the folder, which the search has still to list.
    """

    is_entered: bool
    paths: list[FoundPath]
    folders: list[_WaitingFolder]


def _list_folder(full_path: str, folder: _WaitingFolder) -> _ListedFolder:
    """List one folder, without the folders in it.

    Raises:
        OSError: the folder cannot be read.
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
            listed.paths.append(FoundPath(path, is_unreadable=True))
        else:
            listed.folders.append(_WaitingFolder(path, _find_real_path(entry, folder.real_path), parents))
    return listed


def _is_folder(entry: "os.DirEntry[str]") -> bool | None:
    """Return whether an entry is a folder or a link to one; None if the system does not tell."""
    try:
        return entry.is_dir()
    except OSError as e:
        # A link to itself, or to a path below a file, leads to no folder. After every other error (no
        # permission, an error of the disk, a network disk that does not answer) there may be a folder.
        return False if e.errno in (errno.ELOOP, errno.ENOTDIR) else None


def _find_real_path(entry: "os.DirEntry[str]", real_parent: str) -> str:
    """Return the absolute path of a folder without links."""
    if entry.is_symlink():
        return os.path.realpath(entry.path)
    return os.path.join(real_parent, entry.name)


def is_missing(path: str) -> bool:
    """Return whether the system says that nothing has this path; False if the system does not tell."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return True
    except OSError as e:
        return e.errno == errno.ENAMETOOLONG
    return False


def check_inputs_exist(names: Iterable[str]) -> None:
    """Check that something has each of these paths; to be called before anything that takes time.

    Addresses, and the name of standard input, are not paths.

    Raises:
        UsageError: nothing has one of the paths.
    """
    for name in names:
        if is_missing(name) and name != STANDARD_INPUT and not is_address(name):
            raise UsageError(f"{format_path(name)}: no such file or folder; {CHECK_PATH_HINT}")


def is_hidden_by_error(path: str) -> bool:
    """Return whether an error of the system hides whether this path exists.

    The reasons are a missing permission, an error of the disk, or a network disk that does not answer.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as e:
        return e.errno != errno.ELOOP  # a link to itself leads to nothing
    return False
