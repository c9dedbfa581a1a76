"""The sounds that must be read again for some rows of an output."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specfeat.output.finished_output import FinishedOutput
from specfeat.output.records import SoundEntry


@dataclass(frozen=True, slots=True)
class WantedSound:
    """A sound of which some rows are wanted.

    Attributes:
        entry: the sound.
        first_row: the number of its first row in the array.
        places: the number in the array of each wanted row, by its place in the sound, from 0.
    """

    entry: SoundEntry
    first_row: int
    places: dict[int, int]


def list_wanted_sounds(output: FinishedOutput, rows: NDArray[np.int64]) -> list[WantedSound]:
    """Return the sounds to which rows belong, in the order of the rows.

    Args:
        output: the output.
        rows: the numbers of the wanted rows, sorted.
    """
    entries = output.record.files
    ends = np.cumsum([entry.rows for entry in entries])
    numbers = np.searchsorted(ends, rows, side="right")
    sounds: dict[int, WantedSound] = {}
    for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
        entry = entries[number]
        first = int(ends[number]) - entry.rows
        sound = sounds.setdefault(number, WantedSound(entry, first, {}))
        sound.places[row - first] = row
    return [*sounds.values()]
