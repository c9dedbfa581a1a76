"""A file as bytes that the system reads when they are looked at."""

import mmap
from pathlib import Path


def map_file(path: Path) -> memoryview:
    """Map a file, read only; it stays open for as long as a part of it is referred to."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
