"""Where the output goes, and how a single file appears there whole or not at all."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from specfeat.errors import EXTRACT_USAGE_HINT, OutputError, UsageError
from specfeat.files import FileVersion, describe_os_error, identify_inode, identify_version

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
    def work_folder(self) -> Path:
        """`out.partial` beside `out.npy`: the folder of what is done so far."""
        return self._beside("partial")

    @property
    def files(self) -> tuple[Path, Path, Path]:
        """Array, index and record."""
        return self.array, self.index, self.record

    def _beside(self, ending: str) -> Path:
        return self.array.with_name(f"{self.array.name.removesuffix('.npy')}.{ending}")

    def check_writable(self) -> None:
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
        self._check_suffix()
        refused = f"{folder}: the folder may not be written to"
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            raise OutputError(f"{refused}: its file system is read-only")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"{refused}: permission denied")
        self._check_names()
        self._check_links()

    def _check_suffix(self) -> None:
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
        for path in (*self.files, self.work_folder):
            try:
                path.lstat()
            except FileNotFoundError:
                pass
            except OSError as e:
                raise UsageError(f"{path}: {describe_os_error(e)}; give the output another name") from e

    def _check_links(self) -> None:
        """Refuse to put a file where a link is: what it leads to would stay as it is, unseen."""
        for path in self.files:
            if path.is_symlink():
                target = path.readlink()
                raise UsageError(f"{path}: is a link to {target}; name the file itself")

    def check_replaceable(self) -> None:
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

    def check_absent(self) -> None:
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

    def find_output(self, name: str) -> "OutputPaths | None":
        """Return the output of another name that shares this one's work folder: `out` and `out.npy` do."""
        try:
            place = OutputPaths(self.array.with_name(name))
        except ValueError:
            return None
        return place if place.work_folder == self.work_folder else None

    def identify_versions(self) -> tuple[FileVersion | None, ...]:
        """Return by what each of the three files is known again: inode, size and time; None for none."""
        return tuple(identify_version(path) for path in self.files)

    def exclude_own_files(self, paths: Iterable[str]) -> list[str]:
        """Leave out what is one of the output's files, or in its work folder, however it is reached."""
        real = cache(os.path.realpath)
        folder = real(self.array.parent)
        own = {path.name for path in self.files}
        work = f"{Path(folder, self.work_folder.name)}/"

        def is_own(path: str) -> bool:
            inside, name = os.path.split(path)
            inside = real(inside or ".")
            return f"{inside}/".startswith(work) or (inside == folder and name in own)

        return [path for path in paths if not is_own(path)]

    def check_inputs(self, inputs: Iterable[str]) -> None:
        """Refuse to write over what is to be read.

        Raises:
            UsageError: an input is one of the output's files, or in its work folder.
        """
        own = {identify_inode(os.fspath(path)) for path in self.files} - {None}
        inner = {identify_inode(os.fspath(path)) for path in self.work_folder.rglob("*")} - {None}
        for path in inputs:
            file = identify_inode(path)
            if file in own:
                raise UsageError(f"{self.array}: would be written over the input {path!r}; give another name")
            if file in inner:
                raise UsageError(f"{path}: lies in the work folder {self.work_folder}; move it elsewhere")


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as e:
        raise OutputError(f"{path}: the folder cannot be looked at: {describe_os_error(e)}") from e


def _is_array(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(6) in (b"\x93NUMPY", b"")
    except OSError:
        return True  # what it is does not matter: replacing it will say why it cannot be
