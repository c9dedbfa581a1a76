"""The record of a format of weights files: how a file is recognised and how it is opened."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from specfeat.config.model import WeightsFormat
from specfeat.weights.files.arrays import FileContents

Reader = Callable[[Path], AbstractContextManager[FileContents]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """One format of weights files; a module with a reader defines one or several formats.

    A file is recognised by its contents if possible. `formats.detect_format` first calls `matches_bytes` of
    all formats. If none matches, it calls `matches_members` of all formats for a zip archive, and
    `matches_name` of all formats for another file.

    Attributes:
        name: the format's name in the config's `model.weights.format`.
        family: the program that uses the format, for the message about an unknown file.
        read: a function from a path to a context manager that yields the contents. The values of the arrays
            can be read while it is open. It may raise any of `formats.DAMAGE_ERRORS` for a damaged file.
        matches_bytes: a function from the first 64 and the last 8 bytes of a file to whether the file has
            this format.
        matches_members: a function from the names of a zip archive's members to whether the archive has this
            format; None if the format is not a zip archive.
        matches_name: a function from the path and the first 64 bytes of a file to whether the file has this
            format. Only for formats that cannot be recognised by their bytes alone.
    """

    name: WeightsFormat
    family: str
    read: Reader
    matches_bytes: Callable[[bytes, bytes], bool] = lambda head, tail: False
    matches_members: Callable[[Collection[str]], bool] | None = None
    matches_name: Callable[[Path, bytes], bool] = lambda path, head: False
