"""The index: one line for each row of the array."""

import csv
import io
from collections.abc import Iterable
from typing import BinaryIO

from specfeat.config.clip_grid import ClipSpan

FLUSH = 100_000  # characters of lines that are gathered: a day's file has 180,000 lines

COLUMNS = ("row", "path", "channel", "start_s", "end_s", "padded", "status")


class IndexWriter:
    """Writes `row,path,channel,start_s,end_s,padded,status` to a CSV file.

    Times are seconds from the start of the file: whole samples divided by the sample rate, in as many
    digits as give the same float64 again. `padded` is the share of the clip that is silence after the
    file's end, 0..1. `status` is "ok", or "partial" for a file that broke half-way.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.rows = 0
        self._file = file
        self._lines = io.StringIO()
        self._csv = csv.writer(self._lines, lineterminator="\n")
        self._quoting = csv.writer(self._lines, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self._csv.writerow(COLUMNS)

    def add(
        self,
        path: str,
        channel: str | int,
        spans: Iterable[ClipSpan],
        samples: int,
        sample_rate: int,
        status: str = "ok",
    ) -> None:
        """Write the lines of one file, whose rows were the next ones in the array."""
        lines = self._quoting if "\r" in path else self._csv  # csv leaves a carriage return bare
        for span in spans:
            start, end = repr(span.start / sample_rate), repr(span.end / sample_rate)
            padded = f"{span.compute_padded_share(samples):.6g}"
            lines.writerow((self.rows, path, channel, start, end, padded, status))
            self.rows += 1
            if self._lines.tell() > FLUSH:
                self.flush()
        self.flush()

    def flush(self) -> None:
        """Hand the lines on to the file; a name that is not UTF-8 keeps its bytes."""
        self._file.write(self._lines.getvalue().encode("utf-8", "surrogateescape"))
        self._lines.seek(0)
        self._lines.truncate()
