"""`fetch_weights`, against a web server that the test starts."""

import fcntl
import gzip
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.weights_server import CONTENT, DIGEST, WeightsServer, run_server
from specfeat.errors import FetchError, OutputError
from specfeat.published import download
from specfeat.published import fetch as fetching
from specfeat.published.fetch import FetchedWeights, fetch_weights, lock_cache
from specfeat.published.table import PublishedWeights


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    """A running server."""
    with run_server() as running:
        yield running


@pytest.fixture
def entry(server: WeightsServer) -> PublishedWeights:
    """The entry of the table for the file that the server has at first."""
    return server.make_entry()


def _fetch(entry: PublishedWeights, folder: Path) -> FetchedWeights:
    return fetch_weights(entry, folder, lambda *_: None)


def test_a_file_is_downloaded_once_and_verified(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path
) -> None:
    """The second fetch sends no request; the cache has nothing but the file, the hashes and the lock."""
    progress: list[tuple[int, int | None]] = []
    first = fetch_weights(entry, tmp_path / "cache", lambda *numbers: progress.append(numbers))
    again = _fetch(entry, tmp_path / "cache")

    assert first == FetchedWeights(
        tmp_path / "cache" / "net.h5", DIGEST, has_known_hash=True, was_cached=False
    )
    assert again == replace(first, was_cached=True)
    assert first.path.read_bytes() == CONTENT
    assert server.requested_ranges == [None]
    assert progress[-1] == (len(CONTENT), len(CONTENT))
    assert sorted(path.name for path in first.path.parent.iterdir()) == [".lock", "net.h5", "sha256.json"]


def test_a_cut_connection_is_continued_where_it_ended(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path
) -> None:
    """Each attempt requests the missing bytes, and the pieces together are the file."""
    server.cut_after, server.remaining_cuts = 200_000, 2

    assert _fetch(entry, tmp_path).path.read_bytes() == CONTENT
    assert server.requested_ranges == [None, "bytes=200000-", "bytes=400000-"]


def test_a_failed_fetch_is_continued_by_the_next_one(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path
) -> None:
    """The bytes are kept for the next command, but never under the file's name."""
    server.cut_after = 1000

    with pytest.raises(
        FetchError,
        match=r"5,000 bytes are kept, and the next fetch continues after them; fetch again later, or fetch http",
    ):
        _fetch(entry, tmp_path)
    assert not (tmp_path / "net.h5").exists()
    assert (tmp_path / "net.h5.partial").read_bytes() == CONTENT[:5000]
    server.cut_after = None

    assert _fetch(entry, tmp_path).path.read_bytes() == CONTENT
    assert server.requested_ranges[-1] == "bytes=5000-"


def test_a_server_without_ranges_sends_the_whole_file_again(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path
) -> None:
    """An answer with the whole file, when the rest was requested, replaces the bytes that were kept."""
    server.cut_after, server.remaining_cuts, server.has_ranges = 1000, 1, False

    assert _fetch(entry, tmp_path).path.read_bytes() == CONTENT


def test_pieces_of_two_versions_are_not_combined(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path
) -> None:
    """If the file has changed between two attempts, its ETag differs, and the download starts again."""
    server.cut_after = 1000
    with pytest.raises(FetchError):
        _fetch(entry, tmp_path)
    server.cut_after, server.tag, server.content = None, '"two"', CONTENT[::-1]
    other = replace(entry, sha256=hashlib.sha256(CONTENT[::-1]).hexdigest())

    assert _fetch(other, tmp_path).path.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CONTENT[:-1], "has 511,999 bytes; wanted 512,000, so it is removed"),
        (CONTENT + b"x", "the server sends more than 512,000 bytes; it is another file"),
        (
            CONTENT[::-1],
            rf"has the SHA-256 [0-9a-f]{{64}}; the published file has {DIGEST}, so it is removed",
        ),
        (b"<html>log in first</html>", "has 25 bytes; wanted 512,000"),
    ],
)
def test_another_file_is_refused(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path, content: bytes, message: str
) -> None:
    """Size and hash are checked before the file gets its name; a later fetch starts again."""
    server.content = content

    with pytest.raises(FetchError, match=message):
        _fetch(entry, tmp_path)
    assert not (tmp_path / "net.h5").exists()
    server.content, server.tag = CONTENT, '"new"'

    assert _fetch(entry, tmp_path).path.read_bytes() == CONTENT


def test_an_http_error_names_the_answer_and_the_address(entry: PublishedWeights, tmp_path: Path) -> None:
    """A 404 ends the fetch at once; the error has the address, for a download by hand."""
    missing = replace(entry, address=entry.address.replace("net.h5", "missing.h5"))

    with pytest.raises(FetchError) as error:
        _fetch(missing, tmp_path)

    target = tmp_path / "missing.h5"
    assert (
        str(error.value)
        == f"the server answers 404 Not Found; fetch again later, or fetch {missing.address} by hand and save it as {target}"
    )


def test_a_fetch_without_a_network_fails_at_once(entry: PublishedWeights, tmp_path: Path) -> None:
    """If nobody answers, the error is one sentence with the address, without many attempts."""
    with WeightsServer() as stopped:
        port = stopped.server_port
    unreachable = replace(entry, address=f"http://127.0.0.1:{port}/net.h5")

    with pytest.raises(
        FetchError,
        match=rf"the connection failed: .*refused; fetch again later, or fetch {unreachable.address} by hand and ",
    ):
        _fetch(unreachable, tmp_path)


