"""Size and hash of array and index, by which a reader sees that they belong to a record."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from specfeat.files import compute_sha256, read_size
from specfeat.output.field_types import Count, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest:
    """Size and hash of a file.

    Attributes:
        bytes: the size.
        sha256: the SHA-256, in hexadecimal.
    """

    bytes: Count
    sha256: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputDigests:
    """The part of a record by which a commit that was interrupted is completed.

    Attributes:
        format: the version of the record's form; a reader may rely on what each version has.
        output: the name of the array.
        array: size and hash of the array.
        index: size and hash of the index.
    """

    format: Literal[1] = 1
    output: Text
    array: FileDigest
    index: FileDigest


def digest_file(path: Path) -> FileDigest:
    """Compute size and hash of a file.

    Raises:
        OSError: the file cannot be read.
    """
    return FileDigest(bytes=read_size(path), sha256=compute_sha256(path))
