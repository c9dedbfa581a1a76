"""Brings a published weights file into the user's cache: complete and verified, or not at all.

The bytes are written to FILE.partial, which is kept if the connection fails. FILE itself appears only when
the size and the hash are right. `sha256.json` in the cache holds the hash of each file as it was published
and as it lies in the cache. For a file whose hash nobody publishes, the hash of the first fetch is compared
from then on.
"""

import fcntl
import gzip
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from specfeat.errors import FetchError, OutputError
from specfeat.files import compute_sha256, describe_os_error, read_file_size
from specfeat.published.download import MAX_BYTES, ProgressCallback, download_file, get_tag_path
from specfeat.published.table import PublishedWeights

_HASHES_FILE = "sha256.json"
_BLOCK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class FetchedWeights:
    """The result of a fetch.

    Attributes:
        path: the file in the cache.
        sha256: the SHA-256 of the file as it was published (of a gzipped file, before it was unpacked).
        has_known_hash: whether the table has the hash, so that the file is certainly the published one.
        was_cached: whether the file was in the cache already and nothing was downloaded.
    """

    path: Path
    sha256: str
    has_known_hash: bool
    was_cached: bool


def find_cache_folder() -> Path:
    """Return the folder for weights in the user's cache (on Linux below XDG_CACHE_HOME, or ~/.cache)."""
    return platformdirs.user_cache_path("specfeat") / "weights"


def fetch_weights(entry: PublishedWeights, folder: Path, progress: ProgressCallback) -> FetchedWeights:
    """Bring a published file into the cache, unless it is there.

    Args:
        entry: the entry of the table.
        folder: the cache.
        progress: a function that is called after each block that has arrived.

    Raises:
        FetchError: the file cannot be fetched, or is not the file that was published.
        OutputError: the cache cannot be written.
    """
    target = folder / entry.file_name
    with _wrap_cache_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if target.is_file():  # no lock is needed: the hash of a file is stored before the file appears
            return _verify_cached(entry, target, _read_hashes(folder))
        with lock_cache(folder):
            hashes = _read_hashes(folder)
            if target.is_file():  # another fetch has finished since, and released the lock
                return _verify_cached(entry, target, hashes)
            digest = _download_and_verify(entry, target, hashes, progress)
    return FetchedWeights(target, digest, entry.sha256 is not None, was_cached=False)


def _download_and_verify(
    entry: PublishedWeights, target: Path, hashes: dict[str, str], progress: ProgressCallback
) -> str:
    """Download, verify and unpack a file, and give it its name.

    Returns:
        The SHA-256 of the file as it was published.
    """
    partial = target.with_name(f"{target.name}.partial")
    try:
        download_file(entry.address, partial, entry.size, progress)
    except FetchError as e:
        by_hand = "by hand, unpack it," if entry.is_gzipped else "by hand"
        raise FetchError(
            f"{e}; fetch again later, or fetch {entry.address} {by_hand} and save it as {target}"
        ) from e
    digest = _verify_download(entry, partial, hashes.get(entry.name))
    if entry.is_gzipped:
        _unpack_gzip(partial)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    # The hash is stored before the file appears, so that a file in the cache always has one.
    _write_hashes(target.parent, hashes | {entry.name: digest, target.name: compute_sha256(partial)})
    partial.replace(target)
    get_tag_path(partial).unlink(missing_ok=True)
    return digest


@contextmanager
def _wrap_cache_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise OutputError(f"{folder}: the cache cannot be used: {describe_os_error(e)}") from e


@contextmanager
def lock_cache(folder: Path) -> Iterator[None]:
    """Hold the lock of the cache, so that no other process downloads into it.

    The system releases the lock when the process ends, however it ends.

    Raises:
        FetchError: another process holds the lock.
    """
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise FetchError(f"{folder}: another specfeat is fetching into it; wait until it ends") from e
        yield


def _read_hashes(folder: Path) -> dict[str, str]:
    """Return the stored hashes by the names of entries (as published) and of files (as in the cache)."""
    try:
        hashes = json.loads((folder / _HASHES_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in hashes.items()} if isinstance(hashes, dict) else {}


def _write_hashes(folder: Path, hashes: dict[str, str]) -> None:
    new_file = folder / f".{_HASHES_FILE}.{os.getpid()}"
    new_file.write_text(json.dumps(hashes, indent=1, sort_keys=True))
    new_file.replace(folder / _HASHES_FILE)


def _verify_cached(entry: PublishedWeights, target: Path, hashes: dict[str, str]) -> FetchedWeights:
    """Return the file in the cache if it is still the one that was fetched.

    Raises:
        FetchError: it has another hash.
    """
    digest = compute_sha256(target)
    # The table has the hash of what is published: of a gzipped file, not of what lies in the cache.
    expected = entry.sha256 if entry.sha256 and not entry.is_gzipped else hashes.get(target.name)
    if expected is not None and digest != expected:
        raise FetchError(f"{target}: is not the file that was published, its SHA-256 is {digest}; remove it")
    return FetchedWeights(target, hashes.get(entry.name, digest), entry.sha256 is not None, was_cached=True)


def _verify_download(entry: PublishedWeights, partial: Path, first_digest: str | None) -> str:
    """Check size and hash of a download, and remove it if one of them is wrong.

    Args:
        entry: the entry of the table.
        partial: the downloaded file.
        first_digest: the hash of an earlier fetch; None at the first fetch.

    Returns:
        The SHA-256.

    Raises:
        FetchError: it is another file.
    """
    size, digest = read_file_size(os.fspath(partial)), compute_sha256(partial)
    expected = entry.sha256 or first_digest
    problem = ""
    if entry.size is not None and size != entry.size:
        problem = f"has {size:,} bytes; wanted {entry.size:,}"
    elif expected is not None and digest != expected:
        origin = "the published file" if entry.sha256 else "the file that was fetched first"
        problem = f"has the SHA-256 {digest}; {origin} has {expected}"
    if problem:
        partial.unlink()
        raise FetchError(f"{entry.address}: {problem}, so it is removed")
    return digest


def _unpack_gzip(partial: Path) -> None:
    """Replace a gzipped file by its contents.

    Raises:
        FetchError: it is not a complete gzip file, or too large when unpacked; it is removed.
    """
    unpacked, size = partial.with_name(f"{partial.name}.unpacked"), 0
    try:
        with gzip.open(partial) as packed_file, unpacked.open("wb") as file:
            while block := packed_file.read(_BLOCK_BYTES):
                size += len(block)
                if size > MAX_BYTES:
                    raise FetchError(f"{partial}: unpacks to more than {MAX_BYTES:,} bytes, so it is removed")
                file.write(block)
    except (gzip.BadGzipFile, EOFError, zlib.error) as e:
        partial.unlink()
        raise FetchError(f"{partial}: is not a complete gzip file, so it is removed; fetch it again") from e
    except FetchError:
        partial.unlink()
        raise
    finally:
        if unpacked.exists() and not partial.exists():
            unpacked.unlink()
    unpacked.replace(partial)
