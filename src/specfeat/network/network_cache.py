"""Keeps converted networks in the user's cache, so that later runs need neither TensorFlow nor a conversion.

A cached network is one file: `MAGIC`, the length of the header, the header as JSON, the network in the form
of the engine, and the SHA-256 of everything before. Its name is the SHA-256 of everything that decides about
the network (`NetworkKey`). A file that is damaged, belongs to another user or has another key is never used.
Each file is written under a hidden name and renamed, so several runs can share the cache.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from specfeat.atomic_file import AtomicFile
from specfeat.errors import SpecfeatError
from specfeat.file_access import open_regular_file

MAGIC = b"specfeat network 1\n"
# When a network is added, the networks that were not used for the longest time are removed until the cache is
# not larger than this. The networks of all shipped configs together need 1.6 GB.
MAX_CACHE_BYTES = 4 * 2**30
_ENDING = ".network"
_DIGEST_BYTES = 32
_MAX_HEADER_BYTES = 2**20
_OTHERS_MAY_WRITE = 0o022


@dataclass(frozen=True, slots=True)
class NetworkKey:
    """What decides about a converted network: if one of these differs, the network is another one.

    Attributes:
        config: `Settings.digest`.
        weights: the SHA-256 of the weights; "" for random weights, whose seed is in the config.
        engine: the engine and its version.
        versions: the versions of all programs that take part in the conversion.
    """

    config: str
    weights: str
    engine: str
    versions: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The name of the network in the cache."""
        parts = [self.config, self.weights, self.engine, sorted(self.versions.items())]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CachedNetwork:
    """A network that was read from the cache.

    Attributes:
        header: what the run that has written it noted, see `prepare`.
        content: the network in the form of the engine.
    """

    header: dict[str, Any]
    content: bytes


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A file of the cache.

    Attributes:
        path: the file.
        size: its size in bytes.
        used_ns: when it was last used, in nanoseconds since 1970.
        description: the config and the engine, e.g. "yamnet, onnxruntime 1.32.0"; "damaged" if it is not
            readable.
    """

    path: Path
    size: int
    used_ns: int
    description: str


def find_network_folder() -> Path:
    """Return the folder of the cache (on Linux below XDG_CACHE_HOME, or ~/.cache)."""
    return platformdirs.user_cache_path("specfeat") / "networks"


def read_network(folder: Path, key: NetworkKey) -> CachedNetwork | None:
    """Return a cached network, and note that it was used; None if it is not there or must not be used.

    Args:
        folder: the folder of the cache.
        key: the key of the network.
    """
    path = folder / (key.digest + _ENDING)
    try:
        with open_regular_file(path) as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & _OTHERS_MAY_WRITE:
                return None
            data = file.read()
    except (OSError, SpecfeatError):
        return None
    network = _parse_network(data)
    if network is None or network.header.get("key") != key.digest:
        return None
    now = time.time_ns()  # the kernel's own time for files can be some milliseconds older
    with contextlib.suppress(OSError):
        os.utime(path, ns=(now, now))
    return network


def write_network(folder: Path, key: NetworkKey, header: Mapping[str, object], content: bytes) -> bool:
    """Add a network to the cache, and remove the oldest ones if the cache has become too large.

    Args:
        folder: the folder of the cache; it is created if it does not exist.
        key: the key of the network.
        header: what is noted beside the network, as JSON values.
        content: the network in the form of the engine.

    Returns:
        Whether the network is in the cache. A cache that cannot be written is no error, because the next run
        can convert the network again.
    """
    head = json.dumps({**header, "key": key.digest, "engine": key.engine}).encode()
    parts = (MAGIC, len(head).to_bytes(4, "little"), head, content)
    digest = hashlib.sha256()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with AtomicFile(folder / (key.digest + _ENDING)) as atomic_file:
            os.fchmod(atomic_file.file.fileno(), 0o600)
            for part in parts:
                atomic_file.file.write(part)
                digest.update(part)
            atomic_file.file.write(digest.digest())
            atomic_file.sync()
            atomic_file.finish()
    except (OSError, SpecfeatError):
        return False
    _remove_oldest(folder, key.digest + _ENDING)
    return True


def list_networks(folder: Path) -> list[CacheEntry]:
    """Return the networks in the cache, the last used first.

    Args:
        folder: the folder of the cache.
    """
    return sorted(_iterate_entries(folder), key=lambda entry: -entry.used_ns)


def clear_networks(folder: Path) -> tuple[int, int]:
    """Remove all networks from the cache, and return their number and their size in bytes.

    The hidden files of runs that were killed are removed, too. If a run is writing one of them at this
    moment, its network is not kept.

    Args:
        folder: the folder of the cache.

    Raises:
        OSError: a file cannot be removed.
    """
    entries = list_networks(folder)
    for entry in entries:
        entry.path.unlink(missing_ok=True)
    for path in folder.glob(f".*{_ENDING}.*.partial"):
        path.unlink(missing_ok=True)
    return len(entries), sum(entry.size for entry in entries)


def _parse_network(data: bytes) -> CachedNetwork | None:
    """Return the network in a file; None if the file is damaged or has another format."""
    view = memoryview(data)
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + 4 + _DIGEST_BYTES:
        return None
    if hashlib.sha256(view[:-_DIGEST_BYTES]).digest() != view[-_DIGEST_BYTES:]:
        return None
    start = len(MAGIC) + 4
    end = start + int.from_bytes(view[len(MAGIC) : start], "little")
    if end > min(len(data) - _DIGEST_BYTES, start + _MAX_HEADER_BYTES):
        return None
    try:
        header = json.loads(bytes(view[start:end]))
    except ValueError:
        return None
    if not isinstance(header, dict):
        return None
    return CachedNetwork(header, bytes(view[end:-_DIGEST_BYTES]))


def _iterate_entries(folder: Path) -> Iterator[CacheEntry]:
    for path in folder.glob(f"*{_ENDING}"):
        try:
            status = path.stat()
            with open_regular_file(path) as file:
                front = file.read(len(MAGIC) + 4 + _MAX_HEADER_BYTES)
        except (OSError, SpecfeatError):  # another run has removed it
            continue
        yield CacheEntry(path, status.st_size, status.st_mtime_ns, _describe_network(front))


def _describe_network(front: bytes) -> str:
    """Return what a network is, from the first bytes of its file."""
    start = len(MAGIC) + 4
    length = int.from_bytes(front[len(MAGIC) : start], "little")
    try:
        header = json.loads(front[start : start + length])
        return f"{header['config']}, {header['engine']}"
    except (ValueError, KeyError, TypeError):
        return "damaged"


def _remove_oldest(folder: Path, kept_name: str) -> None:
    """Remove the networks that were not used for the longest time, until the cache is small enough."""
    total = 0
    for entry in list_networks(folder):
        total += entry.size
        if total > MAX_CACHE_BYTES and entry.path.name != kept_name:
            with contextlib.suppress(OSError):
                entry.path.unlink()
