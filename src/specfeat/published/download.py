"""Downloads a file over HTTP; what has arrived is kept, and the next attempt continues after it."""

import contextlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from specfeat.errors import FetchError
from specfeat.files import read_file_size

MAX_ATTEMPTS = 5
TIMEOUT_S = 30  # without a byte from the server
MAX_BYTES = 2**31  # of a file whose size is not known
_BLOCK_BYTES = 2**16
_MAX_TAG_LENGTH = 500

ProgressCallback = Callable[[int, int | None], None]  # bytes so far, bytes in all (None: not known)


class _ConnectionLostError(Exception):
    """The connection failed, or ended before the file did; the argument says how."""


def download_file(address: str, partial: Path, size: int | None, progress: ProgressCallback) -> None:
    """Download a file, continuing after the bytes that an earlier attempt has left.

    Args:
        address: http or https.
        partial: the file that the bytes are written to; it is kept if the download fails.
        size: the size of the complete file in bytes, if known; not a byte more is accepted.
        progress: a function that is called after each block.

    Raises:
        FetchError: the server cannot be reached or does not have the file, or the file is larger than
            expected.
        OSError: the file system refuses; another attempt would not help.
    """
    bytes_before = -1
    reason = ""
    for _ in range(MAX_ATTEMPTS):
        try:
            _continue_download(address, partial, size, progress)
        except urllib.error.HTTPError as e:
            e.close()
            raise FetchError(f"the server answers {e.code} {e.reason}") from e
        except _ConnectionLostError as e:
            reason = str(e)
            kept_bytes = _read_size(partial)
            if kept_bytes == bytes_before == 0:
                break  # two attempts without a byte: nobody is there
            bytes_before = kept_bytes
        else:
            return
    kept_bytes = _read_size(partial)
    hint = f"; {kept_bytes:,} bytes are kept, and the next fetch continues after them" if kept_bytes else ""
    raise FetchError(f"the connection failed: {reason}{hint}")


@contextlib.contextmanager
def _wrap_connection_errors() -> Iterator[None]:
    """Turn errors of the connection into `_ConnectionLostError`.

    Network and file system both raise OSError. Only calls that use the network stand in such a block, so that
    a full disk is not taken for a lost connection.
    """
    try:
        yield
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException) as e:
        raise _ConnectionLostError(str(getattr(e, "reason", e)) or type(e).__name__) from e


def _read_size(path: Path) -> int:
    return read_file_size(os.fspath(path))


def _continue_download(address: str, partial: Path, size: int | None, progress: ProgressCallback) -> None:
    """Request the bytes that are missing, and write them.

    Raises:
        HTTPError: the server answers with an error.
        _ConnectionLostError: another attempt may succeed.
        FetchError: the file is larger than expected.
    """
    start = _read_size(partial)
    if start == size:
        return
    if start > (MAX_BYTES if size is None else size):
        partial.unlink()
        start = 0
    headers = _make_headers(partial, start)
    request = urllib.request.Request(address, headers=headers)  # noqa: S310  the table has only https addresses
    try:
        with _wrap_connection_errors():
            response = urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310  an https address
    except urllib.error.HTTPError as e:
        if e.code != 416 or not start:
            raise
        # 416: the server has nothing after our bytes, so they belong to another version of the file.
        e.close()
        partial.unlink()
        raise _ConnectionLostError("the file has changed") from e
    with response:
        content_range = response.headers.get("Content-Range", "")
        if response.status != 206 or not content_range.startswith(f"bytes {start}-"):
            start = 0  # the server sends the whole file: it has no ranges, or the file has changed
        _write_tag(partial, response.headers.get("ETag"))
        _write_body(response, partial, start, size, progress)


def _make_headers(partial: Path, start: int) -> dict[str, str]:
    headers = {"User-Agent": "specfeat", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        # With If-Range the server sends the whole file if it is another version than the tag's.
        with contextlib.suppress(OSError):
            headers["If-Range"] = get_tag_path(partial).read_text()
    return headers


def get_tag_path(partial: Path) -> Path:
    """Return the file beside a partial file that holds the server's tag of its version."""
    return partial.with_name(f"{partial.name}.etag")


def _write_tag(partial: Path, tag: str | None) -> None:
    """Remember which version of the file the bytes are from; a weak tag (W/) does not identify a version."""
    if tag and not tag.startswith("W/") and tag.isprintable() and len(tag) < _MAX_TAG_LENGTH:
        get_tag_path(partial).write_text(tag)
    else:
        get_tag_path(partial).unlink(missing_ok=True)


def _read_block(response: Any) -> bytes:
    with _wrap_connection_errors():
        block: bytes = response.read(_BLOCK_BYTES)
    return block


def _write_body(
    response: Any, partial: Path, start: int, size: int | None, progress: ProgressCallback
) -> None:
    """Write the body of a response from the byte `start` of the file on.

    Raises:
        _ConnectionLostError: the body is shorter than the server has said.
        FetchError: the file becomes larger than expected.
    """
    length = response.headers.get("Content-Length", "")
    position = start
    total = start + int(length) if length.isdecimal() else None
    most_bytes = MAX_BYTES if size is None else size
    with partial.open("r+b" if start else "wb") as file:
        file.seek(start)
        while block := _read_block(response):
            position += len(block)
            if position > most_bytes:
                raise FetchError(f"the server sends more than {most_bytes:,} bytes; it is another file")
            file.write(block)
            progress(position, total)
    if total is not None and position < total:
        raise _ConnectionLostError(f"it ended after {position:,} of {total:,} bytes")
