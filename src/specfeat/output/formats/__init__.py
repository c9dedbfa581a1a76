"""The output formats: the file formats that an array can be written in. Each is one module of this package.

During a run, the rows are in one internal file in `.npy` format (`rows_file`). At the end, the array is
written from it, in the format that belongs to the extension of the output's name, or that the user names. So
every format is written in one go, and a run that is killed can be continued in every format.

To add a format, add one module to this package. The name of the module is the name of the format and the
extension of its files (so every module here is a format, and helper modules must be elsewhere). A hyphen in
the name of a format is an underscore in the name of its module. The module defines `FORMAT`, an object with
the methods of `OutputFormat`. Nothing else has to be changed. Another package adds a format with an
entry point of the group `specfeat.output_formats`: its name is the name of the format, and it leads to such
an object.
"""

import importlib
import importlib.util
import pkgutil
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Protocol

from specfeat.errors import InstallError, UsageError, escape_control_characters
from specfeat.plugins import find_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specfeat.output.feature_table import ArrayLayout, FeatureTable, Rows

DEFAULT_FORMAT = "npy"
PLUGIN_GROUP = "specfeat.output_formats"
# The end of the name of a format that is a folder: "csv-files" is a folder with one CSV file for each sound.
SOUND_FILES_ENDING = "-files"
# Other extensions of a format's files.
_ALIASES = {"hdf5": "h5", "tfrecords": "tfrecord"}


class OutputFormat(Protocol):
    """A file format for an array of shape (rows, features in a row). A class of a format inherits from this.

    A format must keep every value: `read_rows` returns the same values, -0.0 and NaN included, that
    `write_table` got. Otherwise an updated output would differ from one that is computed from the beginning.
    The same table must give the same bytes.

    Attributes:
        magic: the bytes at the start of every file of this format. If a file at the output's path begins with
            other bytes, specfeat never replaces it. b"" for a format without such bytes: then every file with
            this name can be replaced if the user allows replacing (`force`).
        is_rows_format: whether the internal rows file has this format already, so that it only has to be
            renamed. True for `.npy` only.
        is_folder: whether an array is a folder with files, and not a file.
        package: the name of a package that the format imports and that specfeat does not require; "" if none.
        extra: the name of specfeat's extra that installs this package.
        dtypes: the types of features that the format can keep.
    """

    magic: bytes
    is_rows_format: bool = False
    is_folder: bool = False
    package: str = ""
    extra: str = ""
    dtypes: tuple[str, ...] = ("float32", "float16")

    def write_table(self, path: Path, table: "FeatureTable") -> None:
        """Write the whole array to a file.

        Args:
            path: the file (or the folder, if `is_folder`) in the work folder. It exists and is empty. After
                this call, the caller makes sure that all bytes are on the disk (fsync).
            table: the rows and their lines of the index. They need not fit into memory together.

        Raises:
            OutputError: the file cannot be written. An `OSError` has the same effect, because the caller
                converts it.
        """

    def has_layout(self, path: Path, layout: "ArrayLayout") -> bool:
        """Return whether a file can be the array with this layout, without reading its rows.

        Any file may be at this path, so this method must not trust its bytes.

        Args:
            path: a file that exists.
            layout: the layout that the record of the output states.

        Raises:
            OutputError: the file cannot be read.
        """

    def read_rows(self, path: Path, layout: "ArrayLayout") -> "Iterator[Rows]":
        """Yield all rows of an array in order, as arrays of shape (n, features in a row) of a few MB each.

        The array has been compared with its record before, so a wrong file is a bug and not the user's
        mistake.

        Args:
            path: the file.
            layout: the layout of the array.

        Raises:
            OSError: the file cannot be read.
            RuntimeError: the file is not of this format, or has too few rows.
        """

    def find_other_file(self, path: Path, layout: "ArrayLayout") -> str:
        """Return a file in the folder of an array that does not belong to the array; "" if there is none.

        This is called only if `is_folder` is true. specfeat does not replace a folder with such a file.

        Args:
            path: the folder of an array.
            layout: the layout of the array.

        Raises:
            OSError: the folder cannot be read.
        """
        return ""


@cache
def list_format_names() -> frozenset[str]:
    """Return the names of specfeat's own formats, without importing the formats."""
    return frozenset(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def find_format_name(path: str | PurePath) -> str:
    """Return the name of an array's format, which the extension of the array's name decides.

    Returns:
        The name of one of specfeat's formats, or of a format of another package; "npy" if the name has no
        extension of a format.
    """
    return _find_name_by_extension(PurePath(path).suffix.lower().removeprefix(".")) or DEFAULT_FORMAT


@cache
def _find_name_by_extension(extension: str) -> str:
    """Return the name of the format with this extension; "" if there is none."""
    name = _ALIASES.get(extension, extension)
    if name in list_format_names():
        return name
    # It takes some time to search the installed packages, so only unusual names pay for it.
    return name if name and find_plugin(PLUGIN_GROUP, name) is not None else ""


def is_format_extension(path: str | PurePath) -> bool:
    """Return whether the extension of a name is that of a format."""
    return bool(_find_name_by_extension(PurePath(path).suffix.lower().removeprefix(".")))


@cache
def get_format(name: str) -> OutputFormat:
    """Return the format with this name.

    Raises:
        UsageError: there is no such format.
        InstallError: a format of another package cannot be loaded.
    """
    output_format: Any = None
    if name.endswith(SOUND_FILES_ENDING):
        file_format = name.removesuffix(SOUND_FILES_ENDING)
        output_format = importlib.import_module("specfeat.output.sound_files").SoundFilesFormat(
            file_format, get_format(file_format)
        )
    elif name in list_format_names():
        output_format = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").FORMAT
    elif plugin := find_plugin(PLUGIN_GROUP, name):
        output_format = plugin.load()
    if output_format is None:
        known = ", ".join(sorted(list_format_names()))
        raise UsageError(f"there is no output format {escape_control_characters(name)!r}; known are {known}")
    checked_format: OutputFormat = output_format
    return checked_format


def check_installed(name: str) -> None:
    """Check that the package that a format needs is installed, without importing it.

    Raises:
        InstallError: the package is missing.
    """
    if name == DEFAULT_FORMAT:  # it needs nothing, and is not imported before inputs and config are checked
        return
    output_format = get_format(name)
    if output_format.package and importlib.util.find_spec(output_format.package) is None:
        raise InstallError(
            f"the format {name} needs the package {output_format.package}, which is not installed; "
            f"install it with: pip install 'specfeat[{output_format.extra}]'"
        )
