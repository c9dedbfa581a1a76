"""The archive format of Kaldi as text: one matrix for each sound, with one line for each row.

Kaldi reads it as `ark,t:FILE`, or as `ark:FILE`. Numbers are written with the fewest digits from which a
reader gets the same value again.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from specfeat.file_access import open_regular_file
from specfeat.files import wrap_os_errors
from specfeat.output.feature_table import ArrayLayout, FeatureTable, Rows, TableBlock
from specfeat.output.index_reader import IndexColumn
from specfeat.output.kaldi_archive import list_ids
from specfeat.output.text_format import StreamedFormat

_READ_BYTES = 2**22
_MAX_ID_BYTES = 2**18  # of the first line of a file: a path has 4096 bytes at most, each written as `%XX`


class ArkTextFormat(StreamedFormat):
    """A text archive, with the matrices in the order of the sounds."""

    magic = b""  # the archive begins with the id of the first utterance

    def format_header(self, columns: tuple[IndexColumn, ...], layout: ArrayLayout) -> str:
        """See `StreamedFormat`: there is none."""
        return ""

    def format_sound(
        self, utterance: str, blocks: Iterator[TableBlock], layout: ArrayLayout
    ) -> Iterator[str]:
        """See `StreamedFormat`."""
        return _format_matrix(utterance, (block.rows for block in blocks))

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        ids = list_ids(table.layout.entries)
        with wrap_os_errors(path), open_regular_file(path, "wb") as file:
            for utterance, (_, sound_table) in zip(ids, table.split_by_sound(), strict=True):
                for text in _format_matrix(utterance, sound_table.read_rows()):
                    file.write(text.encode())

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`; the number of rows is not known without reading all of them."""
        with wrap_os_errors(path, "read"), open_regular_file(path) as file:
            # The longest value of a float32 has 15 characters, and there is a separator.
            front = file.read(_MAX_ID_BYTES + 16 * layout.width)
        if not layout.entries:
            return not front
        first_line, _, rest = front.decode("utf-8", "replace").partition("\n")
        line, line_end, _ = rest.partition("\n")
        has_width = len(line.removesuffix(" ]").split()) == layout.width and line_end
        return first_line == f"{list_ids(layout.entries)[0]}  [" and bool(has_width)

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        block_rows = layout.count_block_rows(_READ_BYTES)
        rows: list[Rows] = []
        count = 0
        with path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                if line.endswith("[\n"):
                    continue
                rows.append(np.array(line.rstrip(" ]\n").split(), layout.dtype))
                count += 1
                if len(rows) == block_rows:
                    yield np.stack(rows)
                    rows = []
        if rows:
            yield np.stack(rows)
        if count != layout.rows:
            raise RuntimeError(f"{path}: has {count} rows, and its record says {layout.rows}")


def _format_matrix(utterance: str, arrays: Iterator[Rows]) -> Iterator[str]:
    """Yield the text of one entry of an archive.

    Args:
        utterance: the id of the utterance.
        arrays: the rows; at least one row, because Kaldi's readers refuse an empty matrix in a text.
    """
    text = f"{utterance}  ["
    for rows in arrays:
        for row in rows:
            yield text
            text = f"\n  {' '.join(map(str, row))}"
    yield f"{text} ]\n"


FORMAT = ArkTextFormat()
