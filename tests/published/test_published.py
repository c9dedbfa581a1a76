"""`specfeat weights fetch`, against a web server that the test starts."""

import fcntl
import gzip
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from specfeat.config import shipped_names
from specfeat.errors import FetchError, OutputError, UsageError
from specfeat.published import download
from specfeat.published import fetch as fetching
from specfeat.published.fetch import FetchedWeights, fetch_weights, find_cache_folder
from specfeat.published.table import PUBLISHED_WEIGHTS, PublishedWeights, find_published_weights

pytestmark = pytest.mark.slow

BYTES = bytes(range(256)) * 2000  # half a megabyte
DIGEST = hashlib.sha256(BYTES).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one file under any path, as it is told to misbehave."""

    content = BYTES
    tag = '"one"'
    cut_after: int | None = None  # bytes of an answer, after which the connection ends
    cuts = 99  # how often
    ranges = True
    stalled: threading.Event | None = None  # an answer stays open till then
    asked: list[str | None]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        if "missing" in self.path:
            self.send_error(404)
            return
        fresh = self.headers.get("If-Range") in (None, server.tag)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.ranges and fresh else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}"
            )
        self.send_header("ETag", server.tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.cut_after is not None and server.cuts > 0:
            server.cuts -= 1
            body = body[: server.cut_after]
        self.wfile.write(body)
        if server.stalled:
            server.stalled.wait()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def entry(server: Server) -> PublishedWeights:
    address = f"http://127.0.0.1:{server.server_port}/net.h5?download=1"
    return PublishedWeights(
        name="net",
        config="yamnet",
        address=address,
        licence="CC0",
        size=len(BYTES),
        sha256=DIGEST,
        vouched="its authors",
    )


def _fetch(entry: PublishedWeights, folder: Path) -> FetchedWeights:
    return fetch_weights(entry, folder, lambda *_: None)


def test_a_file_comes_once_and_is_verified(server: Server, entry: PublishedWeights, tmp_path: Path) -> None:
    """The second fetch asks nobody; nothing but the file and the hashes is left in the cache."""
    heard: list[tuple[int, int | None]] = []
    first = fetch_weights(entry, tmp_path / "cache", lambda *said: heard.append(said))
    again = _fetch(entry, tmp_path / "cache")

    assert first == FetchedWeights(tmp_path / "cache" / "net.h5", DIGEST, is_known=True, was_there=False)
    assert again == replace(first, was_there=True)
    assert first.path.read_bytes() == BYTES
    assert server.asked == [None]
    assert heard[-1] == (len(BYTES), len(BYTES))
    assert sorted(path.name for path in first.path.parent.iterdir()) == [".lock", "net.h5", "sha256.json"]


def test_a_cut_connection_is_taken_up_where_it_ended(
    server: Server, entry: PublishedWeights, tmp_path: Path
) -> None:
    """Each try asks for what is missing, and the pieces make the file."""
    server.cut_after, server.cuts = 200_000, 2

    assert _fetch(entry, tmp_path).path.read_bytes() == BYTES
    assert server.asked == [None, "bytes=200000-", "bytes=400000-"]


def test_a_fetch_that_gave_up_goes_on_the_next_time(
    server: Server, entry: PublishedWeights, tmp_path: Path
) -> None:
    """What has come is kept for the next command, and never under the file's name."""
    server.cut_after = 1000

    with pytest.raises(
        FetchError, match=r"5,000 bytes are kept, and the next fetch goes on behind them; or fetch it by"
    ):
        _fetch(entry, tmp_path)
    assert not (tmp_path / "net.h5").exists()
    assert (tmp_path / "net.h5.partial").read_bytes() == BYTES[:5000]
    server.cut_after = None

    assert _fetch(entry, tmp_path).path.read_bytes() == BYTES
    assert server.asked[-1] == "bytes=5000-"


def test_a_server_without_ranges_begins_again(
    server: Server, entry: PublishedWeights, tmp_path: Path
) -> None:
    """A whole answer to a question for the rest replaces what was there."""
    server.cut_after, server.cuts, server.ranges = 1000, 1, False

    assert _fetch(entry, tmp_path).path.read_bytes() == BYTES


