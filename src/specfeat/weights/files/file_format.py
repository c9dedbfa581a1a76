"""What one format of weights files consists of: how a file of it is recognised, and how it is opened."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from specfeat.config.model import WeightsFormat
from specfeat.weights.files.arrays import FileContents

Reader = Callable[[Path], AbstractContextManager[FileContents]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """One format of weights files; each module with a reader defines one, or several.

    A file is recognised by its contents, not by its name. `formats.detect_format` asks in three rounds: first
    all `matches_bytes`, then, if the file is a zip archive, all `matches_members`, else all `matches_name`.

    Attributes:
        name: the format's name in the config's `model.weights.format`.
        family: the program that uses the format, for the message about an unknown file.
        read: opens a file: a context manager that yields the contents. The values of the arrays are read
            while it is open. May raise any of `formats.DAMAGE_ERRORS` for a damaged file.
        matches_bytes: whether a file is of this format, from its first 64 and its last 8 bytes.
        matches_members: whether a zip archive is of this format, from the names of its members.
        matches_name: whether a file is of this format, from its path and its first 64 bytes; only for formats
            whose bytes alone are not unmistakable.
    """

    name: WeightsFormat
    family: str
    read: Reader
    matches_bytes: Callable[[bytes, bytes], bool] = lambda head, tail: False
    matches_members: Callable[[Collection[str]], bool] | None = None
    matches_name: Callable[[Path, bytes], bool] = lambda path, head: False
