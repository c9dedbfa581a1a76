"""Sizes and hashes of array and index: they show whether these files belong to a record."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from specfeat.output.field_types import Count, Text
from specfeat.output.tree_files import compute_sha256_of_tree, measure_size


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
    """The part of a record that is needed to complete an interrupted commit.

    Attributes:
        format: the version of the record's format, for programs that read records.
        output: the name of the array.
        array_format: the name of the array's format.
        array: size and hash of the array.
        index: size and hash of the index.
    """

    format: Literal[1] = 1
    output: Text
    array_format: Text = "npy"
    array: FileDigest
    index: FileDigest


def digest_file(path: Path) -> FileDigest:
    """Return size and hash of a file, or of a folder.

    Raises:
        OSError: the file cannot be read.
    """
    return FileDigest(bytes=measure_size(path), sha256=compute_sha256_of_tree(path))
