"""Maps a file into memory, so that only the parts of it that are used are read."""

import mmap
from pathlib import Path


def map_file(path: Path) -> memoryview:
    """Return the bytes of a file, read-only; the file stays open as long as any part of them is in use."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
