"""Limits the arrays of a file of any format, so that a small file cannot take gigabytes or minutes.

Every array takes memory and time before its values are read, and more when it is compared with a network.
With these limits and those of the readers, a file takes at most 300 MB in addition to its arrays, and a few
seconds.
"""

from collections.abc import Iterable, Iterator

from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileArray

# Of one file. The largest networks of keras.applications have 2,000 arrays. A training checkpoint, which also
# has the state of the optimizer, has three times as many.
MAX_ARRAYS = 10_000
MAX_NAME_BYTES = 1000  # of the name of one array
MAX_NAMES_BYTES = 2**21  # of the names of all arrays of a file; names of real networks have 20 to 100 bytes
MAX_NAME_PARTS = 64  # of one name, separated by dots and slashes


def count_arrays(arrays: Iterable[FileArray]) -> Iterator[FileArray]:
    """Yield arrays as they are, and count them on the way.

    Raises:
        WeightsError: there are too many arrays, or a name is too long.
    """
    counter = ArrayCounter()
    for array in arrays:
        counter.add(array.name)
        yield array


class ArrayCounter:
    """Counts the arrays of a file, and the bytes of their names, while a reader lists them."""

    def __init__(self) -> None:
        self._count = self._names_bytes = 0

    def add(self, name: str) -> None:
        """Count one more array.

        Args:
            name: the name of the array in the file.

        Raises:
            WeightsError: there are too many arrays, or the name is too long.
        """
        name_bytes = len(name.encode(errors="replace"))
        if name_bytes > MAX_NAME_BYTES:
            raise WeightsError(
                f"has an array whose name has {name_bytes:,} bytes ({name[:40]}...); "
                f"wanted {MAX_NAME_BYTES:,} or fewer"
            )
        if name.count("/") + name.count(".") >= MAX_NAME_PARTS:
            raise WeightsError(
                f"has an array whose name has more than {MAX_NAME_PARTS} parts ({name[:40]}...); wanted fewer"
            )
        self._count += 1
        self._names_bytes += name_bytes
        if self._count > MAX_ARRAYS:
            raise WeightsError(f"has more than {MAX_ARRAYS:,} arrays; wanted fewer")
        if self._names_bytes > MAX_NAMES_BYTES:
            raise WeightsError(
                f"has more than {MAX_NAMES_BYTES:,} bytes in the names of its arrays; wanted fewer"
            )
