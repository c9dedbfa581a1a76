"""Size and hash of a file, by which a reader sees that array, index and record belong together."""

import hashlib
from pathlib import Path


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_file(path: Path) -> dict[str, object]:
    """Return what the record says of a file: its size in bytes and its SHA-256."""
    return {"bytes": path.stat().st_size, "sha256": compute_sha256(path)}
