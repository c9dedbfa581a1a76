"""A published file into the user's cache: whole and verified, or not at all."""

import fcntl
import gzip
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pooch

from specfeat.errors import FetchError, OutputError
from specfeat.files import compute_sha256, describe_os_error
from specfeat.published.download import MAX_BYTES, ProgressCallback, download_file
from specfeat.published.table import PublishedWeights

_KNOWN = "sha256.json"  # in the cache: the hashes of what has been fetched


@dataclass(frozen=True, slots=True)
class FetchedWeights:
    """What came of a fetch.

    Attributes:
        path: the file, in the cache.
        sha256: of the file as it was published.
        is_known: the table has the hash, and it is this one.
        was_there: nothing was downloaded.
    """

    path: Path
    sha256: str
    is_known: bool
    was_there: bool


def find_cache_folder() -> Path:
    """The user's cache, by the rules of the system (XDG_CACHE_HOME on Linux)."""
    return Path(pooch.os_cache("specfeat")) / "weights"


def fetch_weights(entry: PublishedWeights, folder: Path, progress: ProgressCallback) -> FetchedWeights:
    """Bring a published file into the cache, unless it is there.

    The bytes come into `FILE.partial`, which stays when the connection fails; nothing is called FILE before
    size and hash are right. A hash that the table does not have is remembered at the first fetch.

    Raises:
        FetchError: it cannot be reached, or is not the file that was published.
        OutputError: the cache cannot be written.
    """
    target = folder / entry.file
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if target.is_file():  # needs no lock: its hash is remembered before it appears
            return _there(entry, target, _known(folder))
        partial = folder / f"{target.name}.partial"
        with _alone(folder):
            known = _known(folder)
            if target.is_file():  # now: another fetch had the lock
                return _there(entry, target, known)
            try:
                download_file(entry.address, partial, entry.size, progress)
            except FetchError as e:
                by_hand = "by hand and unpack it" if entry.gzipped else "by hand"
                raise FetchError(f"{e}; or fetch it {by_hand}, to {target}: {entry.address}") from e
            digest = _verified(entry, partial, known.get(entry.name))
            if entry.gzipped:
                _unpack(partial)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            _remember(folder, known | {entry.name: digest, target.name: compute_sha256(partial)})
            partial.replace(target)
            partial.with_name(f"{partial.name}.etag").unlink(missing_ok=True)
    return FetchedWeights(target, digest, entry.sha256 is not None, was_there=False)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise OutputError(f"{folder}: the cache cannot be used: {describe_os_error(e)}") from e


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second fetch away; the lock dies with its holder."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise FetchError(f"{folder}: another specfeat is fetching into it; wait for it") from e
        yield


def _known(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / _KNOWN).read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in found.items()} if isinstance(found, dict) else {}


def _remember(folder: Path, known: dict[str, str]) -> None:
    fresh = folder / f".{_KNOWN}.{os.getpid()}"
    fresh.write_text(json.dumps(known, indent=1, sort_keys=True))
    fresh.replace(folder / _KNOWN)


def _there(entry: PublishedWeights, target: Path, known: dict[str, str]) -> FetchedWeights:
    """Take the file that is in the cache, or say that it is no longer the one that was fetched."""
    digest = compute_sha256(target)
    wanted = entry.sha256 if entry.sha256 and not entry.gzipped else known.get(target.name)
    if wanted is not None and digest != wanted:
        raise FetchError(f"{target}: is not the file that was published, its SHA-256 is {digest}; remove it")
    return FetchedWeights(target, known.get(entry.name, digest), entry.sha256 is not None, was_there=True)


def _verified(entry: PublishedWeights, partial: Path, remembered: str | None) -> str:
    """Check size and hash of what has come; what is wrong is removed."""
    size, digest = partial.stat().st_size, compute_sha256(partial)
    wanted = entry.sha256 or remembered
    problem = ""
    if entry.size is not None and size != entry.size:
        problem = f"has {size:,} bytes; wanted {entry.size:,}"
    elif wanted is not None and digest != wanted:
        known = "published" if entry.sha256 else "fetched at first"
        problem = f"has the SHA-256 {digest}; what was {known} has {wanted}"
    if problem:
        partial.unlink()
        raise FetchError(f"{entry.address}: {problem}, so it is removed")
    return digest


def _unpack(partial: Path) -> None:
    """Replace a gzipped file by what is in it, within bounds."""
    unpacked, size = partial.with_name(f"{partial.name}.unpacked"), 0
    try:
        with gzip.open(partial) as source, unpacked.open("wb") as file:
            while block := source.read(2**20):
                size += len(block)
                if size > MAX_BYTES:
                    raise FetchError(f"{partial}: unpacks to more than {MAX_BYTES:,} bytes, so it is removed")
                file.write(block)
    except (gzip.BadGzipFile, EOFError, zlib.error) as e:
        partial.unlink()
        raise FetchError(f"{partial}: is no whole gzip file, so it is removed; fetch it again") from e
    except FetchError:
        partial.unlink()
        raise
    finally:
        if unpacked.exists() and not partial.exists():
            unpacked.unlink()
    unpacked.replace(partial)