def test_a_hash_that_nobody_publishes_is_stored_and_compared(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path
) -> None:
    """Without a hash in the table, the hash of the first download is compared from then on."""
    unknown_entry = replace(entry, sha256=None, size=None)
    first = _fetch(unknown_entry, tmp_path)
    first.path.unlink()
    server.content, server.tag = CONTENT[::-1], '"two"'

    assert (first.has_known_hash, first.sha256) == (False, DIGEST)
    with pytest.raises(FetchError, match=rf"the file that was fetched first has {DIGEST}, so it is removed"):
        _fetch(unknown_entry, tmp_path)


@pytest.mark.parametrize("is_hash_known", [True, False])
def test_a_file_that_was_changed_in_the_cache_is_refused(
    entry: PublishedWeights, tmp_path: Path, is_hash_known: bool
) -> None:
    """The hash of the cached file is checked at each fetch."""
    entry = entry if is_hash_known else replace(entry, sha256=None)
    _fetch(entry, tmp_path).path.write_bytes(b"other")

    with pytest.raises(
        FetchError, match=r"net\.h5: is not the file that was published, its SHA-256 is .*; remove it"
    ):
        _fetch(entry, tmp_path)


def test_a_gzipped_file_is_unpacked_in_the_cache(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path
) -> None:
    """Size and hash are those of the published file; the cache has the unpacked file."""
    packed = server.content = gzip.compress(CONTENT, mtime=0)
    digest = hashlib.sha256(packed).hexdigest()
    zipped = replace(
        entry,
        address=entry.address.replace(".h5", ".h5.gz"),
        is_gzipped=True,
        size=len(packed),
        sha256=digest,
    )

    assert [_fetch(zipped, tmp_path).sha256 for _ in range(2)] == [digest, digest]
    assert (tmp_path / "net.h5").read_bytes() == CONTENT
    (tmp_path / "net.h5").write_bytes(b"other")
    with pytest.raises(FetchError, match="is not the file that was published"):
        _fetch(zipped, tmp_path)


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(CONTENT)[:-9]])
def test_a_broken_gzip_is_removed(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path, content: bytes
) -> None:
    """The next fetch then downloads a new one."""
    server.content = content

    with pytest.raises(FetchError, match="is not a complete gzip file, so it is removed"):
        _fetch(replace(entry, is_gzipped=True, size=None, sha256=None), tmp_path)
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name and "etag" not in p.name] == []


def test_a_gzip_bomb_is_bounded(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small gzip file cannot fill the disk."""
    monkeypatch.setattr("specfeat.published.fetch.MAX_BYTES", 3_000_000)
    server.content = gzip.compress(bytes(10_000_000))

    with pytest.raises(FetchError, match="unpacks to more than 3,000,000 bytes, so it is removed"):
        _fetch(replace(entry, is_gzipped=True, size=None, sha256=None), tmp_path)


def test_a_file_of_unknown_size_is_bounded(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that never stops sending cannot fill the disk."""
    monkeypatch.setattr(download, "MAX_BYTES", 100_000)

    with pytest.raises(FetchError, match="the server sends more than 100,000 bytes"):
        _fetch(replace(entry, size=None, sha256=None), tmp_path)


def test_two_fetches_do_not_write_at_the_same_time(entry: PublishedWeights, tmp_path: Path) -> None:
    """The second fetch is refused while the first one has the lock."""
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(FetchError, match="another specfeat is fetching into it"):
            _fetch(entry, tmp_path)


@pytest.mark.parametrize("name", ["net", "other"])
def test_another_fetch_may_finish_just_before_the_lock(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A file that another fetch has completed is used, and the hash of another file stays stored."""
    original = lock_cache
    first = replace(entry, name=name, address=entry.address.replace("net.h5", f"{name}.h5"))

    @contextmanager
    def lock_after_other_fetch(folder: Path) -> Iterator[None]:
        monkeypatch.setattr(fetching, "lock_cache", original)
        _fetch(first, folder)
        with original(folder):
            yield

    monkeypatch.setattr(fetching, "lock_cache", lock_after_other_fetch)
    fetched = _fetch(entry, tmp_path)

    assert fetched.was_cached == (name == "net")
    assert len(server.requested_ranges) == len({"net", name})
    assert set(json.loads((tmp_path / "sha256.json").read_text())) == {"net", "net.h5", name, f"{name}.h5"}


def test_a_full_disk_is_not_taken_for_a_failed_connection(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path
) -> None:
    """The error is the system's, with the folder; the server is not asked again."""
    (tmp_path / "net.h5.partial").symlink_to("/dev/full")

    with pytest.raises(OutputError, match=f"^{tmp_path}: the cache cannot be used: No space left on device$"):
        _fetch(entry, tmp_path)
    assert len(server.requested_ranges) == 1


def test_the_error_for_a_gzipped_file_says_to_unpack_it(entry: PublishedWeights, tmp_path: Path) -> None:
    """The name in the cache is that of the unpacked file."""
    missing = replace(entry, address=f"{entry.address.partition('/net')[0]}/missing.h5.gz", is_gzipped=True)
    with pytest.raises(
        FetchError, match=r"or fetch http.* by hand, unpack it, and save it as .*missing\.h5$"
    ):
        _fetch(missing, tmp_path)


def test_a_cache_that_cannot_be_written_is_an_error(entry: PublishedWeights, tmp_path: Path) -> None:
    """The error names the folder, e.g. if one of its parents is a file."""
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="file/cache: the cache cannot be used: Not a directory"):
        _fetch(entry, tmp_path / "file" / "cache")
