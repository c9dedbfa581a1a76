"""Counts the operations of the pickles in a PyTorch file, before PyTorch runs them.

A pickle is a program. PyTorch's safe mode limits what the program may build, but not how much: a megabyte of
operations can make a million tensors.
"""

import pickletools
from typing import IO

from specfeat.errors import WeightsError

MAX_PICKLE_BYTES = 2**26  # of all pickles of a file, without the numbers of its tensors
MAX_OPERATIONS = 1_000_000  # a tensor in a state dict takes about 40
# What may make an object that takes more than a few bytes. A tensor takes three, and a checkpoint of 10,000
# arrays has three tensors for each, with the state of the optimizer.
MAX_OBJECTS = 150_000
_OBJECT_OPERATIONS = {"REDUCE", "NEWOBJ", "NEWOBJ_EX", "INST", "OBJ", "BUILD", "BINPERSID", "PERSID"}


class _PickleReader:
    """Reads a file with pickles for `pickletools`, up to a number of bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._bytes = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes; `pickletools` takes fewer for the end of the file."""
        self._add(size)
        return self._file.read(size)

    def readline(self) -> bytes:
        """Return the bytes up to the next line feed."""
        line = self._file.readline(MAX_PICKLE_BYTES)
        self._add(len(line))
        return line

    def tell(self) -> int:
        """Return how many bytes were asked for."""
        return self._bytes

    def _add(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MAX_PICKLE_BYTES:
            raise WeightsError(
                f"has more than {MAX_PICKLE_BYTES:,} bytes beside the numbers of its arrays; wanted fewer"
            )


def check_pickles(file: IO[bytes], count: int) -> None:
    """Check the pickles that stand one after another at the front of a file; nothing of them is run.

    Args:
        file: the file, read from its present position.
        count: how many pickles there are.

    Raises:
        WeightsError: they have too many bytes or operations, or would make too many objects.
        ValueError: they are damaged.
    """
    reader = _PickleReader(file)
    operations = objects = 0
    for _ in range(count):
        for operation, _, _ in pickletools.genops(reader):  # type: ignore[arg-type]  # it needs no more methods
            operations += 1
            objects += operation.name in _OBJECT_OPERATIONS
            if operations > MAX_OPERATIONS:
                raise WeightsError(f"has a pickle of more than {MAX_OPERATIONS:,} operations; wanted fewer")
            if objects > MAX_OBJECTS:
                raise WeightsError(f"has a pickle of more than {MAX_OBJECTS:,} objects; wanted fewer")
