"""What the formats have in common that write each row as text: one line of the index and the features."""

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from specfeat.file_access import open_regular_file
from specfeat.files import wrap_os_errors
from specfeat.output.feature_table import ArrayLayout, FeatureTable, Rows, TableBlock
from specfeat.output.formats import OutputFormat
from specfeat.output.index_reader import IndexColumn

_READ_BYTES = 2**22
_MAX_HEADER_BYTES = 2**16  # of the names of the index's columns, when the start of a file is read


class StreamedFormat(OutputFormat):
    """A format of text whose sounds can be written one after another, while the run goes on."""

    @abstractmethod
    def format_header(self, columns: tuple[IndexColumn, ...], layout: ArrayLayout) -> str:
        """Return the text before the first sound.

        Args:
            columns: the columns of the index.
            layout: the layout of the array; its number of rows is not used.
        """

    @abstractmethod
    def format_sound(
        self, utterance: str, blocks: Iterator[TableBlock], layout: ArrayLayout
    ) -> Iterator[str]:
        """Yield the text of the rows of one sound.

        Args:
            utterance: the name of the sound, see `sound_names.list_utterance_ids`.
            blocks: its rows; at least one row.
            layout: the layout of the array; its number of rows is not used.
        """


class TextFormat(StreamedFormat):
    """A format with one text for each row.

    Numbers are written with the fewest digits from which a reader gets the same value again.
    """

    @abstractmethod
    def format_block(self, block: TableBlock, layout: ArrayLayout) -> Iterator[str]:
        """Yield the text of each row of a block.

        Args:
            block: some rows.
            layout: the layout of the array; its number of rows is not used.
        """

    @abstractmethod
    def parse_lines(self, file: TextIO, width: int) -> Iterator[list[float]]:
        """Yield the features of each row of a file that `format_header` and `format_block` have made."""

    @abstractmethod
    def has_features(self, front: str, layout: ArrayLayout) -> bool:
        """Return whether a file with this start can have rows with the features of this layout."""

    def format_sound(
        self, utterance: str, blocks: Iterator[TableBlock], layout: ArrayLayout
    ) -> Iterator[str]:
        """See `StreamedFormat`."""
        for block in blocks:
            yield from self.format_block(block, layout)

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        with wrap_os_errors(path), open_regular_file(path, "wb") as file:
            file.write(self.format_header(table.columns, table.layout).encode())
            for block in table.read_blocks():
                for text in self.format_block(block, table.layout):
                    file.write(text.encode())

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`; the number of rows is not known without reading all of them."""
        with wrap_os_errors(path, "read"), open_regular_file(path) as file:
            # The longest value of a float32 has 15 characters, and there is a separator. A character of a
            # name has 6 bytes at most.
            name_bytes = sum(6 * len(name) + 4 for name in layout.feature_names)
            front = file.read(_MAX_HEADER_BYTES + 17 * layout.width + name_bytes)
        return self.has_features(front.decode("utf-8", "replace"), layout)

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        block_rows = layout.count_block_rows(_READ_BYTES)
        rows = np.empty((block_rows, layout.width), layout.dtype)
        count = 0
        with path.open(encoding="utf-8", newline="") as file:
            for features in self.parse_lines(file, layout.width):
                rows[count % block_rows] = features
                count += 1
                if count % block_rows == 0:
                    yield rows.copy()
        yield rows[: count % block_rows]
        if count != layout.rows:
            raise RuntimeError(f"{path}: has {count} rows, and its record says {layout.rows}")
