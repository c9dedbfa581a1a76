"""Where the output goes, and how a single file appears there whole or not at all."""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from specfeat.errors import OutputError, UsageError


@dataclass(frozen=True, slots=True)
class Place:
    """The three files of one output; the array has exactly the name that was given."""

    array: Path

    @property
    def index(self) -> Path:
        """`out.index.csv` beside `out.npy`."""
        return self._beside("index.csv")

    @property
    def record(self) -> Path:
        """`out.run.json` beside `out.npy`."""
        return self._beside("run.json")

    @property
    def work(self) -> Path:
        """`out.partial` beside `out.npy`: the folder of what is done so far."""
        return self._beside("partial")

    @property
    def files(self) -> tuple[Path, Path, Path]:
        """Array, index and record."""
        return self.array, self.index, self.record

    def _beside(self, ending: str) -> Path:
        return self.array.with_name(f"{self.array.name.removesuffix('.npy')}.{ending}")

    def check_folder(self) -> None:
        """Refuse a place where nothing can be written, before any work.

        Raises:
            UsageError: the output is a folder, or its own does not exist.
            OutputError: its folder may not be written to.
        """
        folder = self.array.parent
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder for the output; make it first: mkdir -p {folder}")
        if self.array.name in ("", ".", "..") or self.array.is_dir():
            example = self.array / "out.npy"
            raise UsageError(f"{self.array}: is a folder; wanted the output's file name, e.g. {example}")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"{folder}: the folder may not be written to: permission denied")

    def check_files(self) -> None:
        """Refuse to replace what is no output of specfeat's, even with --force.

        Raises:
            UsageError: one of the files is a folder, a device, or a file that is no array.
        """
        for path in self.files:
            if os.path.lexists(path) and not path.is_file():
                raise UsageError(f"{path}: is not a regular file; wanted the output's file name")
        if self.array.exists() and not _is_array(self.array):
            raise UsageError(f"{self.array}: is not an array of NumPy's; --force replaces nothing else")

    def check_free(self) -> None:
        """Refuse to replace an output.

        Raises:
            UsageError: one of its files is there.
        """
        for path in self.files:
            if path.exists():
                raise UsageError(
                    f"{path}: exists already; give another name, --update to bring it up to date, "
                    "or --force to replace it"
                )

    def has(self, path: str) -> bool:
        """Tell whether a path is one of the output's files, or in its work folder."""
        whole = os.path.abspath(path)  # noqa: PTH100  as text: a link is a file of its own
        own = {os.path.abspath(mine) for mine in self.files}  # noqa: PTH100  likewise
        return whole in own or whole.startswith(f"{os.path.abspath(self.work)}/")  # noqa: PTH100  likewise

    def check_apart_from(self, inputs: Iterable[str]) -> None:
        """Refuse to write over what is to be read.

        Raises:
            UsageError: an input is one of the output's files.
        """
        own = {_file_of(os.fspath(path)) for path in self.files} - {None}
        for path in inputs if own else ():
            if _file_of(path) in own:
                raise UsageError(f"{self.array}: would be written over the input {path!r}; give another name")


def _file_of(path: str) -> tuple[int, int] | None:
    """Return what two names of one file have in common; None if there is no file."""
    try:
        status = os.stat(path)  # noqa: PTH116  a path may be bytes that pathlib would not keep
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _is_array(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(6) in (b"\x93NUMPY", b"")
    except OSError:
        return True  # what it is does not matter: replacing it will say why it cannot be


class Partial:
    """A file that is being written beside its place, under a hidden name.

    Nothing is at `path` until `finish`; whatever stood there before stays until then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hidden = path.with_name(f".{path.name}.{os.getpid()}.partial")
        with writing(path):
            self.file: BinaryIO = self._hidden.open("w+b")

    def settle(self) -> None:
        """Bring every byte to the disk."""
        with writing(self.path):
            self.file.flush()
            os.fsync(self.file.fileno())

    def finish(self) -> None:
        """Rename the file, settled before, into its place."""
        with writing(self.path):
            self.file.close()
            self._hidden.replace(self.path)

    def discard(self) -> None:
        """Remove the file, unless it is in its place already."""
        with contextlib.suppress(OSError):  # what is still to be written may not fit on the disk
            self.file.close()
        with contextlib.suppress(OSError):
            self._hidden.unlink()

    def __enter__(self) -> "Partial":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.discard()


@contextmanager
def writing(path: Path, done: str = "written") -> Iterator[None]:
    """Name the file in every failure to write it.

    Args:
        path: of the file.
        done: what it cannot be.

    Raises:
        OutputError: instead of OSError.
    """
    try:
        yield
    except OSError as e:
        hint = "; free some space and run again" if e.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise OutputError(f"{path}: cannot be {done}: {e.strerror}{hint}") from e


def write_all(descriptor: int, data: bytes | memoryview, at: int) -> None:
    """Write all of `data` at a place of a file; the system may take a part at a time."""
    whole = memoryview(data)
    rest = whole.cast("B") if whole.nbytes else b""
    while rest:
        count = os.pwrite(descriptor, rest, at)
        rest, at = rest[count:], at + count


def settle_folder(folder: Path) -> None:
    """Bring the renames in a folder to the disk."""
    with contextlib.suppress(OSError):  # a folder that may not be read cannot be synced, either
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
