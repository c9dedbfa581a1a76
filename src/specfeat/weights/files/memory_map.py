"""Maps a file into memory, so that only the parts that are used are read from the disk."""

import mmap
from pathlib import Path


def map_file(path: Path) -> memoryview:
    """Return the bytes of a file, read-only; the file stays open while any part of them is in use."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