def test_pieces_of_two_versions_are_not_joined(
    server: Server, entry: PublishedWeights, tmp_path: Path
) -> None:
    """The file has changed between two tries: its tag says so, and it is begun again."""
    server.cut_after = 1000
    with pytest.raises(FetchError):
        _fetch(entry, tmp_path)
    server.cut_after, server.tag, server.content = None, '"two"', BYTES[::-1]
    other = replace(entry, sha256=hashlib.sha256(BYTES[::-1]).hexdigest())

    assert _fetch(other, tmp_path).path.read_bytes() == BYTES[::-1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BYTES[:-1], "has 511,999 bytes; wanted 512,000, so it is removed"),
        (BYTES + b"x", "the server sends more than 512,000 bytes; it is another file"),
        (BYTES[::-1], rf"has the SHA-256 [0-9a-f]{{64}}; what was published has {DIGEST}, so it is removed"),
        (b"<html>log in first</html>", "has 25 bytes; wanted 512,000"),
    ],
)
def test_another_file_is_refused(
    server: Server, entry: PublishedWeights, tmp_path: Path, content: bytes, said: str
) -> None:
    """Size and hash are checked before the file has its name; a later fetch begins anew."""
    server.content = content

    with pytest.raises(FetchError, match=said):
        _fetch(entry, tmp_path)
    assert not (tmp_path / "net.h5").exists()
    server.content, server.tag = BYTES, '"new"'

    assert _fetch(entry, tmp_path).path.read_bytes() == BYTES


def test_what_is_not_there_names_the_answer_and_the_address(entry: PublishedWeights, tmp_path: Path) -> None:
    """404 is told at once, with the address to look at by hand."""
    missing = replace(entry, address=entry.address.replace("net.h5", "missing.h5"))

    with pytest.raises(FetchError) as error:
        _fetch(missing, tmp_path)

    place = tmp_path / "missing.h5"
    assert (
        str(error.value)
        == f"the server answers 404 Not Found; or fetch it by hand, to {place}: {missing.address}"
    )


def test_offline_is_told_at_once(entry: PublishedWeights, tmp_path: Path) -> None:
    """Nobody answers: one sentence with the address, and no long row of tries."""
    with Server() as gone:
        port = gone.server_port
    away = replace(entry, address=f"http://127.0.0.1:{port}/net.h5")

    with pytest.raises(
        FetchError, match=rf"the connection failed: .*refused; or fetch it by hand, to .*: {away.address}"
    ):
        _fetch(away, tmp_path)


def test_an_unknown_hash_is_remembered_and_compared(
    server: Server, entry: PublishedWeights, tmp_path: Path
) -> None:
    """What the table does not know is not claimed: the first file's hash counts from then on."""
    unknown = replace(entry, sha256=None, size=None)
    first = _fetch(unknown, tmp_path)
    first.path.unlink()
    server.content, server.tag = BYTES[::-1], '"two"'

    assert (first.is_known, first.sha256) == (False, DIGEST)
    with pytest.raises(FetchError, match=rf"what was fetched at first has {DIGEST}, so it is removed"):
        _fetch(unknown, tmp_path)


@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_was_changed_in_the_cache_is_told(
    entry: PublishedWeights, tmp_path: Path, known: bool
) -> None:
    """The cache is verified at each use."""
    entry = entry if known else replace(entry, sha256=None)
    _fetch(entry, tmp_path).path.write_bytes(b"other")

    with pytest.raises(
        FetchError, match=r"net\.h5: is not the file that was published, its SHA-256 is .*; remove it"
    ):
        _fetch(entry, tmp_path)


def test_a_gzipped_file_is_unpacked_in_the_cache(
    server: Server, entry: PublishedWeights, tmp_path: Path
) -> None:
    """Size and hash are of what is published; the cache has what is in it."""
    packed = server.content = gzip.compress(BYTES, mtime=0)
    digest = hashlib.sha256(packed).hexdigest()
    zipped = replace(
        entry, address=entry.address.replace(".h5", ".h5.gz"), gzipped=True, size=len(packed), sha256=digest
    )

    assert [_fetch(zipped, tmp_path).sha256 for _ in range(2)] == [digest, digest]
    assert (tmp_path / "net.h5").read_bytes() == BYTES
    (tmp_path / "net.h5").write_bytes(b"other")
    with pytest.raises(FetchError, match="is not the file that was published"):
        _fetch(zipped, tmp_path)


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(BYTES)[:-9]])
def test_a_broken_gzip_is_removed(
    server: Server, entry: PublishedWeights, tmp_path: Path, content: bytes
) -> None:
    """So that the next fetch brings a new one."""
    server.content = content

    with pytest.raises(FetchError, match="is no whole gzip file, so it is removed"):
        _fetch(replace(entry, gzipped=True, size=None, sha256=None), tmp_path)
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name and "etag" not in p.name] == []


