"""The rows of one file of a finished output, over time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import UsageError
from specfeat.files import format_path, from_record_name, to_record_name
from specfeat.output.finished_output import FinishedOutput
from specfeat.text import suggest_name

TIME_COLUMNS = 1200  # of an image over time; a screen shows the image with fewer pixels than this
_MAX_NAMES = 5  # names that an error lists


@dataclass(frozen=True, slots=True)
class FileRows:
    """The rows of one channel of one file, in the order of time.

    Attributes:
        name: the path of the file, as text that can be shown.
        numbers: the numbers of the rows in the array.
        start_s: where each row begins, in seconds from the start of the file.
        end_s: where each row ends.
    """

    name: str
    numbers: NDArray[np.int64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]

    @property
    def seconds(self) -> tuple[float, float]:
        """Where the first row begins, and where the last one ends."""
        return float(self.start_s[0]), float(self.end_s.max())

    def list_groups(self) -> NDArray[np.int64]:
        """Return the positions at which groups of neighbouring rows begin: at most `TIME_COLUMNS` groups."""
        size = -(-len(self.numbers) // TIME_COLUMNS)
        return np.arange(0, len(self.numbers), size)

    def find_groups_of_columns(self) -> NDArray[np.int64]:
        """Return for each of `TIME_COLUMNS` columns the number of the group there; -1 where there is no row.

        The columns are equal pieces of time. A group is shown up to the start of the next one.
        """
        groups = self.list_groups()
        start_s, end_s = self.seconds
        times = start_s + (np.arange(TIME_COLUMNS) + 0.5) * (end_s - start_s) / TIME_COLUMNS
        found = np.searchsorted(self.start_s[groups], times, side="right") - 1
        ends = np.maximum.reduceat(self.end_s, groups)
        return np.where(times < ends[found], found, -1)


def find_file_rows(output: FinishedOutput, name: str, channel: int | None) -> FileRows:
    """Return the rows of a file of an output.

    Args:
        output: the output.
        name: the path of the file as the index has it, or its last parts, e.g. only its name.
        channel: the channel of the rows, counted from 0, if the index has several; None for the first one.

    Raises:
        OutputError: the index cannot be read.
        UsageError: the output has no rows of such a file or channel, or of several such files.
    """
    path = _find_path(output, to_record_name(name))
    entries = output.record.files
    chosen = [number for number, one in enumerate(entries) if one.path == path and one.rows]
    found_channels = {entries[number].channel for number in chosen}
    channels = sorted(one for one in found_channels if one is not None)
    wanted = channels[0] if channel is None and channels else channel
    if wanted is not None and wanted not in channels:
        known = f"channels {', '.join(map(str, channels))}" if channels else "no channel of its own"
        raise UsageError(f"{output.paths.array}: the rows of {format_path(name)} have {known}, not {wanted}")
    chosen = [number for number in chosen if entries[number].channel == wanted]
    numbers = np.flatnonzero(np.isin(output.list_row_entries(), chosen))
    index = output.read_index()
    starts, ends = index["start_s"][numbers], index["end_s"][numbers]
    order = np.argsort(starts, kind="stable")
    return FileRows(_show_name(path), numbers[order], starts[order], ends[order])


def _find_path(output: FinishedOutput, name: str) -> str:
    """Return the path in the record to which a path or its last parts belong."""
    paths = list(dict.fromkeys(one.path for one in output.record.files if one.rows))
    if name in paths:
        return name
    last_parts = name.removeprefix("./")
    found = [path for path in paths if path == last_parts or path.endswith(f"/{last_parts}")]
    if len(found) == 1:
        return found[0]
    where = output.paths.array
    if found:
        names = ", ".join(map(_show_name, found[:_MAX_NAMES]))
        raise UsageError(f"{where}: several files end in {format_path(name)}: {names}; give the whole path")
    hint = suggest_name(name, map(_show_name, paths))
    raise UsageError(f"{where}: has no rows of the file {format_path(name)}{hint}; the index lists the files")


def _show_name(path: str) -> str:
    """Return a path of the record as text that can be shown."""
    return format_path(from_record_name(path))
