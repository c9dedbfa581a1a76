"""A file over HTTP, piece by piece: what has come stays, and the next try goes on behind it."""

import contextlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from specfeat.errors import FetchError

TRIES = 5
PATIENCE_SECONDS = 30  # without a byte
MAX_BYTES = 2**31  # of a file whose size is not known
_BLOCK = 2**16

ProgressCallback = Callable[[int, int | None], None]  # bytes so far, bytes in all


class _CutError(Exception):
    """The connection failed, or ended before the file did; the argument says how."""


def download_file(address: str, partial: Path, size: int | None, progress: ProgressCallback) -> None:
    """Bring a file, going on where an earlier try ended.

    Args:
        address: http or https.
        partial: where the bytes go; it stays when this fails.
        size: that the file is to have, if known; not a byte more is taken.
        progress: hears how far it is.

    Raises:
        FetchError: it cannot be reached, is not there, or is larger than it should be.
        OSError: the file system refuses, which another try would not change.
    """
    before = -1
    reason = ""
    for _ in range(TRIES):
        try:
            _go_on(address, partial, size, progress)
        except urllib.error.HTTPError as e:
            e.close()
            raise FetchError(f"the server answers {e.code} {e.reason}") from e
        except _CutError as e:
            reason = str(e)
            have = _length(partial)
            if have == before == 0:
                break  # nothing comes, so nobody is there
            before = have
        else:
            return
    have = _length(partial)
    kept = f"; {have:,} bytes are kept, and the next fetch goes on behind them" if have else ""
    raise FetchError(f"the connection failed: {reason}{kept}")


@contextlib.contextmanager
def _connected() -> Iterator[None]:
    """Tell what the connection says from what the file system says: both are OSErrors."""
    try:
        yield
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException) as e:
        raise _CutError(str(getattr(e, "reason", e)) or type(e).__name__) from e


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _go_on(address: str, partial: Path, size: int | None, progress: ProgressCallback) -> None:
    have = _length(partial)
    if size is not None and have == size:
        return
    if have > (MAX_BYTES if size is None else size):
        partial.unlink()
        have = 0
    request = urllib.request.Request(address, headers=_headers(partial, have))  # noqa: S310  the table has https
    try:
        with _connected():
            response = urllib.request.urlopen(request, timeout=PATIENCE_SECONDS)  # noqa: S310  as above
    except urllib.error.HTTPError as e:
        if e.code != 416 or not have:
            raise
        e.close()
        partial.unlink()  # there is nothing behind what we have: it is of another file
        raise _CutError("the file has changed") from e
    with response:
        if response.status != 206 or not response.headers.get("Content-Range", "").startswith(
            f"bytes {have}-"
        ):
            have = 0
        _keep_tag(partial, response.headers.get("ETag"))
        _take(response, partial, have, size, progress)


def _headers(partial: Path, have: int) -> dict[str, str]:
    headers = {"User-Agent": "specfeat", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        with contextlib.suppress(OSError):
            headers["If-Range"] = _tag_path(partial).read_text()
    return headers


def _tag_path(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.etag")


def _keep_tag(partial: Path, tag: str | None) -> None:
    """Remember which version of the file the bytes are of; a weak tag does not tell."""
    if tag and not tag.startswith("W/") and tag.isprintable() and len(tag) < 500:
        _tag_path(partial).write_text(tag)
    else:
        _tag_path(partial).unlink(missing_ok=True)


def _read(response: Any) -> bytes:
    with _connected():
        block: bytes = response.read(_BLOCK)
    return block


def _take(response: Any, partial: Path, have: int, size: int | None, progress: ProgressCallback) -> None:
    length = response.headers.get("Content-Length", "")
    total = have + int(length) if length.isdecimal() else None
    most = MAX_BYTES if size is None else size
    with partial.open("r+b" if have else "wb") as file:
        file.seek(have)
        while block := _read(response):
            have += len(block)
            if have > most:
                raise FetchError(f"the server sends more than {most:,} bytes; it is another file")
            file.write(block)
            progress(have, total)
    if total is not None and have < total:
        raise _CutError(f"it ended after {have:,} of {total:,} bytes")
