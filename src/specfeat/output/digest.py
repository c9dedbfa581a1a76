"""Size and hash of a file, by which a reader sees that array, index and record belong together."""

from pathlib import Path

from specfeat.files import compute_sha256


def describe_file(path: Path) -> dict[str, object]:
    """Return what the record says of a file: its size in bytes and its SHA-256."""
    return {"bytes": path.stat().st_size, "sha256": compute_sha256(path)}
