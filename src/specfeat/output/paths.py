"""The paths of an output, and the checks of these paths before a run does any work."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specfeat.errors import EXTRACT_USAGE_HINT, OutputError, Remedy, UsageError
from specfeat.file_access import (
    find_folder_problem,
    find_name_problem,
    is_existing_folder,
    is_folder,
    is_real_folder,
    read_first_bytes,
)
from specfeat.files import FileVersion, identify_inode, identify_version
from specfeat.output.formats import (
    DEFAULT_FORMAT,
    OutputFormat,
    check_installed,
    find_format_name,
    get_format,
    is_format_extension,
    list_format_names,
)

if TYPE_CHECKING:
    import numpy as np

# Suffixes of file formats for tables and arrays. Those that specfeat does not write are refused, because a
# program that reads such a file would report that it is broken.
TABLE_SUFFIXES = frozenset({
    ".arff", ".ark", ".arrow", ".csv", ".feather", ".h5", ".hdf5", ".json", ".jsonl", ".mat", ".npz",
    ".parquet", ".pickle", ".pkl", ".pt", ".pth", ".safetensors", ".scp", ".tfrecord", ".tfrecords", ".tsv",
    ".txt", ".zarr",
})  # fmt: skip
# If OUTPUT has such a suffix, the user has probably forgotten OUTPUT, and this is the last input.
AUDIO_SUFFIXES = frozenset({
    ".aac", ".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus",
    ".rf64", ".sph", ".w64", ".wav", ".wave", ".wma",
})  # fmt: skip
# specfeat compresses nothing, so a program that reads a file with such a suffix could not decompress it.
COMPRESSION_SUFFIXES = frozenset({
    ".7z", ".br", ".bz2", ".gz", ".lz", ".lz4", ".lzma", ".rar", ".tar", ".tgz", ".xz", ".z", ".zip", ".zst",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutputPaths:
    """The files of one output; the array has exactly the name that the user gives.

    Attributes:
        array: the array.
        requested_format: the name of the format that the user asks for; "" for the format that belongs to the
            extension of the array.
    """

    array: Path
    requested_format: str = ""

    @property
    def index(self) -> Path:
        """`out.index.csv` beside `out.npy`, and `out.csv.index.csv` beside `out.csv`."""
        return self._make_sibling_path("index.csv")

    @property
    def record(self) -> Path:
        """`out.run.json` beside `out.npy`."""
        return self._make_sibling_path("run.json")

    @property
    def work_folder(self) -> Path:
        """`out.partial` beside `out.npy`: the work folder of a run."""
        return self._make_sibling_path("partial")

    @property
    def files(self) -> tuple[Path, Path, Path]:
        """Array, index and record."""
        return self.array, self.index, self.record

    @property
    def format_name(self) -> str:
        """The name of the array's format."""
        return self.requested_format or find_format_name(self.array)

    @property
    def format(self) -> OutputFormat:
        """The array's format."""
        return get_format(self.format_name)

    def _make_sibling_path(self, ending: str) -> Path:
        """Return the path of another file of the output: the array's name with another ending.

        Only the extension `.npy` is replaced. `v1.2` and `v1.3` must not have the same index, and `out.npy`
        and `out.parquet` can be two outputs of the same features.
        """
        has_default_suffix = self.array.suffix.lower() == f".{DEFAULT_FORMAT}"
        stem = self.array.stem if has_default_suffix else self.array.name
        return self.array.with_name(f"{stem}.{ending}")

    def check_writable(self) -> None:
        """Check, before any work is done, that an output can be written to these paths.

        Raises:
            UsageError: the array's path is a folder, one of the files is a link, a name is too long, the
                suffix belongs to another kind of file, or the folder does not exist.
            OutputError: the folder cannot be written to.
        """
        folder = self.array.parent
        if not is_existing_folder(folder):
            raise UsageError(f"{folder}: no such folder for the output; make it first: mkdir -p {folder}")
        self._check_suffix()
        is_other_folder = is_folder(self.array) and not self.format.is_folder
        if self.array.name in ("", ".", "..") or is_other_folder:
            example = self.array / "out.npy"
            raise UsageError(f"{self.array}: is a folder; wanted the output's file name, e.g. {example}")
        if problem := find_folder_problem(folder):
            raise OutputError(f"{folder}: the folder cannot be written to: {problem}")
        for path in (*self.files, self.work_folder):
            if problem := find_name_problem(path):
                raise UsageError(f"{path}: {problem}; give the output another name")
        for path in self.files:
            if path.is_symlink():  # the link would be replaced, and the file that it leads to would not
                raise UsageError(f"{path}: is a link to {path.readlink()}; name the file itself")

    def _check_suffix(self) -> None:
        """Check that the suffix is not that of audio, or of a format that specfeat does not write."""
        suffix = self.array.suffix.lower()
        # An audio file that exists is refused later, by `check_replaceable` or `check_inputs`, whose messages
        # say more about it.
        if suffix in AUDIO_SUFFIXES and not self.array.exists():
            raise UsageError(
                f"{self.array}: is named like audio, and the output is an array; {EXTRACT_USAGE_HINT}"
            )
        self._check_requested_format()
        if suffix in TABLE_SUFFIXES | COMPRESSION_SUFFIXES and not is_format_extension(self.array):
            known = " ".join(f".{name}" for name in sorted(list_format_names()))
            stem = self.array.with_suffix("")
            example = stem if is_format_extension(stem) else stem.with_name(f"{stem.name}.npy")
            raise UsageError(
                f"{self.array}: specfeat does not write {suffix} files, only {known}; name it {example}"
            )

    def _check_requested_format(self) -> None:
        """Check that the format exists and can be written, and that the name is not of another format."""
        check_installed(self.format_name)
        name_format = find_format_name(self.array)
        if is_format_extension(self.array) and name_format != self.format_name:
            example = self.array.with_suffix(f".{self.format_name}")
            raise UsageError(
                f"{self.array}: is named like {name_format}, and the format is {self.format_name}; "
                f"name it {example}"
            )

    def check_replaceable(self) -> None:
        """Check that the files at these paths may be replaced, if the user allows it.

        Of the array, only the first bytes are read.

        Raises:
            UsageError: one of the three paths is a folder or a device, or the file at the array's path does
                not begin like an array of its format.
        """
        is_folder_format = self.format.is_folder
        if is_folder_format and os.path.lexists(self.array) and not is_real_folder(self.array):
            raise UsageError(f"{self.array}: is not a folder, and the format is {self.format_name}")
        for path in (self.index, self.record) if is_folder_format else self.files:
            if os.path.lexists(path) and not path.is_file():
                raise UsageError(f"{path}: is not a regular file; wanted the output's file name")
        if self.array.exists() and not is_folder_format:
            magic = self.format.magic
            # An empty file can be replaced, because nothing is lost. If a file cannot be read (None), the
            # commit fails if it cannot be replaced either.
            if read_first_bytes(self.array, len(magic)) not in (magic, b"", None):
                is_named_like_audio = self.array.suffix.lower() in AUDIO_SUFFIXES
                hint = f"give the output another name, or remove {self.array}"
                raise UsageError(
                    f"{self.array}: is not an array, so it is not replaced; "
                    f"{EXTRACT_USAGE_HINT if is_named_like_audio else hint}"
                )

    def check_dtype(self, dtype: "np.dtype[Any]") -> None:
        """Check that the format can keep features of this type.

        Raises:
            UsageError: it cannot.
        """
        if dtype.name not in self.format.dtypes:
            known = " and ".join(self.format.dtypes)
            raise UsageError(
                f"{self.array}: the format {self.format_name} can only have {known}, and the features are "
                f"{dtype.name} (rows.dtype); choose another format or another type"
            )

    def check_absent(self, remedy: Remedy = Remedy.UPDATE_OR_REPLACE_OUTPUT) -> None:
        """Check that none of the three files exists.

        Args:
            remedy: what the caller can do if one exists.

        Raises:
            UsageError: one of them exists.
        """
        for path in self.files:
            if path.exists():
                raise UsageError(f"{path}: exists already", remedy=remedy)

    def check_inputs(self, inputs: Iterable[str]) -> None:
        """Check that the run would not replace or remove one of its inputs.

        Files are compared by their inode, so that links are found, too.

        Args:
            inputs: the files that the run reads.

        Raises:
            UsageError: an input is one of the output's files, or is in its work folder.
        """
        own = {identify_inode(os.fspath(path)) for path in self.files} - {None}
        inner = {identify_inode(os.fspath(path)) for path in self.work_folder.rglob("*")} - {None}
        array_prefix = f"{os.path.realpath(self.array)}/" if is_folder(self.array) else None
        for path in inputs:
            inode = identify_inode(path)
            is_inside = array_prefix and os.path.realpath(path).startswith(array_prefix)
            if inode in own or is_inside:
                raise UsageError(f"{self.array}: would be written over the input {path!r}; give another name")
            if inode in inner:
                raise UsageError(f"{path}: lies in the work folder {self.work_folder}; move it elsewhere")

    def exclude_own_files(self, paths: Iterable[str]) -> list[str]:
        """Return the paths without those of this output's files and without those in its work folder."""
        resolve = cache(os.path.realpath)  # cached, because many paths may be in the same few folders
        own_folder = resolve(self.array.parent)
        own_names = {path.name for path in self.files}
        own_prefixes = tuple(f"{Path(own_folder, path.name)}/" for path in (self.work_folder, self.array))

        def is_own(path: str) -> bool:
            folder, name = os.path.split(path)
            folder = resolve(folder or ".")
            return f"{folder}/".startswith(own_prefixes) or (folder == own_folder and name in own_names)

        return [path for path in paths if not is_own(path)]

    def find_output(self, name: str, array_format: str = DEFAULT_FORMAT) -> "OutputPaths | None":
        """Return the output in the same folder whose array has this name, if it has the same work folder.

        For example, `out` and `out.npy` have the same work folder.

        Args:
            name: the name of an array, e.g. "out.npy".
            array_format: the name of its format.

        Returns:
            The paths; None if the work folder is another one, or if this cannot be the name of a file.
        """
        try:
            paths = OutputPaths(self.array.with_name(name))
            if paths.format_name != array_format:
                paths = OutputPaths(paths.array, array_format)
        except ValueError:  # the name is empty, or has a separator
            return None
        return paths if paths.work_folder == self.work_folder else None

    def identify_versions(self) -> tuple[FileVersion | None, ...]:
        """Return the versions of array, index and record; None for one that does not exist."""
        return tuple(identify_version(path) for path in self.files)


def make_output_paths(name: str | os.PathLike[str], array_format: str = "") -> OutputPaths:
    """Return the paths of the output that the user names.

    Args:
        name: the path of the array.
        array_format: the name of its format; "" for the format that belongs to the extension of the name.

    Raises:
        UsageError: the name means standard output, or a folder.
    """
    text = os.fspath(name)
    if text == "-":
        raise UsageError(
            "-: the output cannot be written to stdout, because index and record belong to it; "
            "name a file, e.g. out.npy"
        )
    # A path of pathlib has no slash at its end, so `newdir/` would become the file `newdir`.
    is_named_like_folder = text.endswith(("/", "/.")) and not is_folder(Path(text))
    if is_named_like_folder and not _is_folder_format(text, array_format):
        example = Path(text, "out.npy")
        raise UsageError(f"{text}: names a folder; wanted the output's file name, e.g. {example}")
    return OutputPaths(Path(text), array_format)


def _is_folder_format(name: str, array_format: str) -> bool:
    """Return whether an array with this name, which ends with a slash, is a folder."""
    return get_format(array_format or find_format_name(name.rstrip("/."))).is_folder
