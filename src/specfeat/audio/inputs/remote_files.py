"""Reads objects at addresses through fsspec (the extra `remote`); no other module imports fsspec.

fsspec knows the services: https://filesystem-spec.readthedocs.io
"""

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, TypeVar

from specfeat.audio.inputs.base import get_address_scheme
from specfeat.audio.inputs.copies import BLOCK_BYTES, copy_bytes, open_empty_copy
from specfeat.audio.inputs.members import MAX_MEMBER_BYTES, REFUSED
from specfeat.errors import AudioError, InstallError
from specfeat.files import FileIdentity, format_path
from specfeat.sound import SoundSource

SCHEMES = ("s3", "gs", "gcs", "http", "https", "memory")
WEB_SCHEMES = ("http", "https")
RETRY_WAITS_S = (0.5, 2.0, 5.0)  # between the attempts
_CONNECT_TIMEOUT_S = 30
_READ_TIMEOUT_S = 60  # without a byte from the server
_BLOCK_SIZE = 2**23  # of one request to S3 or Google Cloud Storage
# Keys in fsspec's description of an object that change with its content, the best first. The names differ.
_VERSION_KEYS = (
    *("ETag", "etag", "md5Hash", "Content-MD5", "Digest", "generation"),
    *("Last-Modified", "LastModified", "last_modified", "updated", "mtime", "created"),
)
# HTTP status codes below 500 after which the next attempt may have another result.
_FIRST_SERVER_ERROR = 500
_TEMPORARY_CODES = (408, 425, 429)
_MISSING_CODES = (None, 404, 410)
_CHANGED = "unreadable"  # an object that has grown
# Causes of our own errors after which the next attempt has the same result.
_PERMANENT_CAUSES = (_CHANGED, REFUSED)

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class RemoteObject(SoundSource):
    """An object at an address.

    Attributes:
        address: the address.
        identity: its size and version when it was listed. The size is None if the server does not give it.
    """

    address: str
    identity: FileIdentity

    def open_file(self) -> IO[bytes]:
        """See `SoundSource`; the whole object is copied, and a copy that breaks off is made again."""
        return retry(lambda: _copy_object(self.address, self.identity.size))


def list_objects(address: str) -> dict[str, dict[str, Any]]:
    """Return fsspec's description of the objects at an address, by their paths below it.

    The path is "" if the address is that of one object.

    Raises:
        InstallError: fsspec, or its package for the service, is not installed.
        AudioError: the server does not answer, or has no such object.
    """

    def list_once() -> dict[str, dict[str, Any]]:
        system, path = _find_system(address)
        system.invalidate_cache()
        if not address.endswith("/"):
            info = system.info(path)
            if info["type"] != "directory":
                return {"": info}
        folder = path.rstrip("/")
        found = system.find(folder, detail=True)
        return {name.removeprefix(folder).lstrip("/"): info for name, info in sorted(found.items())}

    return retry(list_once)


def find_identity(info: dict[str, Any]) -> FileIdentity:
    """Return the size and the version of an object.

    Args:
        info: fsspec's description of the object.
    """
    key = next((key for key in _VERSION_KEYS if info.get(key)), None)
    size = info.get("size")
    version = None if key is None else f"{key.lower()} {info[key]}"
    return FileIdentity(None if size is None else int(size), None, version)


def open_remote(address: str) -> IO[bytes]:
    """Open an object, to be read once from its beginning; the caller closes it.

    Raises:
        InstallError: fsspec, or its package for the service, is not installed.
        Exception: the error of the service.
    """
    system, path = _find_system(address)
    # A web server need not give parts of a file; with the size 0, all is one answer.
    opened: IO[bytes] = system.open(
        path, "rb", block_size=0 if get_address_scheme(address) in WEB_SCHEMES else _BLOCK_SIZE
    )
    return opened


def retry(action: Callable[[], _Result]) -> _Result:
    """Return the result of an action that may fail because of the network; a few attempts are made.

    Raises:
        AudioError: no attempt has succeeded.
    """
    for wait_s in (*RETRY_WAITS_S, None):
        try:
            return action()
        except InstallError:
            raise
        except Exception as e:  # Each service raises errors of its own classes.
            if wait_s is None or _is_permanent(e):
                raise _describe_failure(e) from e
            time.sleep(wait_s)
    raise RuntimeError("there is a last attempt")


def _copy_object(address: str, size: int | None) -> IO[bytes]:
    with open_remote(address) as remote:
        if size is None:
            return _copy_to_end(remote)
        _check_size(size)
        file = copy_bytes(remote.read, size)
        try:
            if remote.read(1):
                text = "is larger than when it was listed; run again when it is complete"
                raise AudioError(text, "open", _CHANGED)
        except BaseException:  # Raised again; no caller can close the file.
            file.close()
            raise
        return file


def _copy_to_end(remote: IO[bytes]) -> IO[bytes]:
    """Return a copy of an object whose server does not give its size."""
    file = open_empty_copy()
    try:
        while block := remote.read(BLOCK_BYTES):
            file.write(block)
            _check_size(file.tell())
        file.seek(0)
    except BaseException:  # Raised again; no caller can close the file.
        file.close()
        raise
    return file


def _check_size(size: int) -> None:
    if size > MAX_MEMBER_BYTES:
        raise AudioError(f"is larger than {MAX_MEMBER_BYTES:,} bytes, and is not read", "open", REFUSED)


def _find_system(address: str) -> tuple[Any, str]:
    """Return fsspec's file system for an address, and the path in it."""
    scheme = get_address_scheme(address)
    try:
        core = importlib.import_module("fsspec.core")
        options = _make_web_options() if scheme in WEB_SCHEMES else {}
        system, path = core.url_to_fs(address, **options)
    except ImportError as e:
        raise InstallError(
            f"{format_path(address)}: a package that reads {scheme} addresses is missing; "
            "install it with: pip install 'specfeat[remote]'"
        ) from e
    return system, str(path)


def _make_web_options() -> dict[str, Any]:
    aiohttp = importlib.import_module("aiohttp")
    # aiohttp itself would end each download after five minutes.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_READ_TIMEOUT_S)
    return {
        "client_kwargs": {"timeout": timeout, "trust_env": True},
        "headers": {"Accept-Encoding": "identity"},
    }


def _get_status_code(error: Exception) -> int | None:
    """Return the HTTP status code in an error, or in the error that caused it; None if there is none."""
    return getattr(error, "status", None) or getattr(error.__cause__, "status", None)


def _is_permanent(error: Exception) -> bool:
    if isinstance(error, AudioError):
        return error.cause in _PERMANENT_CAUSES
    code = _get_status_code(error)
    if code is not None:
        return code < _FIRST_SERVER_ERROR and code not in _TEMPORARY_CODES
    # fsspec says that a file does not exist if its server cannot be reached; then there is a cause.
    return isinstance(error, FileNotFoundError | PermissionError) and error.__cause__ is None


def _describe_failure(error: Exception) -> AudioError:
    if isinstance(error, AudioError) and _is_permanent(error):
        return error
    is_missing = isinstance(error, FileNotFoundError) and _is_permanent(error)
    if is_missing and _get_status_code(error) in _MISSING_CODES:
        return AudioError("does not exist on its server", "open", "missing")
    reason = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ else error
    text = " ".join(str(reason).split()) or type(reason).__name__
    attempts = "" if _is_permanent(error) else f" in {len(RETRY_WAITS_S) + 1} attempts"
    return AudioError(f"cannot be downloaded{attempts}: {text}", "open", "unreadable")
