"""Where the output goes, and how a single file appears there whole or not at all."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from specfeat.errors import EXTRACT_USAGE_HINT, OutputError, UsageError

# Endings of what else holds tables and arrays.
OTHER_FORMAT_SUFFIXES = frozenset({
    ".arff", ".ark", ".arrow", ".csv", ".feather", ".h5", ".hdf5", ".json", ".jsonl", ".mat", ".npz",
    ".parquet", ".pickle", ".pkl", ".pt", ".pth", ".safetensors", ".tsv", ".txt", ".zarr",
})  # fmt: skip
# Of sound: with such a name the output was forgotten, and the array would be the next run's broken input.
AUDIO_SUFFIXES = frozenset({
    ".aac", ".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus",
    ".rf64", ".sph", ".w64", ".wav", ".wave", ".wma",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutputPaths:
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
            UsageError: the output is a folder or a link, its name is too long or promises another format, or
                its folder does not exist.
            OutputError: its folder may not be written to.
        """
        folder = self.array.parent
        if not _is_folder(folder):
            raise UsageError(f"{folder}: no such folder for the output; make it first: mkdir -p {folder}")
        if self.array.name in ("", ".", "..") or os.path.isdir(self.array):  # noqa: PTH112  pathlib raises on long names
            example = self.array / "out.npy"
            raise UsageError(f"{self.array}: is a folder; wanted the output's file name, e.g. {example}")
        self._check_kind()
        refused = f"{folder}: the folder may not be written to"
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            raise OutputError(f"{refused}: its file system is read-only")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"{refused}: permission denied")
        self._check_names()
        self._check_links()

    def _check_kind(self) -> None:
        """Refuse a name that promises another format: who reads it would be told of a broken file."""
        if (
            self.array.suffix.lower() in AUDIO_SUFFIXES and not self.array.exists()
        ):  # one that does has better words
            raise UsageError(
                f"{self.array}: is named like sound, and the output is an array of NumPy; {EXTRACT_USAGE_HINT}"
            )
        if self.array.suffix.lower() in OTHER_FORMAT_SUFFIXES:
            example = self.array.with_suffix(".npy")
            raise UsageError(f"{self.array}: the output is an array of NumPy; name it {example}")

    def _check_names(self) -> None:
        """Refuse names that the file system does not bear, e.g. of more than 255 bytes."""
        for path in (*self.files, self.work):
            try:
                path.lstat()
            except FileNotFoundError:
                pass
            except OSError as e:
                raise UsageError(f"{path}: {e.strerror}; give the output another name") from e

    def _check_links(self) -> None:
        """Refuse to put a file where a link is: what it leads to would stay as it is, unseen."""
        for path in self.files:
            if path.is_symlink():
                target = path.readlink()
                raise UsageError(f"{path}: is a link to {target}; name the file itself")

    def check_files(self) -> None:
        """Refuse to replace what is no output of specfeat's, even with --force.

        Raises:
            UsageError: one of the files is a folder, a device, or a file that is no array.
        """
        for path in self.files:
            if os.path.lexists(path) and not path.is_file():
                raise UsageError(f"{path}: is not a regular file; wanted the output's file name")
        if self.array.exists() and not _is_array(self.array):
            wanted = "wanted INPUTS... and then OUTPUT, e.g. out.npy"
            raise UsageError(f"{self.array}: is no array, so it is not replaced; {wanted}")

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

    def sibling(self, name: str) -> "OutputPaths | None":
        """Return the output of another name that shares this one's work folder: `out` and `out.npy` do."""
        try:
            place = OutputPaths(self.array.with_name(name))
        except ValueError:
            return None
        return place if place.work == self.work else None

    def standing(self) -> tuple[tuple[int, ...] | None, ...]:
        """Return by what each of the three files is known again: inode, size and time; None for none."""
        return tuple(_identity(path) for path in self.files)

    def without_own(self, paths: Iterable[str]) -> list[str]:
        """Leave out what is one of the output's files, or in its work folder, however it is reached."""
        real = cache(os.path.realpath)
        folder = real(self.array.parent)
        own = {path.name for path in self.files}
        work = f"{Path(folder, self.work.name)}/"

        def is_own(path: str) -> bool:
            inside, name = os.path.split(path)
            inside = real(inside or ".")
            return f"{inside}/".startswith(work) or (inside == folder and name in own)

        return [path for path in paths if not is_own(path)]

    def check_apart_from(self, inputs: Iterable[str]) -> None:
        """Refuse to write over what is to be read.

        Raises:
            UsageError: an input is one of the output's files, or in its work folder.
        """
        own = {_file_of(os.fspath(path)) for path in self.files} - {None}
        inner = {_file_of(os.fspath(path)) for path in self.work.rglob("*")} - {None}
        for path in inputs:
            file = _file_of(path)
            if file in own:
                raise UsageError(f"{self.array}: would be written over the input {path!r}; give another name")
            if file in inner:
                raise UsageError(f"{path}: lies in the work folder {self.work}; move it elsewhere")


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as e:
        raise OutputError(f"{path}: the folder cannot be looked at: {e.strerror}") from e


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _file_of(path: str) -> tuple[int, int] | None:
    """Return what two names of one file have in common; None if there is no file."""
    try:
        status = os.stat(path)  # noqa: PTH116  to pathlib "" is ".", and a/ is a
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _is_array(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(6) in (b"\x93NUMPY", b"")
    except OSError:
        return True  # what it is does not matter: replacing it will say why it cannot be


class AtomicFile:
    """A file that is being written beside its place, under a hidden name.

    Nothing is at `path` until `finish`; whatever stood there before stays until then.

    Attributes:
        file: it, in the `with` block.
    """

    file: BinaryIO

    def __init__(self, path: Path) -> None:
        self.path = path
        self._finishing = False
        self._hidden = path.with_name(f".{path.name}.{os.getpid()}.partial")

    def settle(self) -> None:
        """Bring every byte to the disk."""
        with wrap_os_errors(self.path):
            self.file.flush()
            os.fsync(self.file.fileno())

    def finish(self) -> None:
        """Rename the file, settled before, into its place."""
        with wrap_os_errors(self.path):
            self.file.close()
            self._finishing = True
            self._hidden.replace(self.path)

    @property
    def finished(self) -> bool:
        """Whether the file is in its place."""
        return self._finishing and not self._hidden.exists()

    def discard(self) -> None:
        """Remove the file, unless it is in its place already."""
        self._finishing = self.finished
        with contextlib.suppress(OSError, AttributeError):  # it may not fit on the disk; or was not opened
            self.file.close()
        with contextlib.suppress(OSError):
            self._hidden.unlink()

    def __enter__(self) -> "AtomicFile":
        try:
            with wrap_os_errors(self.path):
                self.file = self._hidden.open("w+b")
        except BaseException:  # a signal may come when it is there already
            self.discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.discard()


@contextmanager
def wrap_os_errors(path: Path, done: str = "written") -> Iterator[None]:
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


def open_regular_file(path: Path, mode: str = "rb", buffering: int = -1) -> BinaryIO:
    """Open a file of a work folder: a regular one, through no link; what would make a reader wait is refused.

    Raises:
        UsageError: it is something else.
        OSError: it cannot be opened.
    """
    return cast("BinaryIO", open(path, mode, buffering, opener=_open_regular))


def _open_regular(name: str, flags: int) -> int:
    if Path(name).is_symlink():
        raise UsageError(f"{name}: is a link, so it is none of specfeat's; remove it")
    descriptor = os.open(name, flags & ~os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{name}: is not a regular file, so it is none of specfeat's; remove it")
    if flags & os.O_TRUNC:
        os.ftruncate(descriptor, 0)
    return descriptor


def is_same_file(descriptor: int, path: Path) -> bool:
    """Tell whether an open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def write_fully(descriptor: int, data: bytes | memoryview, at: int) -> None:
    """Write all of `data` at a place of a file; the system may take a part at a time."""
    whole = memoryview(data)
    rest = whole.cast("B") if whole.nbytes else b""
    while rest:
        count = os.pwrite(descriptor, rest, at)
        rest, at = rest[count:], at + count


def sync_folder(folder: Path) -> None:
    """Bring the renames in a folder to the disk."""
    with contextlib.suppress(OSError):  # a folder that may not be read cannot be synced, either
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