def test_a_gzip_bomb_is_bounded(
    server: Server, entry: PublishedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not fill the disk."""
    monkeypatch.setattr("specfeat.published.fetch.MAX_BYTES", 3_000_000)
    server.content = gzip.compress(bytes(10_000_000))

    with pytest.raises(FetchError, match="unpacks to more than 3,000,000 bytes, so it is removed"):
        _fetch(replace(entry, gzipped=True, size=None, sha256=None), tmp_path)


def test_a_file_of_unknown_size_is_bounded(
    server: Server, entry: PublishedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that never ends does not fill the disk, either."""
    monkeypatch.setattr(download, "MAX_BYTES", 100_000)

    with pytest.raises(FetchError, match="the server sends more than 100,000 bytes"):
        _fetch(replace(entry, size=None, sha256=None), tmp_path)


def test_two_fetches_do_not_write_into_one_file(entry: PublishedWeights, tmp_path: Path) -> None:
    """The second is told to wait."""
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(FetchError, match="another specfeat is fetching into it"):
            _fetch(entry, tmp_path)


@pytest.mark.parametrize("name", ["net", "other"])
def test_what_another_fetch_has_done_before_the_lock_counts(
    server: Server, entry: PublishedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A file that came while this fetch waited is taken, and the hash of another one stays remembered."""
    alone = fetching._alone
    first = replace(entry, name=name, address=entry.address.replace("net.h5", f"{name}.h5"))

    @contextmanager
    def overtaken(folder: Path) -> Iterator[None]:
        monkeypatch.setattr(fetching, "_alone", alone)
        _fetch(first, folder)
        with alone(folder):
            yield

    monkeypatch.setattr(fetching, "_alone", overtaken)
    fetched = _fetch(entry, tmp_path)

    assert fetched.was_there == (name == "net")
    assert len(server.asked) == len({"net", name})
    assert set(json.loads((tmp_path / "sha256.json").read_text())) == {"net", "net.h5", name, f"{name}.h5"}


def test_a_full_disk_is_no_failed_connection(server: Server, entry: PublishedWeights, tmp_path: Path) -> None:
    """The disk's word is told, with the folder; asking the server again would not help."""
    (tmp_path / "net.h5.partial").symlink_to("/dev/full")

    with pytest.raises(OutputError, match=f"^{tmp_path}: the cache cannot be used: No space left on device$"):
        _fetch(entry, tmp_path)
    assert len(server.asked) == 1


def test_by_hand_a_packed_file_is_unpacked(entry: PublishedWeights, tmp_path: Path) -> None:
    """The name in the cache is that of what is inside."""
    missing = replace(entry, address=f"{entry.address.partition('/net')[0]}/missing.h5.gz", gzipped=True)
    with pytest.raises(FetchError, match=r"or fetch it by hand and unpack it, to .*missing\.h5: http"):
        _fetch(missing, tmp_path)


def test_a_cache_that_cannot_be_written_is_told(entry: PublishedWeights, tmp_path: Path) -> None:
    """A home that is a file, a full disk: the folder is named."""
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="file/cache: the cache cannot be used: Not a directory"):
        _fetch(entry, tmp_path / "file" / "cache")


# --- the table and the command ---------------------------------------------------------------------


def test_the_table_is_whole() -> None:
    """Each entry has an address over https, a licence, and a hash that is one or none."""
    assert (
        len({entry.name for entry in PUBLISHED_WEIGHTS})
        == len({entry.file for entry in PUBLISHED_WEIGHTS})
        == len(PUBLISHED_WEIGHTS)
    )
    for entry in PUBLISHED_WEIGHTS:
        assert entry.address.startswith("https://")
        assert entry.licence
        assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)
        assert (entry.sha256 is None) == (entry.vouched == "not known")
        assert not entry.file.endswith(".gz")
    assert {"yamnet", "vggish", "cnn14"} <= {entry.config for entry in PUBLISHED_WEIGHTS} & set(
        shipped_names()
    )
    with pytest.raises(UsageError, match=r"yament: no such published weights \(did you mean 'yamnet'\?\)"):
        find_published_weights("yament")


