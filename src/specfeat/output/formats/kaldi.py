"""A folder for Kaldi: the archive `feats.ark`, and the list `feats.scp` of its matrices.

Kaldi and its readers find one matrix by its position in the list: `scp:out.kaldi/feats.scp`.
"""

from collections.abc import Iterator
from pathlib import Path

from specfeat.file_access import open_regular_file
from specfeat.files import wrap_os_errors
from specfeat.output.feature_table import ArrayLayout, FeatureTable, Rows
from specfeat.output.formats import OutputFormat
from specfeat.output.kaldi_archive import is_archive, read_archive, write_archive
from specfeat.output.tree_files import iterate_files

_ARCHIVE_NAME, _LIST_NAME = "feats.ark", "feats.scp"


class KaldiFormat(OutputFormat):
    """An archive in the order of the sounds, and a list that is sorted by the bytes of the ids."""

    magic = b""
    is_folder = True
    dtypes = ("float32",)

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        archive = path / _ARCHIVE_NAME
        with wrap_os_errors(archive):
            archive.touch(exist_ok=False)
        positions = write_archive(archive, table)
        # The path of the archive as the user gives it, as Kaldi's programs do. The list has one line for each
        # matrix, so a path with a line break cannot be in it.
        folder = bytes(table.target)
        name = _ARCHIVE_NAME.encode() if b"\n" in folder else folder + b"/" + _ARCHIVE_NAME.encode()
        lines = (b"%s %s:%d\n" % (utterance.encode(), name, position) for utterance, position in positions)
        with wrap_os_errors(path / _LIST_NAME), open_regular_file(path / _LIST_NAME, "xb") as file:
            # Kaldi's programs need lists in this order, which is that of `LC_ALL=C sort`.
            file.writelines(sorted(lines))

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`."""
        has_files = {*iterate_files(path)} == {_ARCHIVE_NAME, _LIST_NAME}
        return has_files and is_archive(path / _ARCHIVE_NAME, layout)

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        return read_archive(path / _ARCHIVE_NAME, layout)

    def find_other_file(self, path: Path, layout: ArrayLayout) -> str:
        """See `OutputFormat`."""
        return next((name for name in iterate_files(path) if name not in (_ARCHIVE_NAME, _LIST_NAME)), "")


FORMAT = KaldiFormat()
