"""Counts the operations of the pickles in a PyTorch file, before PyTorch runs them.

A pickle is a program. PyTorch's safe mode limits the kinds of objects that the program may create, but not
their number: a megabyte of operations can create a million tensors.
"""

import pickletools
from typing import IO

from specfeat.errors import WeightsError

MAX_PICKLE_BYTES = 2**26  # size of all pickles of a file, without the numbers of its tensors
MAX_OPERATIONS = 1_000_000  # operations of all pickles; a tensor in a state dict needs about 40
# Operations that may create an object of more than a few bytes, and their largest number. A tensor needs
# three of them. With the state of the optimizer, a checkpoint of 10,000 arrays has three tensors for each
# array.
MAX_OBJECTS = 150_000
_OBJECT_OPERATIONS = {"REDUCE", "NEWOBJ", "NEWOBJ_EX", "INST", "OBJ", "BUILD", "BINPERSID", "PERSID"}


class _PickleReader:
    """A file of pickles for `pickletools`, which reports an error after `MAX_PICKLE_BYTES` bytes.

    Args:
        file: the file, at the beginning of the first pickle.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._bytes = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes. Fewer bytes mean the end of the file for `pickletools`."""
        self._count_bytes(size)
        return self._file.read(size)

    def readline(self) -> bytes:
        """Return the bytes up to the next line feed."""
        line = self._file.readline(MAX_PICKLE_BYTES)
        self._count_bytes(len(line))
        return line

    def tell(self) -> int:
        """Return how many bytes were requested until now."""
        return self._bytes

    def _count_bytes(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MAX_PICKLE_BYTES:
            raise WeightsError(
                f"has more than {MAX_PICKLE_BYTES:,} bytes beside the numbers of its arrays; wanted fewer"
            )


def check_pickles(file: IO[bytes], count: int) -> None:
    """Check the pickles at the beginning of a file, without running them.

    Args:
        file: the file, which is read from its present position.
        count: the number of pickles, which follow each other.

    Raises:
        WeightsError: the pickles have too many bytes or operations, or would create too many objects.
        ValueError: a pickle is damaged.
    """
    reader = _PickleReader(file)
    operations = objects = 0
    for _ in range(count):
        # `_PickleReader` is not a whole file object, but it has the methods that `genops` calls.
        for operation, _, _ in pickletools.genops(reader):  # type: ignore[arg-type]
            operations += 1
            objects += operation.name in _OBJECT_OPERATIONS
            if operations > MAX_OPERATIONS:
                raise WeightsError(f"has a pickle of more than {MAX_OPERATIONS:,} operations; wanted fewer")
            if objects > MAX_OBJECTS:
                raise WeightsError(f"has a pickle of more than {MAX_OBJECTS:,} objects; wanted fewer")
