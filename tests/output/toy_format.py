"""A toy format of arrays, to show that one new file is all that a format needs: numbers as text."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specfeat.output.formats import OutputFormat


class ToyFormat(OutputFormat):
    """One line with the shape, and one for each row, in hexadecimal so that no bit is lost."""

    magic = b"toy "
    is_rows_format = False

    def write_array(self, path: Path, blocks: Iterable[NDArray[np.float32]], shape: tuple[int, int]) -> None:
        """Write the array."""
        with path.open("w") as file:
            print("toy", *shape, file=file)
            for block in blocks:
                for row in block:
                    print(*(float(value).hex() for value in row), file=file)

    def read_shape(self, path: Path) -> tuple[int, int] | None:
        """Return rows and features in a row."""
        word, *numbers = path.read_text().splitlines()[0].split()
        return (int(numbers[0]), int(numbers[1])) if word == "toy" else None

    def read_rows(self, path: Path, first: int, count: int) -> Iterator[NDArray[np.float32]]:
        """Yield rows one by one."""
        for line in path.read_text().splitlines()[1 + first : 1 + first + count]:
            yield np.array([[float.fromhex(text) for text in line.split()]], np.float32)


FORMAT = ToyFormat()
