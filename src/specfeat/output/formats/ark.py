"""The archive format of Kaldi, binary: one matrix of float32 for each sound.

Kaldi reads it as `ark:out.ark`. The format `kaldi` also writes a list of the matrices.
"""

from collections.abc import Iterator
from pathlib import Path

from specfeat.output.feature_table import ArrayLayout, FeatureTable, Rows
from specfeat.output.formats import OutputFormat
from specfeat.output.kaldi_archive import is_archive, read_archive, write_archive


class ArkFormat(OutputFormat):
    """One binary archive, with the matrices in the order of the sounds."""

    magic = b""  # the archive begins with the id of the first utterance
    dtypes = ("float32",)

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        write_archive(path, table)

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`."""
        return is_archive(path, layout)

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        return read_archive(path, layout)


FORMAT = ArkFormat()
