"""The files of a folder and its subfolders: their paths, their size and hash, and their removal."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from specfeat.files import compute_sha256, read_size


def iterate_files(folder: Path) -> Iterator[str]:
    """Yield the paths of all files in a folder and its subfolders, relative to the folder, in no fixed order.

    Raises:
        OSError: a folder cannot be read.
    """

    def raise_error(error: OSError) -> None:
        raise error

    for path, _, names in os.walk(folder, onerror=raise_error):
        yield from (os.path.relpath(Path(path, name), folder) for name in names)


def measure_size(path: Path) -> int:
    """Return the size of a file, or of all files in a folder together, in bytes.

    Raises:
        OSError: a file cannot be read.
    """
    if path.is_dir():
        return sum(read_size(path / name) for name in iterate_files(path))
    return read_size(path)


def compute_sha256_of_tree(path: Path) -> str:
    """Return the SHA-256 of a file or of a folder, in hexadecimal.

    For a folder, this is the SHA-256 of the lines that `sha256sum` prints for its files, sorted by the bytes
    of their paths.

    Raises:
        OSError: a file cannot be read.
    """
    if not path.is_dir():
        return compute_sha256(path)
    digest = hashlib.sha256()
    for name in sorted(map(os.fsencode, iterate_files(path))):
        digest.update(compute_sha256(path / os.fsdecode(name)).encode() + b"  " + name + b"\n")
    return digest.hexdigest()


def remove_tree(path: Path) -> None:
    """Remove a file, a link or a whole folder, without following links; nothing happens if there is none.

    Raises:
        OSError: it cannot be removed.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