def test_the_cache_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME is respected."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert find_cache_folder() == tmp_path / "specfeat" / "weights"


def _start(tmp_path: Path, entry: PublishedWeights | None, *words: str) -> "subprocess.Popen[str]":
    """Start the command with the table replaced by one entry."""
    known = (
        {
            key: getattr(entry, key)
            for key in ("name", "config", "address", "licence", "size", "sha256", "vouched")
        }
        if entry
        else {}
    )
    code = (
        "import json, sys; from specfeat.published import table; known = json.loads(sys.argv.pop(1));"
        "table.TABLE = (table.Published(**known),) if known else table.TABLE;"
        "from specfeat.cli import main; sys.exit(main())"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(known), "weights", "fetch", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )


def _run(tmp_path: Path, entry: PublishedWeights | None, *words: str) -> subprocess.CompletedProcess[str]:
    process = _start(tmp_path, entry, *words)
    stdout, stderr = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def test_the_command_goes_on_where_it_was_stopped(
    server: Server, entry: PublishedWeights, tmp_path: Path
) -> None:
    """A signal keeps what has come, and says so."""
    server.cut_after, server.cuts, server.stalled = len(BYTES) // 2, 1, threading.Event()
    partial = tmp_path / "specfeat" / "weights" / "net.h5.partial"
    process = _start(tmp_path, entry, "net")
    while not partial.exists() or not partial.stat().st_size:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=10)
    server.stalled.set()
    kept = partial.stat().st_size

    assert (process.returncode, stdout) == (143, "")
    assert stderr == "specfeat: stopped by SIGTERM; the downloaded part is kept; fetch again to continue\n"
    assert _run(tmp_path, entry, "net", "-q").returncode == 0
    assert server.asked == [None, f"bytes={kept}-"]


def test_the_command_prints_the_path_alone(entry: PublishedWeights, tmp_path: Path) -> None:
    """So that it can stand in $(...); what else is to be said goes to stderr."""
    place = f"{tmp_path}/specfeat/weights/net.h5\n"
    loud, quiet = _run(tmp_path, entry, "net"), _run(tmp_path, entry, "net", "-q")

    assert (loud.returncode, loud.stdout) == (0, place)
    assert loud.stderr == (
        "specfeat: net: licence CC0; its SHA-256 is known from its authors; "
        "use it with -c yamnet --set model.weights.file=PATH\n"
    )
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, place, "")


def test_the_command_says_what_it_found_where_nothing_is_known(
    entry: PublishedWeights, tmp_path: Path
) -> None:
    """It claims nothing, even when asked to be quiet; and only once."""
    said = [_run(tmp_path, replace(entry, sha256=None), "net", "-q").stderr for _ in range(2)]

    assert said == [
        f"specfeat: net: no SHA-256 is known for certain; this file has the SHA-256 {DIGEST}, which "
        "later fetches compare with\n",
        "",
    ]


def test_the_commands_failures_are_one_line(entry: PublishedWeights, tmp_path: Path) -> None:
    """Exit code 1 offline, 2 for a name that is not known."""
    away = _run(tmp_path, replace(entry, address="http://127.0.0.1:9/net.h5"), "net")
    unknown = _run(tmp_path, None, "nett")

    assert (away.returncode, away.stdout, away.stderr.count("\n")) == (1, "", 1)
    assert away.stderr.startswith("specfeat: the connection failed: ")
    assert "http://127.0.0.1:9/net.h5" in away.stderr
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr.startswith("specfeat: nett: no such published weights")


def test_without_a_name_the_command_lists_them(tmp_path: Path) -> None:
    """Name, size, licence and address, a line each."""
    done = _run(tmp_path, None)

    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        entry.name for entry in PUBLISHED_WEIGHTS
    ]
    assert all(entry.address in done.stdout for entry in PUBLISHED_WEIGHTS)
    known = {line.split()[0] for line in done.stdout.splitlines() if "  hash known  " in line}
    assert known == {entry.name for entry in PUBLISHED_WEIGHTS if entry.sha256}
