"""Marks the arrays that have no effect, which exporters and converters add to layers without them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from specfeat.weights.files.arrays import FileArray

# Arrays are read to find those without an effect. These limits keep the time short, because in a hostile file
# many large arrays can share the same bytes.
MAX_READ_SIZE = 2**20  # values of one array that is read
MAX_TOTAL_SIZE = 2**23  # values of all arrays that are read


def mark_neutral_arrays(
    arrays: Iterable[FileArray], neutral_numbers: Mapping[str, float]
) -> Iterator[FileArray]:
    """Yield the arrays of a file; those without an effect are marked as neutral.

    Args:
        arrays: the arrays.
        neutral_numbers: for each role that is looked at, the number that has no effect, e.g. 0 for a bias.
    """
    remaining = MAX_TOTAL_SIZE
    for array in arrays:
        number = neutral_numbers.get(array.role)
        if number is None or array.is_neutral or array.size > min(MAX_READ_SIZE, remaining):
            yield array
            continue
        remaining -= array.size
        yield replace(array, is_neutral=bool((array.read() == number).all()))
